import { type Chunk, gateSlots, hLayout, type Recurrence, runsBackwards } from "../../kernels/recurrence.ts";
import type { View } from "../../plan/plan.ts";
import { part } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";

/** What is known of a recurrent layer when it is traced. */
export interface Attributes extends Omit<Recurrence, "cell" | "control"> {
  readonly cell: string;
  readonly I: number;
}

/** What forward leaves for backward. */
export interface Saved {
  readonly r: Recurrence;
  /** h of all steps. */
  readonly h: View;
  /** In the order in which they are worked on. */
  readonly chunks: readonly Chunk[];
}

export type RecurrentNode = Node & { readonly attributes: Attributes };

/** The inputs of the op, in order. */
const inputNames = ["x", "wih", "whh", "bih", "bhh", "learned", "whr", "h0", "cellStates0", "mask", "seed"] as const;
export const inputsOf = ({ inputs }: RecurrentNode) =>
  Object.fromEntries(inputNames.map((name, i) => [name, inputs[i]])) as {
    readonly [K in (typeof inputNames)[number]]: K extends "x" | "wih" ? Tensor : Tensor | undefined;
  };
export const maskInput = inputNames.indexOf("mask");

/** The steps of a chunk: from the first to before the last. */
export function stepsOf(r: Recurrence, { direction, start, times }: Omit<Chunk, "gates" | "states">) {
  // Directions that share a chunk share all of the sequence.
  const from = runsBackwards(r, direction) ? r.T - start - times : start;
  return { from, to: from + times };
}

/** A layer's outputs `[T,B,D*P]` in its h. */
export function outputOf(r: Recurrence, h: View): View {
  const slot = r.B * r.D * r.P;
  return part(h, hLayout(r).first * slot, r.T * slot);
}

/** For each chunk: the rows of its gates, and whether an earlier one has given the same gradients already. */
export function* chunkRows({
  r,
  chunks,
}: Saved): Generator<{ chunk: Chunk; rows: number; stride: number; more: boolean }> {
  const done = new Set<number>();
  for (const chunk of chunks) {
    const { direction, directions, times } = chunk;
    yield { chunk, rows: times * r.B, stride: directions * gateSlots(r) * r.H, more: done.has(direction) };
    done.add(direction);
  }
}
