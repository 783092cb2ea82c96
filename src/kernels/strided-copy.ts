import type { Dispatch, Target, View } from "../plan/plan.ts";
import { defineKernel, dispatch, gridFor, i32, read, readWrite, u32 } from "./kernel.ts";

/** Copies a strided block of up to four axes into one whose rows may lie separate: transposes, packs, slices, joins, adds. */
export const stridedCopy = defineKernel({
  name: "strided-copy",
  bindings: [read("source", "f32", "[N0,N1,N2,N3] by strides"), readWrite("to", "f32", "[N0,N1,N2,padded] by rows")],
  params: [...u32("n0", "n1", "n2", "n3", "padded", "row", "accumulate", "start"), ...i32("s0", "s1", "s2", "s3")],
  variants: [{}],
  twin({ source, to }, p) {
    let at = 0; // where a row of `to` begins
    for (let i0 = 0; i0 < p.n0; i0++) {
      for (let i1 = 0; i1 < p.n1; i1++) {
        for (let i2 = 0; i2 < p.n2; i2++, at += p.row) {
          for (let i3 = 0; i3 < p.padded; i3++) {
            const value = i3 < p.n3 ? source[p.start + i0 * p.s0 + i1 * p.s1 + i2 * p.s2 + i3 * p.s3]! : 0;
            to[at + i3] = value + (p.accumulate ? to[at + i3]! : 0);
          }
        }
      }
    }
  },
});

type Four = readonly [number, number, number, number];

/**
 * The command for it. `padded` is the length of the last axis in `to`, `row` how far its rows lie separate. Strides may be negative: element 0 lies where
 * `from` begins, others before it.
 */
export function copyStrided(
  target: Target,
  {
    label,
    from,
    to,
    lengths,
    strides,
    padded,
    row,
    accumulate,
  }: {
    label: string;
    from: View;
    to: View;
    lengths: Four;
    strides: Four;
    padded?: number;
    row?: number;
    accumulate?: boolean;
  },
): Dispatch {
  const [n0, n1, n2, n3] = lengths;
  const [s0, s1, s2, s3] = strides;
  const last = padded ?? n3;
  // A view begins at the lowest element that is read: a twin sees nothing of the buffer before it.
  const start = -strides.reduce((sum, stride, i) => sum + Math.min(0, stride * (lengths[i]! - 1)), 0);
  const source = { ...from, offset: from.offset - start, length: from.length + start };
  return dispatch(stridedCopy, {
    label,
    views: { source, to },
    params: { n0, n1, n2, n3, padded: last, row: row ?? last, accumulate: accumulate ? 1 : 0, start, s0, s1, s2, s3 },
    grid: gridFor(n0 * n1 * n2 * last, 64, target.maxWorkgroups),
  });
}
