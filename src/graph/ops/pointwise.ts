import { sumColumns } from "../../kernels/column-sums.ts";
import { pointwise } from "../../kernels/pointwise.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

/** Activations that a module may apply by themselves. */
export type ActivationOp = "sigmoid" | "tanh" | "relu" | "gelu";

const activationOp = (operation: ActivationOp): Op<null> => ({
  name: operation,
  forward({ inputs: [x], outputs: [y], label }, e) {
    e.emit(pointwise(e.target, label, { operation, N: x!.size }, { a: e.view(x!), y: e.allocate(y!, label) }));
  },
  backward({ inputs: [x], outputs: [y], label }, e) {
    const b = e.gradient(y!);
    if (!b || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    // GELU's derivative cannot be told from its value.
    const a = e.view(operation === "gelu" ? x : y!);
    const call = { operation: `${operation}Gradient`, N: x.size, accumulate } as const;
    e.emit(pointwise(e.target, `${label} gradient`, call, { a, b, y: view }));
  },
});

const activationOps: Readonly<Record<ActivationOp, Op<null>>> = {
  sigmoid: activationOp("sigmoid"),
  tanh: activationOp("tanh"),
  relu: activationOp("relu"),
  gelu: activationOp("gelu"),
};

export const activate = (label: string, operation: ActivationOp, x: Tensor): Tensor =>
  apply(activationOps[operation], label, [x], [{ shape: x.shape }], null)[0]!;

interface Factors {
  readonly alpha: number;
  readonly beta: number;
}

const sumOp: Op<Factors> = {
  name: "weighted-sum",
  forward({ inputs: [a, b], outputs: [y], attributes, label }, e) {
    const call = { operation: "weightedSum", N: a!.size, period: b!.size, ...attributes } as const;
    e.emit(pointwise(e.target, label, call, { a: e.view(a!), b: e.view(b!), y: e.allocate(y!, label) }));
  },
  backward({ inputs: [a, b], outputs: [y], attributes: { alpha, beta }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient) return;
    const scaled = (x: Tensor, factor: number) => {
      const { view, accumulate } = e.gradientInto(x);
      const call = { operation: "weightedSum", N: x.size, alpha: factor, beta: 0, accumulate } as const;
      e.emit(pointwise(e.target, `${label} gradient`, call, { a: gradient, y: view }));
    };
    if (e.needsGradient(b)) {
      if (b.size === y!.size) scaled(b, beta);
      else {
        const { view, accumulate } = e.gradientInto(b);
        const sums = { N: y!.size / b.size, C: b.size, factor: beta, accumulate };
        e.emit(sumColumns(e.target, `${label} gradient`, sums, { a: gradient, to: view }));
      }
    }
    if (!e.needsGradient(a)) return;
    // Nobody reads the sum's gradient after this: it may become the summand's.
    if (alpha === 1) e.contribute(a, gradient);
    else scaled(a, alpha);
  },
};

/** `alpha * a + beta * b`; the shape of `b` is that of `a`, or the last axes of it: then it is added to each of those parts. */
export const weightedSum = (label: string, a: Tensor, b: Tensor, alpha = 1, beta = 1): Tensor =>
  apply(sumOp, label, [a, b], [{ shape: a.shape }], { alpha, beta })[0]!;

const productOp: Op<null> = {
  name: "multiply",
  forward({ inputs: [a, b], outputs: [y], label }, e) {
    const call = { operation: "product", N: a!.size, period: b!.size } as const;
    e.emit(pointwise(e.target, label, call, { a: e.view(a!), b: e.view(b!), y: e.allocate(y!, label) }));
  },
  backward({ inputs: [a, b], outputs: [y], label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient) return;
    const times = (x: Tensor, other: Tensor) => {
      const { view, accumulate } = e.gradientInto(x);
      const call = { operation: "product", N: x.size, period: other.size, accumulate } as const;
      e.emit(pointwise(e.target, `${label} gradient`, call, { a: gradient, b: e.view(other), y: view }));
    };
    if (e.needsGradient(a)) times(a, b!);
    if (!e.needsGradient(b)) return;
    if (b.size === y!.size) times(b, a!);
    else {
      const { view, accumulate } = e.gradientInto(b);
      const sums = { N: y!.size / b.size, C: b.size, accumulate };
      e.emit(sumColumns(e.target, `${label} gradient`, sums, { a: gradient, b: e.view(a!), to: view }));
    }
  },
};

/** `a * b`, element by element; shapes as in `weightedSum`. */
export const multiply = (label: string, a: Tensor, b: Tensor): Tensor =>
  apply(productOp, label, [a, b], [{ shape: a.shape }], null)[0]!;
