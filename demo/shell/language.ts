/** The language that the pages speak, and their words in it. */
import { effect, signal } from "@preact/signals";

export const languages = ["en", "ko"] as const;
export type Language = (typeof languages)[number];

/** The same in every language, in the order of {@link languages}. */
export type InBoth = readonly [en: string, ko: string];

const storageKey = "webgpu-rnn.language";

/** `?lang=` of the address, else the last choice, else the browser's first language that the pages have, else English. */
export function preferredLanguage(
  search: string,
  stored: string | null,
  browserLanguages: readonly string[],
): Language {
  const wishes = [new URLSearchParams(search).get("lang"), stored, ...browserLanguages];
  for (const wish of wishes) {
    const known = languages.find((language) => language === wish?.toLowerCase().split("-")[0]);
    if (known) return known;
  }
  return "en";
}

/** What was stored under a name; null in a browser that forbids storage. */
export function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that forbids storage forgets the choice, which is all.
  }
}

/** Read in a component, it is drawn again when the language changes. */
export const language = signal<Language>(preferredLanguage(location.search, stored(storageKey), navigator.languages));

effect(() => {
  document.documentElement.lang = language.value;
});

export function setLanguage(next: Language): void {
  language.value = next;
  store(storageKey, next);
}

/** One of both, in the reader's language. */
export const inLanguage = (both: InBoth): string => both[languages.indexOf(language.value)]!;

/** A number as the language writes it. */
export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** A share of 1 as the language writes it: 42 %. */
export const percent = (value: number, digits = 0): string =>
  new Intl.NumberFormat(language.value, {
    style: "percent",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);

export type Values = Readonly<Record<string, string | number>>;

/**
 * Words of a page: `const text = words({ hello: ["Hello {name}", "{name} 님, 안녕하세요"] }); text("hello", { name })`. A number that is put
 * in is written as the language writes it.
 */
export function words<const W extends Readonly<Record<string, InBoth>>>(
  all: W,
): (key: keyof W, values?: Values) => string {
  return (key, values = {}) =>
    inLanguage(all[key]!).replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? number(value) : value;
    });
}
