/** The page's colours, for what is drawn on a canvas. They live in style.css, once for light and once for dark. */

export type Rgb = readonly [red: number, green: number, blue: number];

const dark = matchMedia("(prefers-color-scheme: dark)");

export function onThemeChange(listener: () => void): void {
  dark.addEventListener("change", listener);
}

/** A colour of style.css, by the name of its custom property. */
export const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function rgb(name: string): Rgb {
  const [red = 0, green = 0, blue = 0] = color(name).split(/\s+/).map(Number);
  return [red, green, blue];
}

/** A scale from negative over zero to positive: -1 … 0 … 1. */
export interface Diverging {
  readonly low: Rgb;
  readonly zero: Rgb;
  readonly high: Rgb;
}

export const diverging = (): Diverging => ({ low: rgb("map-low"), zero: rgb("map-zero"), high: rgb("map-high") });

/** Writes the colour of a value in [-1, 1] into pixel data. */
export function paint({ low, zero, high }: Diverging, value: number, pixels: Uint8ClampedArray, at: number): void {
  const end = value < 0 ? low : high;
  const share = Math.min(1, Math.abs(value));
  for (let i = 0; i < 3; i++) pixels[at + i] = zero[i]! + (end[i]! - zero[i]!) * share;
  pixels[at + 3] = 255;
}

/** The same as a translucent CSS colour, for what lies behind text. */
export function tint({ low, high }: Diverging, value: number): string {
  const [red, green, blue] = value < 0 ? low : high;
  return `rgb(${red} ${green} ${blue} / ${(Math.min(1, Math.abs(value)) * 0.5).toFixed(3)})`;
}
