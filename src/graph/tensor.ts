import { ShapeError, shown } from "../errors.ts";
import type { DType, Shape } from "../tensor-data.ts";
import { showShape, sizeOf } from "../tensor-data.ts";
import * as arithmetic from "./functions/arithmetic.ts";
import * as indexing from "./functions/indexing.ts";
import * as layout from "./functions/layout.ts";
import * as products from "./functions/products.ts";
import * as reductions from "./functions/reductions.ts";
import type { Op } from "./op.ts";
import type { Operand } from "./ops/pointwise.ts";

let lastId = 0;

/** One application of an op. Ids grow in the order of making, so sorting by id is a topological order. */
export interface Node {
  readonly id: number;
  readonly op: Op;
  /** The module that made it, for messages and labels. */
  readonly label: string;
  /** An optional input that was not given is undefined. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: unknown;
}

/** Where a tensor that no op makes comes from. */
export type Source =
  | { readonly kind: "parameter"; readonly parameter: { readonly name: string; readonly shape: Shape } }
  /** Written by the host before a replay. */
  | { readonly kind: "input"; readonly name: string }
  /** Stays on the device from one replay to the next. */
  | { readonly kind: "state"; readonly name: string }
  /** Part of the plan: numbers that never change. */
  | { readonly kind: "constant"; readonly name: string; readonly values: readonly number[] };

/** What is known of a tensor as a state, for whoever carries it from one call to the next. */
export interface StateFacts {
  /** What it begins with, where that is learned; zeros otherwise. */
  readonly start?: Tensor;
  /** It was computed from a state that begins with learned values, so what it begins with is not known. */
  readonly hasUnknownStart?: true;
  /** It was reached from the end of the sequence: what follows the sequence does not go on from it. */
  readonly isFromEnd?: true;
  /** It is as it was for streams that take no part in a call. */
  readonly isHeld?: true;
}

/** A symbolic tensor: a shape, an element type, and where its values come from. It holds no numbers. */
export class Tensor {
  readonly id = ++lastId;
  readonly shape: Shape;
  readonly dtype: DType;
  /** @internal */
  readonly source: Source | undefined;
  /** @internal */
  readonly node: Node | undefined;
  /** @internal Set by the layer that returns a state; ops hand them on. */
  facts: StateFacts = {};

