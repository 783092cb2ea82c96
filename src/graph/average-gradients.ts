import { blend } from "../kernels/blend.ts";
import type { View } from "../plan/plan.ts";
import { part } from "./op.ts";
import { pageName } from "./parameter-layout.ts";
import { constantTensor, type Tensor } from "./tensor.ts";
import { clearOtherGradients, type LearnedParameters, stretchesIn, trainingName } from "./update-parameters.ts";

// Gradients of several batches as those of one, and averages of the weights.

/** How the gradients of several replays become one. */
export interface Accumulation {
  /** How much this replay's gradient weighs; default 1. */
  readonly count: Tensor | undefined;
  /** Add the gradients up, and do not divide by what they weigh together. */
  readonly isSum: boolean;
}

const one = (e: LearnedParameters): View => e.view(constantTensor("one", [1]));
const zero = (e: LearnedParameters): View => e.view(constantTensor("zero", [0]));

/** Adds this plan's gradients to those of the replays before it, times what they weigh. */
export function accumulateGradients(e: LearnedParameters, { count, isSum }: Accumulation): void {
  clearOtherGradients(e);
  const keep = e.shared(trainingName.keep, "input", 1);
  const weight = count && !isSum ? e.view(count) : one(e);
  const hasGradient = new Set(stretchesIn(e.layout, (p) => (e.learned.has(p) ? 0 : undefined)).map(({ page }) => page));
  e.layout.pages.forEach((P, page) => {
    const x = e.shared(pageName.gradient(page), "gradient", P);
    // A page without gradients in this plan holds those of another one.
    if (!hasGradient.has(page)) e.emit({ type: "clear", label: "no gradient", to: x });
    const y = e.shared(trainingName.accumulated(page), "moment", P);
    e.emit(blend(e.target, "accumulate gradients", { P }, { x, keep, by: weight, y }));
  });
  const y = e.shared(trainingName.weight, "moment", 1);
  e.emit(blend(e.target, "accumulate weight", { P: 1 }, { x: weight, keep: isSum ? zero(e) : keep, by: one(e), y }));
}

/** Puts the mean of what was accumulated where gradients are. */
export function averageGradients(e: LearnedParameters): void {
  const by = e.shared(trainingName.weight, "moment", 1);
  e.layout.pages.forEach((P, page) => {
    const x = e.shared(trainingName.accumulated(page), "moment", P);
    const y = e.shared(pageName.gradient(page), "gradient", P);
    e.emit(blend(e.target, "mean gradient", { P, divide: true }, { x, keep: zero(e), by, y }));
  });
}

/** An exponential moving average of all weights. */
export function averageParameters(e: LearnedParameters): void {
  const factors = e.shared(trainingName.averaging, "input", 2);
  const [keep, by] = [part(factors, 0, 1), part(factors, 1, 1)];
  e.layout.pages.forEach((P, page) => {
    const x = e.shared(pageName.parameter(page), "parameter", P);
    const y = e.shared(trainingName.average(page), "moment", P);
    e.emit(blend(e.target, "average weights", { P }, { x, keep, by, y }));
  });
}
