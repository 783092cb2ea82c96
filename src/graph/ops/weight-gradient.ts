import { chooseVariant } from "../../kernels/choose-variant.ts";
import { type Product, product } from "../../kernels/matmul.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { Dispatch, View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import { constantTensor, type Tensor } from "../tensor.ts";

/** Strides between batches (directions) of the weight and of the bias. */
interface Batches {
  readonly weight: number;
  readonly bias: number;
}

/**
 * Gradient of a weight `[M,N]` and of the bias `[M]` that goes with it, as one product over all rows.
 * `more`: this is a further part of the same gradient, add to the parts before.
 */
export function weightGradient(
  e: Emitter,
  call: Pick<Product, "label" | "size" | "a" | "b"> & {
    readonly weight: Tensor;
    readonly bias: Tensor | undefined;
    readonly batches?: Batches;
    /** Directions before the one that this product begins with. */
    readonly firstBatch?: number;
    readonly into?: GradientViews;
    readonly more?: boolean;
  },
): void {
  const views = call.into ?? gradientViews(e, call.weight, call.bias);
  if (!views) return;
  const { label, size, a, b, batches, firstBatch = 0 } = call;
  const shift = (view: View, by: number): View => ({ ...view, offset: view.offset + by });
  const weight = shift(views.weight, firstBatch * (batches?.weight ?? 0));
  const bias = views.bias && shift(views.bias, firstBatch * (batches?.bias ?? 0));
  const accumulate = views.accumulate || call.more === true;
  const together = bias?.buffer === weight.buffer && bias.offset > weight.offset;
  // A frozen weight has no gradient, but its bias may.
  if (e.needsGradient(call.weight))
    e.emit(
      ...inParts(e, {
        label,
        size,
        a,
        b,
        accumulate,
        c: { view: weight, row: size.N, batch: batches?.weight ?? 0 },
        ...(bias && together && { sum: { view: bias, batch: batches?.bias ?? 0 } }),
      }),
    );
  if (bias && !together) biasGradient(e, { ...call, bias, accumulate });
}

/** What parts are multiplied by to be added up. */
const one = /* @__PURE__ */ constantTensor("one", [1]);

/**
 * A product, where few results leave a machine idle in parts of K: these go to scratch memory, and a second product, of a row of
 * ones, adds them in their order (a third one the bias's, unless it stands right behind the weight). Parts that would pass the limit
 * of a buffer, and batches with something between them, stay whole.
 */
function inParts(e: Emitter, call: Product): Dispatch[] {
  const { sum, ...rest } = call;
  const { label, size, c } = call;
  const { M, N, K, batches = 1 } = size;
  const results = M * N * batches;
  const stride = sum ? results + M * batches : results;
  const of = Math.ceil(K / chooseVariant(e.target, "weight-gradient", { M, N, K, batches, results }).PARTS);
  const count = Math.ceil(K / of);
  if (count === 1 || 4 * count * stride > e.target.maxBufferSize || (batches > 1 && c.batch !== M * N))
    return product(e, call);
  const sums = e.scratch(`${label} in parts`, count * stride);
  const from = (offset: number) => part(sums, offset, sums.length - offset);
  const add = (view: View, offset: number, N: number) =>
    product(e, {
      ...rest,
      label: `${label}, sum of parts`,
      size: { M: 1, N, K: count },
      a: { view: e.view(one), row: 0, column: 0 },
      b: { view: from(offset), row: stride, column: 1 },
      c: { view, row: 0 },
    });
  const parts = product(e, {
    ...call,
    accumulate: false,
    parts: { of, stride },
    c: { view: sums, row: N, batch: M * N },
    ...(sum && { sum: { view: from(results), batch: M } }),
  });
  return sum && sum.view.offset > c.view.offset + results
    ? [...parts, ...add(c.view, 0, results), ...add(sum.view, results, M * batches)]
    : [...parts, ...add(c.view, 0, stride)];
}

/** The sums by themselves, for a bias that does not stand behind its weight: one that is tied to another module's, or frozen. */
function biasGradient(
  e: Emitter,
  {
    label,
    size,
    a,
    b,
    batches: strides,
    bias,
    accumulate,
  }: Pick<Product, "label" | "size" | "a" | "b"> & { batches?: Batches; bias: View; accumulate: boolean },
): void {
  const { M, K, batches = 1 } = size;
  const both = e.scratch(`${label} sums`, 2 * batches * M);
  const sums = part(both, batches * M, batches * M);
  e.emit(
    ...product(e, {
      label: `${label} sums`,
      size: { M, N: 1, K, batches },
      a,
      b,
      c: { view: part(both, 0, batches * M), row: 1, batch: M },
      sum: { view: sums, batch: M },
    }),
    copyStrided(e.target, {
      label: `${label} sums`,
      from: sums,
      to: bias,
      accumulate,
      lengths: [1, 1, batches, M],
      strides: [0, 0, M, 1],
      toStrides: [0, 0, strides?.bias ?? 0, 1],
    }),
  );
}

export interface GradientViews {
  readonly weight: View;
  readonly bias: View | undefined;
  readonly accumulate: boolean;
}

/** Where the two gradients go. When only one of them is a first contribution, it is cleared so that both can add. */
export function gradientViews(e: Emitter, weight: Tensor, bias: Tensor | undefined): GradientViews | undefined {
  const { size } = weight;
  if (!e.needsGradient(weight)) {
    if (!e.needsGradient(bias)) return undefined;
    const { view, accumulate } = e.gradientInto(bias);
    return { weight: e.scratch("gradient of a frozen weight", size), bias: view, accumulate };
  }
  const w = e.gradientInto(weight);
  const b = e.needsGradient(bias) ? e.gradientInto(bias) : undefined;
  if (b && b.accumulate !== w.accumulate) {
    e.emit({ type: "clear", label: "gradient", to: (w.accumulate ? b : w).view });
    return { weight: w.view, bias: b.view, accumulate: true };
  }
  return { weight: w.view, bias: b?.view, accumulate: w.accumulate };
}
