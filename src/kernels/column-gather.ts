import type { Dispatch, Target, View } from "../plan/plan.ts";
import { columnGatherWgsl } from "../shaders/column-gather.generated.ts";
import { defineKernel, dispatch, gridFor, NAN_BITS, read, readWrite, u32 } from "./kernel.ts";

/** Columns of a weight by token: W·x + b of a one-hot x. */
export const columnGather = defineKernel({
  shader: columnGatherWgsl,
  bindings: [
    read("tokens", "i32", "[N]"),
    read("weight", "f32", "[D,M,V]"),
    read("bias", "f32", "[D,M]"),
    readWrite("y", "f32", "[N,D,M] by strides"),
  ],
  params: u32("N", "D", "M", "V", "row", "batch", "hasBias", "nan"),
  variants: [{}],
});

/** Row n, direction d, column m of the result lies at `n * row + d * batch + m`. */
export interface Columns {
  /** Tokens. */
  readonly N: number;
  /** Directions, each with a weight `[M,V]` of its own; default 1. */
  readonly D?: number;
  /** Rows of a weight: columns of the result. */
  readonly M: number;
  /** Vocabulary: size of the one-hot vectors. */
  readonly V: number;
  readonly row: number;
  /** Default 0, for one direction. */
  readonly batch?: number;
}

export const numbersOf = ({ N, D = 1, M, V, row, batch = 0 }: Columns) => ({ N, D, M, V, row, batch });

/** `y[n,d,:] = weight[d,:,tokens[n]] + bias[d]`. */
export const gatherColumns = (
  target: Target,
  label: string,
  columns: Columns,
  { tokens, weight, bias, y }: { tokens: View; weight: View; bias: View | undefined; y: View },
): Dispatch =>
  dispatch(columnGather, {
    label,
    views: { tokens, weight, bias: bias ?? weight, y },
    params: { ...numbersOf(columns), hasBias: bias ? 1 : 0, nan: NAN_BITS },
    grid: gridFor(columns.N * (columns.D ?? 1) * columns.M, 64, target.maxWorkgroups),
  });
