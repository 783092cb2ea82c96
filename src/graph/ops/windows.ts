import { takeWindows, type WindowSizes, windowsGradient } from "../../kernels/windows.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

const op: Op<WindowSizes> = {
  name: "windows",
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    e.emit(takeWindows(e.target, label, attributes, { x: e.view(x!), y: e.allocate(y!, label) }));
  },
  backward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view: gradient, accumulate } = e.gradientInto(x);
    e.emit(windowsGradient(e.target, `${label} gradient`, { ...attributes, accumulate }, { outputGradient, gradient }));
  },
};

/** `T` windows of `K` steps of `x [S,B,C]`: `[T,B,C,K]`, with zeros where a window reaches beyond x. */
export function windows(label: string, x: Tensor, size: Omit<WindowSizes, "S" | "B" | "C">): Tensor {
  const [S, B, C] = x.shape as [number, number, number];
  return apply(op, label, [x], [{ shape: [size.T, B, C, size.K] }], { ...size, S, B, C })[0]!;
}
