import type { Recurrence, WorkPart } from "../../kernels/recurrent-dispatch.ts";
import type { View } from "../../plan/plan.ts";
import type { Node, Tensor } from "../tensor.ts";

/** What is known of a recurrent layer when it is traced. */
export interface Attributes extends Omit<Recurrence, "cell" | "control"> {
  readonly cell: string;
  readonly I: number;
}

/** What forward leaves for backward. */
export interface Saved {
  readonly r: Recurrence;
  readonly states: View;
  readonly work: readonly WorkPart[];
}

export type RecurrentNode = Node & { readonly attributes: Attributes };

/** The inputs of the op, in order. */
const inputNames = ["x", "wih", "whh", "bih", "bhh", "learned", "whr", "h0", "rest0", "mask", "seed"] as const;
export const inputsOf = ({ inputs }: RecurrentNode) =>
  Object.fromEntries(inputNames.map((name, i) => [name, inputs[i]])) as {
    readonly [K in (typeof inputNames)[number]]: K extends "x" | "wih" ? Tensor : Tensor | undefined;
  };

/** Whether direction d runs from the end of the sequence. */
export const runsBackwards = ({ backwards }: Pick<Recurrence, "backwards">, d: number): boolean =>
  ((backwards >> d) & 1) === 1;
