/** The settings of the page and its training. */
import { signal } from "@preact/signals";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { Kind } from "./flow.ts";
import type { questions, Settings, View } from "./worker.ts";

/** The same names as in flow.ts, which the page's own thread does not load. */
export const kinds: readonly Kind[] = ["sigmoid", "tanh", "relu", "orthogonal", "lstm", "gru"];
export const limits = [0.1, 0.5, 1, 5] as const;
export const ranges = {
  radius: { min: 0.2, max: 2 },
  scale: { min: 0.05, max: 2 },
  forget: { min: 0, max: 6 },
  steps: { min: 10, max: 200 },
};

export const chosen = settings(
  { seed: 1, radius: 1, scale: 0.5, forget: 3, steps: 50, kind: "tanh" as Kind, limit: 0.5 },
  { ...ranges, seed: { min: 0, max: 9999 }, kind: kinds, limit: limits },
);

/** What a layer begins with, as the sliders stand. */
export const start = () => ({
  seed: chosen.seed.value,
  radius: chosen.radius.value,
  scale: chosen.scale.value,
  forget: chosen.forget.value,
});

/** The same when a slider was last let go: a training does not begin anew with every pixel. */
export const settled = signal(start());

export const training = new LiveTraining<Settings, View, typeof questions>("vanishing", () => ({
  ...settled.value,
  seed: chosen.seed.value,
  kind: chosen.kind.value,
  limit: chosen.limit.value,
  rate: 0.2,
}));
