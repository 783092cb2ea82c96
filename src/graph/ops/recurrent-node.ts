import { type Chunk, hLayout, type Recurrence, runsBackwards, stateLayout, stepAt } from "../../kernels/recurrence.ts";
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
  /** In the order in which they were worked on. Gives the chunk, whose steps it does again where forward kept no gates. */
  readonly chunks: readonly (() => Chunk)[];
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

/** Rows of a matrix that stands in another layout: a product's operand. */
export interface Rows {
  readonly view: View;
  readonly row: number;
  readonly column: number;
  readonly batch: number;
}

/** h of direction d after its last step, `[B,D,P]`. */
export function finalH(r: Recurrence, h: View, d: number): View {
  const slot = r.B * r.D * r.P;
  return part(h, (hLayout(r).first + (runsBackwards(r, d) ? 0 : r.T - 1)) * slot, slot);
}

/** The cell states in a slot of a chunk, `[S-1,B,directions,H]`. */
export function statesAt(r: Recurrence, chunk: Chunk, at: number): View {
  const { slot } = stateLayout(r, chunk);
  return part(chunk.states, at * slot, slot);
}

/** The cell states of direction d after a chunk's last step. */
export const statesAfter = (r: Recurrence, chunk: Chunk, d: number): View =>
  statesAt(r, chunk, stepAt(r, chunk, stepsOf(r, chunk).to - 1, d).after);

/** A chunk whose gates hold gradients, and what products with them want to know. */
export interface ChunkRows {
  readonly chunk: Chunk;
  readonly rows: number;
  readonly stride: number;
  /** Whether another chunk has given the same gradients already. */
  readonly more: boolean;
}

/** Gives the gradients that come from a chunk. */
export type FromChunk = (rows: ChunkRows) => void;
