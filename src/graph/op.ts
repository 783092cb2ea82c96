import type { Command, Target, View } from "../plan/plan.ts";
import type { DType } from "../tensor-data.ts";
import type { Node, Tensor } from "./tensor.ts";

/** What an op may ask of the plan that is being built. */
export interface Emitter {
  readonly target: Target;
  /** Appends commands to the plan. */
  emit(...commands: readonly Command[]): void;
  /** Says beforehand that so many commands follow. @throws LimitError when these are more than a plan may have */
  expect(count: number): void;
  /** Where a tensor's values are. */
  view(tensor: Tensor): View;
  /** Makes room for a tensor that the calling op computes. */
  place(tensor: Tensor, name: string): View;
  /** Says that a tensor's values lie in a place that exists already. */
  define(tensor: Tensor, view: View): void;
  /** Scratch memory; `what` names it in the printed plan and in a LimitError. */
  scratch(what: string, length: number, dtype?: DType): View;
  /** Something computed once per plan from a tensor that does not change in it, such as packed weights. */
  once(tensor: Tensor, kind: string, make: () => View): View;
  /**
   * What is computed from one tensor alone, such as packed weights: `length` numbers, which the commands of `make` put into
   * `to`, and for which these use no scratch memory. The same `kind` of the same tensor is computed once, and that of a
   * parameter only when the weights have changed.
   */
  derived(tensor: Tensor, kind: string, length: number, make: (to: View) => readonly Command[]): View;
  /** Whether anything reads this output. */
  isUsed(tensor: Tensor): boolean;
  /** Whether the gradient by this tensor is needed. */
  needsGradient(tensor: Tensor | undefined): tensor is Tensor;
  /** The gradient by an output, undefined when nothing depends on it. In backward only. */
  gradient(tensor: Tensor): View | undefined;
  /** Whether this is what the plan differentiates: its gradient is 1 and, for an op that starts gradients, stands nowhere. */
  isLoss(tensor: Tensor): boolean;
  /** Where to put the gradient by an input, and whether to add to what is there. In backward only. */
  gradientInto(tensor: Tensor): { readonly view: View; readonly accumulate: boolean };
  /** Hands in a gradient that lies somewhere already (nobody else may use that memory afterwards). In backward only. */
  contribute(tensor: Tensor, view: View): void;
}

/**
 * A differentiable operation, coarse enough to be a handful of dispatches.
 * `forward` appends the commands that compute its outputs and returns what its own `backward` wants to know;
 * `backward` appends those that turn the outputs' gradients into the inputs'.
 */
export interface Op<A = unknown, S = unknown> {
  readonly name: string;
  forward(node: Node & { readonly attributes: A }, e: Emitter): S;
  backward?(node: Node & { readonly attributes: A }, e: Emitter, saved: S): void;
  /** Its first output may be what a plan differentiates without a gradient being written for it: `e.isLoss` tells backward. */
  readonly startsGradient?: true;
  /** Its outputs are states of its own: what is known of its inputs as states says nothing of them. */
  readonly makesStates?: true;
  /** For an op that reads i32 inputs: which numbers it can take, so that they are checked before they are sent. */
  takes?(node: Node & { readonly attributes: A }): readonly InputRange[];
}

/** Which numbers an op takes in one of its i32 inputs. */
export interface InputRange {
  /** Index of the input. */
  readonly input: number;
  /**
   * What one number is. Tokens are checked against a vocabulary, labels against classes, lengths against a time axis, mask
   * entries are 0 or 1.
   */
  readonly what: "token" | "label" | "length" | "mask entry";
  /** Numbers are at least 0 and below this. */
  readonly below: number;
  /** One more that is allowed: the ignored target. */
  readonly also?: number;
  /** For labels `[B,S]` of which the first lengths[b] (default all) count: these must be at least 0, and not the blank. */
  readonly labels?: { readonly lengths: number; readonly blank: number };
  /** For a mask `[T,B]` (`[B,T]` with batchFirst): index of the input with lengths `[B]`, beyond which it must be 0. */
  readonly until?: { readonly lengths: number; readonly batchFirst: boolean };
}

/** A part of a view. */
export const part = (view: View, offset: number, length: number): View => ({
  buffer: view.buffer,
  offset: view.offset + offset,
  length,
});
