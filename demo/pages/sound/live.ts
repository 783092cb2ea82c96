/** The page's settings, and what its worker trains. */
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { noiseKinds } from "./made-up.ts";
import type { questions } from "./worker.ts";

export const LEAST_SNR = -5;
export const MOST_SNR = 15;

export const { seed, noise, snr } = settings(
  { seed: 1, noise: "pink" as (typeof noiseKinds)[number], snr: 0 },
  { seed: { min: 0, max: 9999 }, noise: noiseKinds, snr: { min: LEAST_SNR, max: MOST_SNR } },
);

// What is heard is of no matter for the training.
export const training = new LiveTraining<{ seed: number }, never, typeof questions>("sound", () => ({
  seed: seed.value,
}));
