import type { FullCell } from "../cells/cell.ts";
import type { Constants } from "../plan/plan.ts";
import { stackBackwardWgsl } from "../shaders/lib/stack-backward.generated.ts";
import { stackBackwardOutputWgsl } from "../shaders/lib/stack-backward-output.generated.ts";
import { stackBackwardProductWgsl } from "../shaders/lib/stack-backward-product.generated.ts";
import { stackBackwardStepWgsl } from "../shaders/lib/stack-backward-step.generated.ts";
import { stackForwardWgsl } from "../shaders/lib/stack-forward.generated.ts";
import { stackForwardStepWgsl } from "../shaders/lib/stack-forward-step.generated.ts";
import { defineKernel } from "./kernel.ts";
import { recurrentForward } from "./recurrent.ts";
import { recurrentBackward } from "./recurrent-gradient.ts";
import { stackBackwardTwin, stackForwardTwin } from "./recurrent-stack-twins.ts";

// Steps of several layers in one dispatch: the kernels of one layer, whose directions are then the layers of a stack. See
// shaders/lib/stack.wgsl.

/** Whether layers with this cell can lie in a stack: what a step multiplies is h and the output below, and nothing else. */
export const canStack = (cell: FullCell): boolean => cell.recurrent && cell.intermediate === undefined;

const withoutHeads = (variants: readonly Constants[]) =>
  variants.filter(({ HEADS, INTERMEDIATE }) => HEADS === false && INTERMEDIATE !== true);

/** One step forward of every layer that has one. */
export const recurrentStackForward = defineKernel({
  ...recurrentForward,
  name: "recurrent-stack-forward",
  parts: { ...recurrentForward.parts, STACK: stackForwardWgsl, STACK_STEP: stackForwardStepWgsl },
  goesWith: (constants: Constants, cell: FullCell) => canStack(cell) && recurrentForward.goesWith!(constants, cell),
  variants: withoutHeads(recurrentForward.variants),
  twin: stackForwardTwin,
});

/** One step backward of every layer that has one. */
export const recurrentStackBackward = defineKernel({
  ...recurrentBackward,
  name: "recurrent-stack-backward",
  parts: {
    ...recurrentBackward.parts,
    STACK: stackBackwardWgsl,
    STACK_STEP: stackBackwardStepWgsl,
    STACK_PRODUCT: stackBackwardProductWgsl,
    STACK_OUTPUT: stackBackwardOutputWgsl,
  },
  goesWith: (constants: Constants, cell: FullCell) => canStack(cell) && recurrentBackward.goesWith!(constants, cell),
  variants: withoutHeads(recurrentBackward.variants),
  twin: stackBackwardTwin,
});
