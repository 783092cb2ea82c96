import type { Emitter } from "./op.ts";
import type { LinearNode } from "./ops/linear.ts";
import { linearGradients } from "./ops/linear-gradients.ts";
import { recurrentGradients } from "./ops/recurrent-gradients.ts";
import type { RecurrentNode, Saved } from "./ops/recurrent-node.ts";
import type { Node } from "./tensor.ts";
import { clearOtherGradients, type LearnedParameters } from "./update-parameters.ts";

/**
 * What a plan with gradients needs and one without does not, as a value that those who differentiate hand to `buildPlan`: so a
 * bundle that only runs models has none of it.
 */
export interface Differentiation {
  /** Of ops that say `backwardElsewhere`, by their names. */
  readonly backward: Readonly<Record<string, (node: Node, e: Emitter, saved: unknown) => void>>;
  clearOtherGradients(e: LearnedParameters): void;
}

export const differentiation: Differentiation = {
  backward: {
    recurrent: (node, e, saved) => recurrentGradients(node as RecurrentNode, e, saved as Saved | undefined),
    linear: (node, e) => linearGradients(node as LinearNode, e),
  },
  clearOtherGradients,
};
