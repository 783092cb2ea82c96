import type { Dispatch, Target, View } from "../plan/plan.ts";
import { columnScatterWgsl } from "../shaders/column-scatter.generated.ts";
import { type Columns, numbersOf } from "./column-gather.ts";
import { eachGrouped } from "./group-tokens.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** The gather's gradient by its weight: equal tokens add up in the order in which they stand. */
export const columnScatter = defineKernel({
  shader: columnScatterWgsl,
  bindings: [
    read("tokens", "i32", "[N]"),
    read("grouped", "i32", "[2,N]"),
    read("outputGradient", "f32", "[N,D,M] by strides"),
    readWrite("gradient", "f32", "[D,M,V]"),
  ],
  params: u32("N", "D", "M", "V", "row", "batch"),
  variants: [{}],
  twin({ tokens, grouped, outputGradient, gradient }, { N, D, M, V, row, batch }) {
    eachGrouped({ tokens, grouped }, { N, V }, (v, n) => {
      for (let d = 0; d < D; d++) {
        for (let m = 0; m < M; m++) gradient[(d * M + m) * V + v]! += outputGradient[n * row + d * batch + m]!;
      }
    });
  },
});

/**
 * Adds the gradient by the weight to `gradient [D,M,V]`, which was cleared before or holds other parts of it. `grouped`: from
 * `groupEqualTokens`, for the same tokens.
 */
export const scatterColumns = (
  target: Target,
  label: string,
  columns: Columns,
  views: { tokens: View; grouped: View; outputGradient: View; gradient: View },
): Dispatch =>
  dispatch(columnScatter, {
    label,
    views,
    params: numbersOf(columns),
    grid: gridFor(Math.min(columns.N, columns.V) * (columns.D ?? 1) * columns.M, 64, target.maxWorkgroups),
  });
