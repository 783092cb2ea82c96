/** Light or dark: as the system says, or as the reader chose. Colours live in style/base.css, each once for both. */
import { computed, effect, signal } from "@preact/signals";
import { store, stored } from "./language.ts";

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const storageKey = "webgpu-rnn.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(dark.matches);
dark.addEventListener("change", () => {
  systemIsDark.value = dark.matches;
});

export const theme = signal<Theme>(themes.find((known) => known === stored(storageKey)) ?? "auto");

/** Read in a component or an effect, it runs again when colours change. */
export const isDark = computed(() => (theme.value === "auto" ? systemIsDark.value : theme.value === "dark"));

effect(() => {
  document.documentElement.style.colorScheme = theme.value === "auto" ? "light dark" : theme.value;
});

export function setTheme(next: Theme): void {
  theme.value = next;
  store(storageKey, next);
}

export type Rgb = readonly [red: number, green: number, blue: number];

/** A colour of base.css by the name of its custom property, for what is drawn on a canvas. */
export function color(name: string): string {
  void isDark.value;
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export const rgb = (name: string): Rgb =>
  color(name)
    .match(/[\d.]+/g)!
    .slice(0, 3)
    .map(Number) as unknown as Rgb;

/** The same, with a share of it seen through. */
export const translucent = (name: string, alpha: number): string => `rgb(${rgb(name).join(" ")} / ${alpha})`;

/** A scale of colours from -1 over 0 to 1: differing in hue and not only in lightness, and for the colour-blind too. */
export function diverging(): (value: number) => Rgb {
  const [low, zero, high] = [rgb("map-low"), rgb("map-zero"), rgb("map-high")];
  return (value) => {
    const end = value < 0 ? low : high;
    const share = Math.min(1, Math.abs(value));
    return [0, 1, 2].map((i) => zero[i]! + (end[i]! - zero[i]!) * share) as unknown as Rgb;
  };
}
