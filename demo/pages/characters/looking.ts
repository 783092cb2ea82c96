/** What of the states is looked at: which of them, which layer, which unit and character. */
import { computed, signal } from "@preact/signals";
import type { Place } from "../../shell/heat-map.tsx";
import { words } from "../../shell/language.ts";
import type { Following, Indicator } from "./follow.ts";
import { sample } from "./state.ts";

const text = words({ space: ["space", "띄어쓰기"], lineEnd: ["line end", "줄 끝"], tab: ["tab", "탭"] });

/** A character as something that can be seen. */
export function visible(character: string): string {
  if (character === " ") return `␣ (${text("space")})`;
  if (character === "\n") return `↵ (${text("lineEnd")})`;
  if (character === "\t") return `⇥ (${text("tab")})`;
  return `“${character}”`;
}

export const stateName = signal("h");
/** Undefined: the last one. */
export const layer = signal<number | undefined>(undefined);
/** A unit and a character, once the reader has pointed at one. */
export const place = signal<Place | undefined>(undefined);
export const indicator = signal<Indicator>("spaces");
/** Units that follow it, the best one first. */
export const found = signal<readonly Following[]>([]);

/** The states that the last text was written from, by unit and character. */
export const map = computed(() => {
  const { value } = sample;
  if (!value) return undefined;
  const { states, layers, units, written } = value;
  const name = stateName.value in states ? stateName.value : "h";
  const at = Math.min(layer.value ?? layers - 1, layers - 1);
  const from = states[name]!;
  const values = Array.from({ length: units }, (_, unit) =>
    written.map((_, column) => from[(column * layers + at) * units + unit]!),
  );
  return { name, layer: at, values, limit: limitOf(from) };
});

/** The unit that colours the text: the one that was pointed at, else the best of the search. */
export const unit = computed(() => {
  const { length = 0 } = map.value?.values ?? {};
  const wanted = place.value?.row ?? found.value[0]?.unit;
  return wanted !== undefined && wanted < length ? wanted : undefined;
});

/**
 * The magnitude that has the full colour. A few cells grow without bound, as counters do; so that they do not make all others look
 * alike, the scale ends at three times the median there.
 */
function limitOf(values: Float32Array): number {
  const sizes = values.map(Math.abs).sort();
  const largest = sizes.at(-1) ?? 0;
  return largest <= 1 ? largest || 1 : Math.min(largest, Math.max(1, 3 * sizes[sizes.length >> 1]!));
}
