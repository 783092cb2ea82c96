import type { Dispatch, Target, View } from "../plan/plan.ts";
import { columnSumsWgsl } from "../shaders/column-sums.generated.ts";
import { defineKernel, dispatch, f32, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** Sums over the rows of a matrix, or of products of two. */
export const columnSums = defineKernel({
  shader: columnSumsWgsl,
  bindings: [
    read("a", "f32", "[N,D,C] by strides"),
    read("b", "f32", "[N,D,C] by strides"),
    read("stats", "f32", "[N,2]"),
    readWrite("to", "f32", "[D,C]"),
  ],
  params: [...u32("N", "D", "C", "row", "batch"), ...f32("factor"), ...u32("accumulate")],
  variants: [
    { TIMES: false, NORMALIZED: false },
    { TIMES: true, NORMALIZED: false },
    { TIMES: false, NORMALIZED: true },
  ],
});

/** Row n, direction d, column c of `a` and `b` lie at `n * row + d * batch + c`. */
export interface ColumnSums {
  /** Rows. */
  readonly N: number;
  /** Directions; default 1. */
  readonly D?: number;
  /** Columns. */
  readonly C: number;
  /** Default C. */
  readonly row?: number;
  /** Default 0, for one direction. */
  readonly batch?: number;
  /** Default 1. */
  readonly factor?: number;
  /** Add to what is there; default false. */
  readonly accumulate?: boolean;
}

/** `to[d,c] = sum over n of a`, of `a·b` where b is given, and with `stats` of a times b's normalised rows; one dispatch. */
export function sumColumns(
  target: Target,
  label: string,
  { N, D = 1, C, row = C, batch = 0, factor = 1, accumulate = false }: ColumnSums,
  { a, b, stats, to }: { a: View; b?: View; stats?: View; to: View },
): Dispatch {
  return dispatch(columnSums, {
    label,
    views: { a, b: b ?? a, stats: stats ?? a, to },
    params: { N, D, C, row, batch, factor, accumulate: accumulate ? 1 : 0 },
    constants: { TIMES: b !== undefined && stats === undefined, NORMALIZED: stats !== undefined },
    grid: gridFor(D * C, 16, target.maxWorkgroups),
  });
}
