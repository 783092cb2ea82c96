import { type Pair, sumWindows, takeWindows, type WindowSizes } from "../../kernels/windows.ts";
import { sameShape } from "../../tensor-data.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { permute, reshape } from "./layout.ts";

interface Windows extends WindowSizes {
  /** What windows show beyond x. */
  readonly fill: number;
}

const windowsOp: Op<Windows> = {
  name: "windows",
  forward({ inputs: [x], outputs: [y], attributes: { fill, ...size }, label }, e) {
    e.emit(takeWindows(e.target, label, size, fill, { x: e.view(x!), y: e.allocate(y!, label) }));
  },
  backward({ inputs: [x], outputs: [y], attributes: { fill: _, ...size }, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view: gradient, accumulate } = e.gradientInto(x);
    e.emit(sumWindows(e.target, `${label} gradient`, size, accumulate, { outputGradient, gradient }));
  },
};

const sumOp: Op<WindowSizes> = {
  name: "sum-of-windows",
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const views = { outputGradient: e.view(x!), gradient: e.allocate(y!, label) };
    e.emit(sumWindows(e.target, label, attributes, false, views));
  },
  backward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const taken = e.scratch(`${label} gradient`, x.size);
    e.emit(takeWindows(e.target, `${label} gradient`, attributes, 0, { x: gradient, y: taken }));
    e.contribute(x, taken);
  },
};

/** How windows of `K` numbers lie on two axes. */
export interface Layout {
  readonly K: Pair;
  /** How many there are. */
  readonly P: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** How much there is before the first number. */
  readonly padding: Pair;
}

const columnsOf = (N: number, { P }: Layout) => N * P[0] * P[1];
const rowsOf = (C: number, { K }: Layout) => C * K[0] * K[1];

/**
 * The windows on the last two axes of `x [N,C,S1,S2]`, with `fill` where they reach beyond: `[C*K1*K2, N*P1*P2]`, or the transpose
 * of that where they are `turned`.
 */
export function windows(
  label: string,
  x: Tensor,
  layout: Layout,
  { fill = 0, turned = false }: { readonly fill?: number; readonly turned?: boolean } = {},
): Tensor {
  const [N, C, ...S] = x.shape as [number, number, number, number];
  const [rows, columns] = [rowsOf(C, layout), columnsOf(N, layout)];
  // Windows of one number, one beside the other, are what they are taken from.
  const isAsItIs =
    !turned && layout.K[0] * layout.K[1] === 1 && sameShape(layout.P, S) && sameShape(layout.padding, [0, 0]);
  if (isAsItIs && layout.stride[0] * layout.stride[1] === 1)
    return reshape(permute(x, [1, 0, 2, 3], label), [rows, columns]);
  const shape = turned ? [columns, rows] : [rows, columns];
  return apply(windowsOp, label, [x], [{ shape }], { N, C, S, ...layout, turned, fill })[0]!;
}

/** What {@link windows} are gathered from, every number the sum of those that show it: `x [C*K1*K2, N*P1*P2]` to `[N,C,S1,S2]`. */
export function sumOfWindows(label: string, x: Tensor, shape: readonly number[], layout: Layout): Tensor {
  const [N, C, ...S] = shape as [number, number, number, number];
  return apply(sumOp, label, [x], [{ shape }], { N, C, S, ...layout, turned: false })[0]!;
}
