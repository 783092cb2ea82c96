/** The page's settings, and what its worker does with them. */
import { signal } from "@preact/signals";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { View } from "./view.ts";
import type { questions, Settings } from "./worker.ts";

export const stepChoices = ["1", "16", "64"] as const;

export const { seed, example, steps } = settings(
  { seed: 1, example: "weights" as "weights" | "onnx" | "task", steps: "16" as (typeof stepChoices)[number] },
  { seed: { min: 0, max: 9999 }, example: ["weights", "onnx", "task"], steps: stepChoices },
);

/** The reader's file: it is in no address, and is read by the worker. */
export const file = signal<File | undefined>(undefined);

export const training = new LiveTraining<Settings, View, typeof questions>("own", () => ({
  file: file.value,
  example: example.value,
  steps: Number(steps.value),
  seed: seed.value,
}));
