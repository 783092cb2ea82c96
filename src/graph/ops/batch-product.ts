import { type Matrix, product } from "../../kernels/matmul.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Attributes {
  /** Batches: the middle axis of every operand. */
  readonly B: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** The second operand is `[N,B,K]` instead of `[K,B,N]`. */
  readonly transposed: boolean;
}

/** A tensor `[rows,B,columns]` as B matrices, or with its axes exchanged. */
const matrix = (view: View, B: number, columns: number, exchanged = false): Matrix => ({
  view,
  row: exchanged ? 1 : B * columns,
  column: exchanged ? B * columns : 1,
  batch: columns,
});

const op: Op<Attributes> = {
  name: "batch-product",
  forward({ inputs: [x, y], outputs: [z], attributes: { B, M, N, K, transposed }, label }, e) {
    e.emit(
      ...product(e, {
        label,
        size: { M, N, K, batches: B },
        a: matrix(e.view(x!), B, K),
        b: matrix(e.view(y!), B, transposed ? K : N, transposed),
        c: matrix(e.allocate(z!, label), B, N),
      }),
    );
  },
  backward({ inputs: [x, y], outputs: [z], attributes: { B, M, N, K, transposed }, label }, e) {
    const gradient = e.gradient(z!);
    if (!gradient) return;
    if (e.needsGradient(x)) {
      const { view, accumulate } = e.gradientInto(x);
      e.emit(
        ...product(e, {
          label: `${label} gradient`,
          size: { M, N: K, K: N, batches: B },
          a: matrix(gradient, B, N),
          b: matrix(e.view(y!), B, transposed ? K : N, !transposed),
          c: matrix(view, B, K),
          accumulate,
        }),
      );
    }
    if (e.needsGradient(y)) {
      const { view, accumulate } = e.gradientInto(y);
      const [rows, columns] = transposed ? [N, K] : [K, N];
      const [left, right] = [matrix(gradient, B, N, true), matrix(e.view(x!), B, K, true)];
      const plain = { gradient: matrix(gradient, B, N), x: matrix(e.view(x!), B, K) };
      e.emit(
        ...product(e, {
          label: `${label} gradient`,
          size: { M: rows, N: columns, K: M, batches: B },
          a: transposed ? left : right,
          b: transposed ? plain.x : plain.gradient,
          c: matrix(view, B, columns),
          accumulate,
        }),
      );
    }
  },
};

/**
 * For every batch b, which is the middle axis, the matrix product of `x [M,B,K]` and `y [K,B,N]`; with `transposed` of
 * `x [M,B,K]` and the transpose of `y [N,B,K]`: `[M,B,N]`. One dispatch, nothing is moved first.
 */
export function batchProduct(label: string, x: Tensor, y: Tensor, transposed = false): Tensor {
  const [M, B, K] = x.shape as [number, number, number];
  const N = transposed ? y.shape[0]! : y.shape[2]!;
  return apply(op, label, [x, y], [{ shape: [M, B, N] }], { B, M, N, K, transposed })[0]!;
}
