/** What the page trains, and what it asks of it in several places. */
import { signal } from "@preact/signals";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { questions } from "./worker.ts";

export const { seed } = settings({ seed: 1 }, { seed: { min: 0, max: 9999 } });

export const training = new LiveTraining<{ readonly seed: number }, never, typeof questions>("autoencode", () => ({
  seed: seed.value,
}));

/** The moves of the stroke that the reader drew last. */
export const ownMoves = signal<number[][] | undefined>(undefined);