  /** @internal Tensors are made by inputs, parameters and ops. */
  constructor(shape: Shape, dtype: DType, origin: { source?: Source; node?: Node }) {
    this.shape = shape;
    this.dtype = dtype;
    this.source = origin.source;
    this.node = origin.node;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  // The functions of tensors as methods, so that a chain reads from left to right.

  /** As {@link arithmetic.add}. */
  add(b: Operand): Tensor {
    return arithmetic.add(this, b);
  }
  /** As {@link arithmetic.sub}. */
  sub(b: Operand): Tensor {
    return arithmetic.sub(this, b);
  }
  /** As {@link arithmetic.mul}. */
  mul(b: Operand): Tensor {
    return arithmetic.mul(this, b);
  }
  /** As {@link arithmetic.div}. */
  div(b: Operand): Tensor {
    return arithmetic.div(this, b);
  }
  /** As {@link arithmetic.pow}. */
  pow(b: Operand): Tensor {
    return arithmetic.pow(this, b);
  }
  /** As {@link arithmetic.maximum}. */
  maximum(b: Operand): Tensor {
    return arithmetic.maximum(this, b);
  }
  /** As {@link arithmetic.minimum}. */
  minimum(b: Operand): Tensor {
    return arithmetic.minimum(this, b);
  }
  /** As {@link arithmetic.eq}. */
  eq(b: Operand): Tensor {
    return arithmetic.eq(this, b);
  }
  /** As {@link arithmetic.ne}. */
  ne(b: Operand): Tensor {
    return arithmetic.ne(this, b);
  }
  /** As {@link arithmetic.lt}. */
  lt(b: Operand): Tensor {
    return arithmetic.lt(this, b);
  }
  /** As {@link arithmetic.le}. */
  le(b: Operand): Tensor {
    return arithmetic.le(this, b);
  }
  /** As {@link arithmetic.gt}. */
  gt(b: Operand): Tensor {
    return arithmetic.gt(this, b);
  }
  /** As {@link arithmetic.ge}. */
  ge(b: Operand): Tensor {
    return arithmetic.ge(this, b);
  }
  /** As {@link arithmetic.logicalAnd}. */
  logicalAnd(b: Operand): Tensor {
    return arithmetic.logicalAnd(this, b);
  }
  /** As {@link arithmetic.logicalOr}. */
  logicalOr(b: Operand): Tensor {
    return arithmetic.logicalOr(this, b);
  }
  /** As {@link arithmetic.logicalNot}. */
  logicalNot(): Tensor {
    return arithmetic.logicalNot(this);
  }
  /** As {@link arithmetic.neg}. */
  neg(): Tensor {
    return arithmetic.neg(this);
  }
  /** As {@link arithmetic.abs}. */
  abs(): Tensor {
    return arithmetic.abs(this);
  }
  /** As {@link arithmetic.sign}. */
  sign(): Tensor {
    return arithmetic.sign(this);
  }
  /** As {@link arithmetic.floor}. */
  floor(): Tensor {
    return arithmetic.floor(this);
  }
  /** As {@link arithmetic.sqrt}. */
  sqrt(): Tensor {
    return arithmetic.sqrt(this);
  }
  /** As {@link arithmetic.exp}. */
  exp(): Tensor {
    return arithmetic.exp(this);
  }
  /** As {@link arithmetic.log}. */
  log(): Tensor {
    return arithmetic.log(this);
  }
  /** As {@link arithmetic.sin}. */
  sin(): Tensor {
    return arithmetic.sin(this);
  }
  /** As {@link arithmetic.cos}. */
  cos(): Tensor {
    return arithmetic.cos(this);
  }
  /** As {@link arithmetic.sigmoid}. */
  sigmoid(): Tensor {
    return arithmetic.sigmoid(this);
  }
  /** As {@link arithmetic.tanh}. */
  tanh(): Tensor {
    return arithmetic.tanh(this);
  }
  /** As {@link arithmetic.relu}. */
  relu(): Tensor {
    return arithmetic.relu(this);
  }
  /** As {@link arithmetic.gelu}. */
  gelu(): Tensor {
    return arithmetic.gelu(this);
  }
  /** As {@link arithmetic.silu}. */
  silu(): Tensor {
    return arithmetic.silu(this);
  }
  /** As {@link arithmetic.softplus}. */
  softplus(): Tensor {
    return arithmetic.softplus(this);
  }
  /** As {@link arithmetic.detach}. */
  detach(): Tensor {
    return arithmetic.detach(this);
  }
  /** As {@link arithmetic.toFloat}. */
  toFloat(): Tensor {
    return arithmetic.toFloat(this);
  }
  /** As {@link arithmetic.toInt}. */
  toInt(): Tensor {
    return arithmetic.toInt(this);
  }
  /** These numbers where the condition is not 0, others elsewhere, as {@link arithmetic.where}. */
  where(condition: Tensor, other: Operand): Tensor {
    return arithmetic.where(condition, this, other);
  }
  /** As {@link arithmetic.clamp}. */
  clamp(options: { readonly min?: number; readonly max?: number }): Tensor {
    return arithmetic.clamp(this, options);
  }
  /** As {@link reductions.sum}. */
  sum(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.sum(this, axis, options);
  }
  /** As {@link reductions.mean}. */
  mean(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.mean(this, axis, options);
  }
  /** As {@link reductions.max}. */
  max(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.max(this, axis, options);
  }
  /** As {@link reductions.min}. */
  min(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.min(this, axis, options);
  }
  /** As {@link reductions.argmax}. */
  argmax(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.argmax(this, axis, options);
  }
  /** As {@link reductions.argmin}. */
  argmin(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.argmin(this, axis, options);
  }
  /** As {@link reductions.logSumExp}. */
  logSumExp(axis?: reductions.Axes, options?: reductions.ReduceOptions): Tensor {
    return reductions.logSumExp(this, axis, options);
  }
  /** As {@link reductions.variance}. */
  variance(axis?: reductions.Axes, options?: Parameters<typeof reductions.variance>[2]): Tensor {
    return reductions.variance(this, axis, options);
  }
  /** As {@link reductions.topK}. */
  topK(k: number, options?: Parameters<typeof reductions.topK>[2]): ReturnType<typeof reductions.topK> {
    return reductions.topK(this, k, options);
  }
  /** As {@link reductions.softmax}. */
  softmax(axis?: number): Tensor {
    return reductions.softmax(this, axis);
  }
  /** As {@link reductions.logSoftmax}. */
  logSoftmax(axis?: number): Tensor {
    return reductions.logSoftmax(this, axis);
  }
  /** As {@link reductions.cumSum}. */
  cumSum(axis?: number): Tensor {
    return reductions.cumSum(this, axis);
  }
  /** As {@link products.matmul}. */
  matmul(b: Tensor): Tensor {
    return products.matmul(this, b);
  }
  /** As {@link layout.reshape}. */
  reshape(shape: Shape): Tensor {
    return layout.reshape(this, shape);
  }
  /** As {@link layout.squeeze}. */
  squeeze(axis?: number | readonly number[]): Tensor {
    return layout.squeeze(this, axis);
  }
  /** As {@link layout.unsqueeze}. */
  unsqueeze(axis: number): Tensor {
    return layout.unsqueeze(this, axis);
  }
  /** As {@link layout.expand}. */
  expand(shape: Shape): Tensor {
    return layout.expand(this, shape);
  }
  /** As {@link layout.permute}. */
  permute(order: readonly number[]): Tensor {
    return layout.permute(this, order);
  }
  /** As {@link layout.transpose}. */
  transpose(a?: number, b?: number): Tensor {
    return layout.transpose(this, a, b);
  }
  /** As {@link layout.flip}. */
  flip(axis?: number | readonly number[]): Tensor {
    return layout.flip(this, axis);
  }
  /** As {@link layout.slice}. */
  slice(start: number, count: number, axis?: number, step?: number): Tensor {
    return layout.slice(this, start, count, axis, step);
  }
  /** As {@link layout.select}. */
  select(index: number, axis?: number): Tensor {
    return layout.select(this, index, axis);
  }
  /** As {@link layout.split}. */
  split(sizes: number | readonly number[], axis?: number): Tensor[] {
    return layout.split(this, sizes, axis);
  }
  /** As {@link layout.pad}. */
  pad(widths: readonly (readonly [number, number])[], options?: { readonly value?: number }): Tensor {
    return layout.pad(this, widths, options);
  }
  /** As {@link indexing.gather}. */
  gather(index: Tensor, axis?: number): Tensor {
    return indexing.gather(this, index, axis);
  }
  /** As {@link indexing.indexSelect}. */
  indexSelect(index: Tensor, axis?: number): Tensor {
    return indexing.indexSelect(this, index, axis);
  }
  /** As {@link indexing.oneHot}. */
  oneHot(numClasses: number): Tensor {
    return indexing.oneHot(this, numClasses);
  }
}

/** A tensor that the host writes before each replay. */
export const inputTensor = (name: string, shape: Shape, dtype: DType = "f32"): Tensor =>
  new Tensor(shape, dtype, { source: { kind: "input", name } });

/** A tensor that stays on the device between replays. */
export const stateTensor = (name: string, shape: Shape, dtype: DType = "f32"): Tensor =>
  new Tensor(shape, dtype, { source: { kind: "state", name } });

/** Numbers that are part of the plan, such as class weights. */
export const constantTensor = (
  name: string,
  values: readonly number[],
  shape: Shape = [values.length],
  dtype: DType = "f32",
): Tensor => new Tensor(shape, dtype, { source: { kind: "constant", name, values } });

/** Applies an op and returns its outputs. */
export function apply<A>(
  op: Op<A>,
  label: string,
  inputs: readonly (Tensor | undefined)[],
  outputs: readonly { readonly shape: Shape; readonly dtype?: DType }[],
  attributes: A,
): Tensor[] {
  const tensors: Tensor[] = [];
  const node: Node = { id: ++lastId, op: op as Op, label, inputs, outputs: tensors, attributes };
  const facts = op.makesStates ? {} : inheritedFacts(inputs);
  for (const { shape, dtype } of outputs) {
    const tensor = new Tensor(shape, dtype ?? "f32", { node });
    tensor.facts = facts;
    tensors.push(tensor);
  }
  return tensors;
}

function inheritedFacts(inputs: readonly (Tensor | undefined)[]): StateFacts {
  const all = inputs.flatMap((tensor) => tensor?.facts ?? []);
  return {
    ...(all.some(({ isFromEnd }) => isFromEnd) && { isFromEnd: true }),
    ...(all.some(({ start, hasUnknownStart }) => start || hasUnknownStart) && { hasUnknownStart: true }),
  };
}

/**
 * Requires a symbolic tensor of a rank, element type and last axis.
 * @param expected the shape in words, `[T,B,4] (inputSize 4)`; numbers in `axes` are required, null allows any length
 * @throws ShapeError naming the module, what came and what is expected
 */
export function expectTensor(
  what: string,
  tensor: unknown,
  axes: readonly (number | null)[],
  expected: string,
  dtype: DType = "f32",
): Tensor {
  if (!(tensor instanceof Tensor)) {
    throw new ShapeError(`${what} is ${shown(tensor)}, expected a symbolic tensor ${expected}`);
  }
  const fits = tensor.shape.length === axes.length && axes.every((n, i) => n === null || n === tensor.shape[i]);
  if (!fits) throw new ShapeError(`${what} has shape ${showShape(tensor.shape)}, expected ${expected}`);
  if (tensor.dtype !== dtype) throw new ShapeError(`${what} holds ${tensor.dtype}, expected ${dtype} ${expected}`);
  return tensor;
}

/** A tensor's element type and shape, or what was given in its place: for messages. */
export const shownTensor = (x: unknown): string =>
  x instanceof Tensor ? `${x.dtype} ${showShape(x.shape)}` : shown(x);

/** @throws ShapeError when this is no symbolic tensor of numbers */
export function expectNumbers(what: string, x: unknown, expected: string): Tensor {
  if (x instanceof Tensor && x.dtype === "f32") return x;
  throw new ShapeError(`${what} is ${shownTensor(x)}, expected ${expected}`);
}
