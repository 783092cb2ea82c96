import type { gatherColumns } from "../kernels/column-gather.ts";
import type { Command, Target, View } from "../plan/plan.ts";
import type { DType, PackedDType } from "../tensor-data.ts";
import type { Node, Tensor } from "./tensor.ts";

/** W·x of every token, see ops/token-table.ts. */
export interface TokenTable {
  readonly tokens: Tensor;
  /** `[D,G*H,V]` */
  readonly table: View;
  readonly gatherColumns: typeof gatherColumns;
}

/** What an op may ask of the plan that is being built. */
export interface Emitter {
  readonly target: Target;
  /** Appends commands to the plan. */
  emit(...commands: readonly Command[]): void;
  /** Says beforehand that so many commands follow. @throws LimitError when these are more than a plan may have */
  expect(count: number): void;
  /** Where a tensor's values are. */
  view(tensor: Tensor): View;
  /** Allocates memory for a tensor that the calling op computes. */
  allocate(tensor: Tensor, name: string): View;
  /** Says that a tensor's values lie in a place that exists already. */
  define(tensor: Tensor, view: View): void;
  /** Scratch memory; `what` names it in the printed plan and in a LimitError. */
  scratch(what: string, length: number, dtype?: DType): View;
  /** Something computed once per plan from a tensor that does not change in it, such as packed weights. */
  once(tensor: Tensor, kind: string, make: () => View): View;
  /**
   * What is computed from a tensor (and others) alone, such as packed weights: `length` numbers, which the commands of `make`
   * put into `to`, and for which these use no scratch memory. The same `kind` of the same tensors is computed once, and that of
   * parameters only when the weights have changed.
   */
  derived(
    tensor: Tensor,
    kind: string,
    length: number,
    make: (to: View) => readonly Command[],
    others?: readonly Tensor[],
    dtype?: DType,
  ): View;
  /** All ops of the plan, in order. */
  readonly nodes: readonly Node[];
  /** What the plan is made for: outputs, and what carried states become. */
  readonly ends: readonly Tensor[];
  /** Which slots of a ring of two a replay reads and writes; undefined where states do not lie in rings. */
  readonly ring: 0 | 1 | undefined;
  /** What recurrent layers store their copies of R as; undefined: f32. */
  readonly weightDtype: PackedDType | undefined;
  /** Whether recurrent layers forget what backward needs, and compute it again there. */
  readonly recompute: boolean;
  /** What a carried state becomes. */
  carriedFrom(state: Tensor): Tensor | undefined;
  /** Memory that stays from one replay to the next. */
  state(name: string, length: number): View;
  /** Says where a carried state lies when a replay begins and when it ends: it is in place then, and nobody copies it. */
  keepIn(state: Tensor, before: View, after: View): void;
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
  /** Its backward is much code, which src/graph/differentiation.ts has for those that train. */
  readonly backwardElsewhere?: true;
  /** Its output as a table that a recurrent layer takes in its place; undefined where that one does not. */
  tokenTable?(reader: Node, e: Emitter): TokenTable | undefined;
  /** Its commands are loaded on demand, see commands.ts. */
  readonly isOnDemand?: true;
  /** Its first output may be what a plan differentiates without a gradient being written for it: `e.isLoss` tells backward. */
  readonly startsGradient?: true;
  /** Its outputs are states of its own: what is known of its inputs as states says nothing of them. */
  readonly makesStates?: true;
  /** For an op that reads i32 inputs: which numbers it can take, so that they are checked before they are sent. */
  takes?(node: Node & { readonly attributes: A }): readonly InputRange[];
  /**
   * For an op whose i32 inputs have to agree with each other: checks those whose numbers are known before they are sent.
   * @throws DataError for numbers that do not belong together
   */
  check?(node: Node & { readonly attributes: A }, inputs: readonly (KnownNumbers | undefined)[]): void;
  /** For an op that only moves numbers: what its output is, in order. Absent, or undefined, where it is no row of stretches. */
  stretches?(node: Node & { readonly attributes: A }): readonly Stretch[] | undefined;
}

/** Which numbers an op takes in one of its i32 inputs. */
export interface InputRange {
  /** Index of the input. */
  readonly input: number;
  readonly kind: NumberKind;
  /** Numbers are at least 0 and below this. */
  readonly below: number;
  /** Who takes them, for messages; default the node's label. */
  readonly taker?: string;
  /** One more that is allowed: the ignored target. */
  readonly also?: number | undefined;
}

/** What a number of an input is, for messages: `token`, `tokens`, and how to get right ones. */
export interface NumberKind {
  readonly one: string;
  readonly many: string;
  readonly advice: string;
}

/** The numbers of an i32 tensor, in C order, as far as they are known before a replay: those of inputs and constants. */
export interface KnownNumbers {
  readonly length: number;
  /** Undefined where the device computes it, or the input is not given. */
  at(i: number): number | undefined;
  /** Where it was given, for messages: `x[3]`. */
  nameOf(i: number): string;
}

/** Elements of an input that lie side by side. */
export interface Stretch {
  /** Index of the input. */
  readonly input: number;
  readonly offset: number;
  readonly length: number;
}

/** A part of a view. */
export const part = (view: View, offset: number, length: number): View => ({
  buffer: view.buffer,
  offset: view.offset + offset,
  length,
});
