/** What the parts of the page share: its settings, its training, and the numbers that the reader changes. */
import { effect, signal } from "@preact/signals";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { type Activation, type Sequence, sequenceOf, type Weights } from "./data.ts";
import { type Moment, moments } from "./moments.ts";
import type { questions, Settings } from "./worker.ts";

export const activations: readonly Activation[] = ["tanh", "sigmoid", "relu"];
export const rates = [0.03, 0.1, 0.3, 1] as const;
const anyX = { min: -2, max: 2 };

export const chosen = settings(
  { seed: 1, activation: "tanh" as Activation, cut: 3, rate: 0.1, x1: 1, x2: -1, x3: 1, at: "all" as Moment },
  {
    ...{ seed: { min: 0, max: 9999 }, activation: activations, cut: [1, 2, 3], rate: rates },
    ...{ x1: anyX, x2: anyX, x3: anyX, at: moments },
  },
);

export const setting = (): Omit<Settings, "seed"> => ({
  activation: chosen.activation.value,
  cut: chosen.cut.value,
  rate: chosen.rate.value,
});

export const training = new LiveTraining<Settings, never, typeof questions>(
  "recurrence",
  () => ({ ...setting(), seed: chosen.seed.value }),
  // Twelve weights are followed sooner without a GPU, and in float64.
  "cpu",
);
// Slow enough to be watched.
training.speed.value = 25;

export const shown = (): Sequence => sequenceOf([chosen.x1.value, chosen.x2.value, chosen.x3.value]);

export function show({ x }: Sequence): void {
  [chosen.x1.value, chosen.x2.value, chosen.x3.value] = x as [number, number, number];
}

/** Weights that the reader has set, from which the training goes on. */
export const draft = signal<Weights | undefined>(undefined);
effect(() => {
  if (training.phase.value === "training" || training.phase.value === "preparing") draft.value = undefined;
});

/** Puts weights into the network, which does not train meanwhile. */
export function put(weights: Weights | undefined): void {
  training.pause();
  if (weights) draft.value = weights;
}

/** One step of gradient descent on the sequence that is shown. */
export async function learnOnce(): Promise<void> {
  training.pause();
  const { rate, cut } = setting();
  put(await training.ask("learn", { sequence: shown(), rate, cut }));
}

/** The weights before any step. */
export async function forget(): Promise<void> {
  training.pause();
  put(await training.ask("first", chosen.seed.value));
}
