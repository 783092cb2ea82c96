import { copyStrided } from "../../kernels/strided-copy.ts";
import { type Op, part } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

const reshapeOp: Op<null> = {
  name: "reshape",
  forward({ inputs: [x], outputs: [y] }, e) {
    e.define(y!, e.view(x!));
  },
  backward({ inputs: [x], outputs: [y] }, e) {
    const gradient = e.gradient(y!);
    if (gradient && e.needsGradient(x)) e.contribute(x, gradient);
  },
};

/** The same values under another shape of the same size. */
export const reshape = (x: Tensor, shape: readonly number[]): Tensor =>
  apply(reshapeOp, "reshape", [x], [{ shape, dtype: x.dtype }], null)[0]!;

const sliceOp: Op<{ readonly offset: number }> = {
  name: "slice",
  forward({ inputs: [x], outputs: [y], attributes: { offset } }, e) {
    e.define(y!, part(e.view(x!), offset, y!.size));
  },
  backward({ inputs: [x], outputs: [y], attributes: { offset }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    if (!accumulate) e.emit({ type: "clear", label: `${label} gradient`, to: view });
    const lengths = [1, 1, 1, y!.size] as const;
    e.emit(
      copyStrided(e.target, {
        label,
        from: gradient,
        to: part(view, offset, y!.size),
        lengths,
        strides: [0, 0, 0, 1],
        accumulate: true,
      }),
    );
  },
};

/** `count` entries of the first axis, from `start` on; a view, nothing is copied. */
export function slice(x: Tensor, start: number, count: number): Tensor {
  const rest = x.shape.slice(1);
  const stride = x.size / x.shape[0]!;
  return apply(sliceOp, "slice", [x], [{ shape: [count, ...rest], dtype: x.dtype }], { offset: start * stride })[0]!;
}

const concatOp: Op<null> = {
  name: "concat",
  forward({ inputs, outputs: [y], label }, e) {
    const to = e.place(y!, label);
    let offset = 0;
    for (const x of inputs) {
      e.emit({ type: "copy", label, from: { ...e.view(x!), length: x!.size }, to: part(to, offset, x!.size) });
      offset += x!.size;
    }
  },
  backward({ inputs, outputs: [y] }, e) {
    const gradient = e.gradient(y!);
    if (!gradient) return;
    let offset = 0;
    for (const x of inputs) {
      if (e.needsGradient(x)) e.contribute(x, part(gradient, offset, x.size));
      offset += x!.size;
    }
  },
};

/** Joins tensors along the first axis. */
export function concat(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 1) return tensors[0]!;
  const count = tensors.reduce((n, { shape }) => n + shape[0]!, 0);
  const { shape, dtype } = tensors[0]!;
  return apply(concatOp, "concat", tensors, [{ shape: [count, ...shape.slice(1)], dtype }], null)[0]!;
}

const swapOp: Op<null> = {
  name: "swap-axes",
  forward({ inputs: [x], outputs: [y], label }, e) {
    const [A, B, C] = x!.shape as [number, number, number];
    e.emit(
      copyStrided(e.target, {
        label,
        from: e.view(x!),
        to: e.place(y!, label),
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
  return apply(swapOp, label, [x], [{ shape: [B, A, C] }], null)[0]!;
}
