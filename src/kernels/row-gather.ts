import type { Dispatch, Target, View } from "../plan/plan.ts";
import { rowGatherWgsl } from "../shaders/row-gather.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** Reorders the rows of states. It is bound as i32 and moves f32 as well: a copy of the bits. */
export const rowGather = defineKernel({
  shader: rowGatherWgsl,
  bindings: [read("source", "i32", "[L,N,C]"), read("rows", "i32", "[N]"), readWrite("to", "i32", "[L,N,C]")],
  params: u32("L", "N", "C"),
  variants: [{}],
  twin({ source, rows, to }, { L, N, C }) {
    for (let l = 0; l < L; l++) {
      for (let n = 0; n < N; n++) {
        for (let c = 0; c < C; c++) to[(l * N + n) * C + c] = source[(l * N + rows[n]!) * C + c]!;
      }
    }
  },
});

export const gatherStateRows = (
  target: Target,
  label: string,
  sizes: { readonly L: number; readonly N: number; readonly C: number },
  views: { source: View; rows: View; to: View },
): Dispatch =>
  dispatch(rowGather, {
    label,
    views,
    params: sizes,
    grid: gridFor(sizes.L * sizes.N * sizes.C, 64, target.maxWorkgroups),
  });
