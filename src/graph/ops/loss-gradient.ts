import { ShapeError } from "../../errors.ts";
import type { View } from "../../plan/plan.ts";
import { scaleGradient } from "../commands.ts";
import type { Emitter } from "../op.ts";
import type { Tensor } from "../tensor.ts";

// Every loss leaves its gradient by the model's output behind in forward, where what it needs is at hand.

/** A loss and how many targets it is over, as a weighted mean is: the divisor. */
export interface LossAndCount {
  /** `[]`. */
  readonly loss: Tensor;
  /** `[]`. */
  readonly count: Tensor;
}

/** Hands a loss's gradient on: as it is where the scheduler differentiates the loss itself, else times the loss's own. */
export function passGradient(
  e: Emitter,
  label: string,
  { loss, input, gradient }: { loss: Tensor; input: Tensor; gradient: View | undefined },
): void {
  if (!gradient || !e.needsGradient(input)) return;
  const by = e.gradient(loss);
  if (!by) {
    if (e.isLoss(loss)) e.contribute(input, gradient);
    return;
  }
  const { view, accumulate } = e.gradientInto(input);
  scaleGradient(e, { label: `${label} gradient`, from: gradient, by, shape: input.shape, to: view, accumulate });
}

/** @throws ShapeError where the target is computed from what is learned: no loss gives a gradient by it. */
export function refuseGradient(e: Emitter, label: string, target: Tensor): void {
  if (e.needsGradient(target)) {
    throw new ShapeError(
      `${label}: the target depends on parameters that are trained, and a loss has no gradient by its target; give the target as an input, or swap the two`,
    );
  }
}
