import { type Matrix, product } from "../../kernels/matmul.ts";
import type { View } from "../../plan/plan.ts";
import type { Commands } from "../commands.ts";
import type { Sizes } from "./matmul.ts";

/** Matrices of so many rows and columns, one after the other; `turned`: read with rows and columns exchanged. */
const matrices = (view: View, rows: number, columns: number, turned = false): Matrix => ({
  view,
  row: turned ? 1 : columns,
  column: turned ? columns : 1,
  batch: rows * columns,
});

export const matmulCommands: Commands<Sizes> = {
  forward({ inputs: [a, b], outputs: [y], attributes: { Z, M, N, K, turned }, label }, e) {
    const left = (view: View) => (turned ? matrices(view, K, M, true) : matrices(view, M, K));
    e.emit(
      ...product(e, {
        label,
        size: { M, N, K, batches: Z },
        a: left(e.view(a!)),
        b: matrices(e.view(b!), K, N),
        c: matrices(e.allocate(y!, label), M, N),
      }),
    );
  },
  backward({ inputs: [a, b], outputs: [y], attributes: { Z, M, N, K, turned }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient) return;
    if (e.needsGradient(a)) {
      const { view, accumulate } = e.gradientInto(a);
      e.emit(
        ...product(e, {
          label: `${label} gradient`,
          ...(turned
            ? {
                size: { M: K, N: M, K: N, batches: Z },
                a: matrices(e.view(b!), K, N),
                b: matrices(gradient, M, N, true),
                c: matrices(view, K, M),
              }
            : {
                size: { M, N: K, K: N, batches: Z },
                a: matrices(gradient, M, N),
                b: matrices(e.view(b!), K, N, true),
                c: matrices(view, M, K),
              }),
          accumulate,
        }),
      );
    }
    if (e.needsGradient(b)) {
      const { view, accumulate } = e.gradientInto(b);
      e.emit(
        ...product(e, {
          label: `${label} gradient`,
          size: { M: K, N, K: M, batches: Z },
          a: turned ? matrices(e.view(a!), K, M) : matrices(e.view(a!), M, K, true),
          b: matrices(gradient, M, N),
          c: matrices(view, K, N),
          accumulate,
        }),
      );
    }
  },
};
