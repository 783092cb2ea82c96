import { ShapeError, shown } from "../errors.ts";
import type { DType, Shape } from "../tensor-data.ts";
import { showShape, sizeOf } from "../tensor-data.ts";
import type { Op } from "./op.ts";

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
