import { copyStrided } from "../../kernels/strided-copy.ts";
import { sameShape, sizeOf } from "../../tensor-data.ts";
import { type Op, part } from "../op.ts";
import { apply, constantTensor, type Tensor } from "../tensor.ts";

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

/** Stretches of an axis: `x [outer, ..., intermediate]` is `outer` rows of `row` numbers, the stretch some of each row. */
const rowsFrom = (shape: readonly number[], axis: number) => ({
  outer: sizeOf(shape.slice(0, axis)),
  intermediate: sizeOf(shape.slice(axis + 1)),
});

const sliceOp: Op<{ readonly outer: number; readonly offset: number }> = {
  name: "slice",
  stretches: ({ outputs: [y], attributes: { outer, offset } }) =>
    outer === 1 ? [{ input: 0, offset, length: y!.size }] : undefined,
  forward({ inputs: [x], outputs: [y], attributes: { outer, offset }, label }, e) {
    if (outer === 1) {
      e.define(y!, part(e.view(x!), offset, y!.size));
      return;
    }
    const [row, length] = [x!.size / outer, y!.size / outer];
    e.emit(
      copyStrided(e.target, {
        label,
        from: part(e.view(x!), offset, x!.size - offset),
        to: e.allocate(y!, label),
        lengths: [1, 1, outer, length],
        strides: [0, 0, row, 1],
      }),
    );
  },
  backward({ inputs: [x], outputs: [y], attributes: { outer, offset }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    if (!accumulate) e.emit({ type: "clear", label: `${label} gradient`, to: view });
    const length = y!.size / outer;
    e.emit(
      copyStrided(e.target, {
        label,
        from: gradient,
        to: part(view, offset, view.length - offset),
        accumulate: true,
        lengths: [1, 1, outer, length],
        strides: [0, 0, length, 1],
        row: x.size / outer,
      }),
    );
  },
};

/** `count` entries of an axis, from `start` on. Of the first axis it is a view, nothing is copied. */
export function slice(x: Tensor, start: number, count: number, axis = 0): Tensor {
  if (start === 0 && count === x.shape[axis]) return x;
  if (axis === 0) {
    // One of the tensors that were joined is there already.
    let from = 0;
    for (const one of joinedBy(x)) {
      if (from === start && one.shape[0] === count) return one;
      from += one.shape[0]!;
    }
  }
  const { outer, intermediate } = rowsFrom(x.shape, axis);
  const shape = x.shape.with(axis, count);
  const [y] = apply(sliceOp, "slice", [x], [{ shape, dtype: x.dtype }], { outer, offset: start * intermediate });
  return factsAs(y!, x, (begin) => slice(begin, start, count, axis));
}

const concatOp: Op<{ readonly outer: number; readonly axis: number }> = {
  name: "concat",
  stretches: ({ inputs, attributes: { outer } }) =>
    outer === 1 ? inputs.map((x, input) => ({ input, offset: 0, length: x!.size })) : undefined,
  forward({ inputs, outputs: [y], attributes: { outer }, label }, e) {
    const to = e.allocate(y!, label);
    const row = y!.size / outer;
    let offset = 0;
    for (const x of inputs) {
      const length = x!.size / outer;
      const from = { ...e.view(x!), length: x!.size };
      const strided = { lengths: [1, 1, outer, length], strides: [0, 0, length, 1], row } as const;
      if (outer === 1) e.emit({ type: "copy", label, from, to: part(to, offset, length) });
      else e.emit(copyStrided(e.target, { label, from, to: part(to, offset, to.length - offset), ...strided }));
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
          const from = part(gradient, offset, gradient.length - offset);
          const strided = { lengths: [1, 1, outer, length], strides: [0, 0, row, 1] } as const;
          e.emit(copyStrided(e.target, { label: `${label} gradient`, from, to: view, ...strided, accumulate }));
        }
      }
      offset += length;
    }
  },
};

/** Joins tensors along an axis; i32 ones along the first. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 1) return tensors[0]!;
  const { shape, dtype } = tensors[0]!;
  const count = tensors.reduce((n, { shape: one }) => n + one[axis]!, 0);
  const { outer } = rowsFrom(shape, axis);
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

const swapOp: Op<null> = {
  name: "swap-axes",
  forward({ inputs: [x], outputs: [y], label }, e) {
    const [A, B, C] = x!.shape as [number, number, number];
    e.emit(
      copyStrided(e.target, {
        label,
        from: e.view(x!),
        to: e.allocate(y!, label),
        lengths: [1, B, A, C],
        strides: [0, C, B * C, 1],
      }),
    );
  },
  backward({ inputs: [x], outputs: [y], label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const [A, B, C] = x.shape as [number, number, number];
    const { view, accumulate } = e.gradientInto(x);
    e.emit(
      copyStrided(e.target, {
        label: `${label} gradient`,
        from: gradient,
        to: view,
        lengths: [1, A, B, C],
        strides: [0, C, A * C, 1],
        accumulate,
      }),
    );
  },
};

/** `[A,B,C]` to `[B,A,C]`: between batch-first and time-major. */
export function swapAxes(label: string, x: Tensor): Tensor {
  const [A, B, C] = x.shape as [number, number, number];
  const [y] = apply(swapOp, label, [x], [{ shape: [B, A, C] }], null);
  return factsAs(y!, x, (start) => swapAxes(label, start));
}

/** Where the values of a tensor lie that is a view: in which tensor, and from which element on. */
export function originOf(x: Tensor): { readonly root: Tensor; readonly offset: number } {
  const { node } = x;
  if (node?.op === reshapeOp) return originOf(node.inputs[0]!);
  if (node?.op !== sliceOp) return { root: x, offset: 0 };
  const { outer, offset } = node.attributes as { readonly outer: number; readonly offset: number };
  if (outer !== 1) return { root: x, offset: 0 };
  const origin = originOf(node.inputs[0]!);
  return { root: origin.root, offset: origin.offset + offset };
}
