/** The language that the page speaks, and the words in it. */
import { type Language, languages, strings, type TextKey } from "./strings.ts";

const storageKey = "webgpu-rnn.language";

/** `?lang=` of the address, else the last choice, else the browser's first language that the page has, else English. */
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

let current: Language = "en";
const listeners: (() => void)[] = [];

export const language = (): Language => current;

/** Calls `listener` after every change of language. */
export function onLanguage(listener: () => void): void {
  listeners.push(listener);
}

export function startLanguage(): void {
  setLanguage(preferredLanguage(location.search, storedLanguage(), navigator.languages), false);
}

export function setLanguage(next: Language, remember = true): void {
  current = next;
  document.documentElement.lang = next;
  document.title = text("title");
  translate(document);
  if (remember) rememberLanguage(next);
  for (const listener of listeners) listener();
}

export function rememberLanguage(next: Language): void {
  try {
    localStorage.setItem(storageKey, next);
  } catch {
    // A browser that forbids storage forgets the choice, which is all.
  }
}

/** The last choice. */
export function storedLanguage(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

/** Fills in every element that names its words: data-text, data-label (aria-label), data-placeholder. */
function translate(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-text]"))
    element.textContent = text(element.dataset.text as TextKey);
  for (const element of root.querySelectorAll<HTMLElement>("[data-label]"))
    element.setAttribute("aria-label", text(element.dataset.label as TextKey));
  for (const element of root.querySelectorAll<HTMLElement>("[data-placeholder]"))
    element.setAttribute("placeholder", text(element.dataset.placeholder as TextKey));
}

/** The words of a key, with values put in. */
export function text(key: TextKey, values: Readonly<Record<string, string | number>> = {}): string {
  return strings[current][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

/** A number as the language writes it. */
export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(current, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
