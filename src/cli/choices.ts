/** What the scheduler chose for a plan, and what the model of the hardware says of it: for `explain` and `tune`. */
import { questionKey } from "../kernels/choose-variant.ts";
import { type HardwareClass, hardware, predict } from "../kernels/hardware-model.ts";
import type { VariantChoice } from "../plan/plan.ts";

/** A choice with its prediction. */
export interface PredictedChoice extends VariantChoice {
  readonly key: string;
  /** Microseconds of one dispatch or step; absent for kernels that the model does not have. */
  readonly predicted?: number;
}

/** Each question once, in the order in which they were asked. */
export function withPredictions(choices: readonly VariantChoice[], machine: HardwareClass): PredictedChoice[] {
  const byKey = new Map<string, PredictedChoice>();
  for (const { kernel, shape, variant } of choices) {
    const key = questionKey(kernel, shape);
    const predicted = predict(hardware[machine], kernel, shape, variant);
    byKey.set(key, { kernel, shape, variant, key, ...(predicted !== undefined && { predicted }) });
  }
  return [...byKey.values()];
}

/** A variant for people. */
export const showVariant = (variant: unknown): string =>
  typeof variant === "string"
    ? variant
    : Object.entries(variant as object)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ");

/** Microseconds for people: three digits, and no more than are known. */
export const showMicroseconds = (value: number): string =>
  value < 100
    ? `${value.toPrecision(2)} µs`
    : value < 10_000
      ? `${value.toFixed(0)} µs`
      : `${(value / 1000).toFixed(1)} ms`;

/** The lines that `explain` prints below a plan. */
export const showChoices = (choices: readonly PredictedChoice[], machine: HardwareClass): string[] => [
  `choices, with what the model of ${machine === "integrated" || machine === "apple" ? "an" : "a"} ${machine} adapter predicts for a dispatch or a step`,
  ...choices.flatMap(({ key, variant, predicted }) => [
    `  ${key}`,
    `    ${showVariant(variant)}${predicted === undefined ? "" : `: ${showMicroseconds(predicted)}`}`,
  ]),
];
