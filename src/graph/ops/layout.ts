import type { View } from "../../plan/plan.ts";
import { type Shape, sameShape, sizeOf } from "../../tensor-data.ts";
import { type Op, part, type Stretch } from "../op.ts";
import { apply, constantTensor, type Tensor } from "../tensor.ts";
import { emitCopy, rowStrides } from "./strided.ts";

const reshapeOp: Op<null> = {
  name: "reshape",
  stretches: ({ outputs: [y] }) => [{ input: 0, offset: 0, length: y!.size }],
  forward({ inputs: [x], outputs: [y] }, e) {
    e.define(y!, e.view(x!));
  },
  backward({ inputs: [x], outputs: [y] }, e) {
    const gradient = e.gradient(y!);
    if (gradient && e.needsGradient(x)) e.contribute(x, gradient);
  },
};

/** What is known of a state stays known when it is laid out in another way, and so is what it begins with. */
function factsAs(y: Tensor, x: Tensor, layOut: (start: Tensor) => Tensor): Tensor {
  const { start } = x.facts;
  y.facts = start ? { ...x.facts, start: layOut(start) } : x.facts;
  return y;
}

/** The same values under another shape of the same size. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.node?.op === reshapeOp) return reshape(x.node.inputs[0]!, shape);
  const [y] = apply(reshapeOp, "reshape", [x], [{ shape, dtype: x.dtype }], null);
  return factsAs(y!, x, (start) => reshape(start, shape));
}

/** Elements of `x` at `offset + sum of index * stride` over the axes of the output, no element twice. */
interface Strided {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Whether the output lies in `x` as it stands. */
const isContiguous = (shape: Shape, { strides }: Strided): boolean => {
  const own = rowStrides(shape);
  return shape.every((n, axis) => n === 1 || strides[axis] === own[axis]);
};

/** The rows of an output along its last axis, in order, as stretches of the input. */
function rowsOf(shape: Shape, strided: Strided): Stretch[] {
  if (isContiguous(shape, strided)) return [{ input: 0, offset: strided.offset, length: sizeOf(shape) }];
  let starts = [strided.offset];
  shape.forEach((n, axis) => {
    const stride = strided.strides[axis]!;
    if (axis === shape.length - 1 && stride === 1) return;
    starts = starts.flatMap((start) => Array.from({ length: n }, (_, i) => start + i * stride));
  });
  const length = strided.strides.at(-1) === 1 ? shape.at(-1)! : 1;
  return starts.map((offset) => ({ input: 0, offset, length }));
}

/** The view whose element 0 is that of a strided one. */
const from = (view: View, offset: number): View => part(view, offset, view.length - offset);

const stridedOp: Op<Strided> = {
  name: "strided",
  stretches: ({ outputs: [y], attributes }) => (y!.dtype === "i32" ? rowsOf(y!.shape, attributes) : undefined),
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const { shape } = y!;
    const source = from(e.view(x!), attributes.offset);
    if (isContiguous(shape, attributes)) e.define(y!, { ...source, length: y!.size });
    else {
      const to = e.allocate(y!, label);
      emitCopy(e, { label, shape, from: source, strides: attributes.strides, to, toStrides: rowStrides(shape) });
    }
  },
  backward({ inputs: [x], outputs: [y], attributes: { offset, strides }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { shape } = y!;
    const { view, accumulate } = e.gradientInto(x);
    const isWhole = y!.size === x.size;
    if (!accumulate && !isWhole) e.emit({ type: "clear", label: `${label} gradient`, to: view });
    emitCopy(e, {
      label: `${label} gradient`,
      shape,
      from: gradient,
      strides: rowStrides(shape),
      to: from(view, offset),
      toStrides: strides,
      accumulate: accumulate || !isWhole,
    });
  },
};

function strided(
  label: string,
  x: Tensor,
  shape: Shape,
  attributes: Strided,
  again: (start: Tensor) => Tensor,
): Tensor {
  const [y] = apply(stridedOp, label, [x], [{ shape, dtype: x.dtype }], attributes);
  return factsAs(y!, x, again);
}

/** `count` entries of an axis, every `step`-th from `start` on. Of the first axis it is a view, nothing is copied. */
export function slice(x: Tensor, start: number, count: number, axis = 0, step = 1): Tensor {
  if (start === 0 && count === x.shape[axis]) return x;
  if (axis === 0 && step === 1) {
    // One of the tensors that were joined is there already.
    let at = 0;
    for (const one of joinedBy(x)) {
      if (at === start && one.shape[0] === count) return one;
      at += one.shape[0]!;
    }
  }
  const own = rowStrides(x.shape);
  const attributes = { offset: start * own[axis]!, strides: own.with(axis, own[axis]! * step) };
  return strided("slice", x, x.shape.with(axis, count), attributes, (begin) => slice(begin, start, count, axis, step));
}

/** The axes in another order: axis i of the result is axis `order[i]` of x. */
export function permute(x: Tensor, order: readonly number[], label = "permute"): Tensor {
  if (order.every((axis, i) => axis === i)) return x;
  const own = rowStrides(x.shape);
  const attributes = { offset: 0, strides: order.map((axis) => own[axis]!) };
  const shape = order.map((axis) => x.shape[axis]!);
  return strided(label, x, shape, attributes, (begin) => permute(begin, order, label));
}

/** The other way round along some axes. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  const own = rowStrides(x.shape);
  const offset = axes.reduce((sum, axis) => sum + (x.shape[axis]! - 1) * own[axis]!, 0);
  const strides = own.map((stride, axis) => (axes.includes(axis) ? -stride : stride));
  return strided("flip", x, x.shape, { offset, strides }, (begin) => flip(begin, axes));
}

/** `[A,B,C]` to `[B,A,C]`: between batch-first and time-major. */
export const swapAxes = (label: string, x: Tensor): Tensor => permute(x, [1, 0, 2], label);

const concatOp: Op<{ readonly outer: number; readonly axis: number }> = {
  name: "concat",
  stretches: ({ inputs, attributes: { outer } }) =>
    Array.from({ length: outer }, (_, row) =>
      inputs.map((x, input) => ({ input, offset: (row * x!.size) / outer, length: x!.size / outer })),
    ).flat(),
  forward({ inputs, outputs: [y], attributes: { outer }, label }, e) {
    const to = e.allocate(y!, label);
    const row = y!.size / outer;
    let offset = 0;
    for (const x of inputs) {
      const length = x!.size / outer;
      const source = { ...e.view(x!), length: x!.size };
      if (outer === 1) e.emit({ type: "copy", label, from: source, to: part(to, offset, length) });
      else
        emitCopy(e, {
          label,
          shape: [outer, length],
          from: source,
          strides: [length, 1],
          to: from(to, offset),
          toStrides: [row, 1],
        });
      offset += length;
    }
  },
  backward({ inputs, outputs: [y], attributes: { outer }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient) return;
    const row = y!.size / outer;
    let offset = 0;
    for (const x of inputs) {
      const length = x!.size / outer;
      if (e.needsGradient(x)) {
        if (outer === 1) e.contribute(x, part(gradient, offset, length));
        else {
          const { view, accumulate } = e.gradientInto(x);
          emitCopy(e, {
            label: `${label} gradient`,
            shape: [outer, length],
            from: from(gradient, offset),
            strides: [row, 1],
            to: view,
            toStrides: [length, 1],
            accumulate,
          });
        }
      }
      offset += length;
    }
  },
};

/** Joins tensors along an axis. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 1) return tensors[0]!;
  const { shape, dtype } = tensors[0]!;
  const count = tensors.reduce((n, { shape: one }) => n + one[axis]!, 0);
  const outer = sizeOf(shape.slice(0, axis));
  const [y] = apply(concatOp, "concat", tensors, [{ shape: shape.with(axis, count), dtype }], { outer, axis });
  if (tensors.every(({ facts }) => facts.isHeld)) y!.facts = { ...y!.facts, isHeld: true };
  if (tensors.every(({ facts }) => !facts.start)) return y!;
  const zeros = (one: Tensor) => constantTensor("zeros", new Array<number>(one.size).fill(0), one.shape);
  const { hasUnknownStart, ...facts } = y!.facts;
  if (tensors.every((one) => !one.facts.hasUnknownStart)) {
    const starts = tensors.map((one) => one.facts.start ?? zeros(one));
    y!.facts = { ...facts, start: concat(starts, axis) };
  }
  return y!;
}

/** The tensors that a tensor joins along the first axis; itself where it joins none. */
export function joinedBy(x: Tensor): readonly Tensor[] {
  const { node } = x;
  const joins = node?.op === concatOp && (node.attributes as { readonly axis: number }).axis === 0;
  return joins ? (node.inputs as readonly Tensor[]) : [x];
}

/** Where the values of a tensor lie that is a view: in which tensor, and from which element on. */
export function originOf(x: Tensor): { readonly root: Tensor; readonly offset: number } {
  const { node } = x;
  if (node?.op === reshapeOp) return originOf(node.inputs[0]!);
  if (node?.op !== stridedOp || !isContiguous(x.shape, node.attributes as Strided)) return { root: x, offset: 0 };
  const origin = originOf(node.inputs[0]!);
  return { root: origin.root, offset: origin.offset + (node.attributes as Strided).offset };
}
