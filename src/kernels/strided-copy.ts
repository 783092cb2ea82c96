import type { Dispatch, Target, View } from "../plan/plan.ts";
import { stridedCopyWgsl } from "../shaders/strided-copy.generated.ts";
import { defineKernel, dispatch, gridFor, i32, read, readWrite, u32 } from "./kernel.ts";

/** Copies a block of up to four axes from strides to strides: transposes, flips, packs, slices, joins, adds. */
export const stridedCopy = defineKernel({
  shader: stridedCopyWgsl,
  bindings: [read("source", "u32", "[N0,N1,N2,N3] by strides"), readWrite("to", "u32", "[N0,N1,N2,padded] by strides")],
  params: [
    ...u32("n0", "n1", "n2", "n3", "padded", "accumulate", "start"),
    ...i32("s0", "s1", "s2", "s3"),
    ...u32("toStart"),
    ...i32("t0", "t1", "t2", "t3"),
  ],
  variants: [{}],
});

export type Four = readonly [number, number, number, number];

interface Places {
  readonly view: View;
  readonly start: number;
}

/** A view begins at the lowest element that is used, because a twin sees nothing before it; element 0 lies `start` behind that. */
function placesOf(view: View, lengths: Four, strides: Four): Places {
  const start = -strides.reduce((sum, stride, i) => sum + Math.min(0, stride * (lengths[i]! - 1)), 0);
  return { view: { ...view, offset: view.offset - start, length: view.length + start }, start };
}

/**
 * The command for it. Strides may be negative: element 0 lies where `from` (or `to`) begins, others before it. `padded` is the
 * length of the last axis in `to`; `toStrides` are by default those of `[n0,n1,n2,padded]`.
 */
export function copyStrided(
  target: Target,
  {
    label,
    from,
    to,
    lengths,
    strides,
    padded = lengths[3],
    toStrides = [lengths[1] * lengths[2] * padded, lengths[2] * padded, padded, 1],
    accumulate = false,
  }: {
    label: string;
    from: View;
    to: View;
    lengths: Four;
    strides: Four;
    padded?: number;
    toStrides?: Four;
    accumulate?: boolean;
  },
): Dispatch {
  const [n0, n1, n2, n3] = lengths;
  const [s0, s1, s2, s3] = strides;
  const [t0, t1, t2, t3] = toStrides;
  const source = placesOf(from, lengths, strides);
  const goal = placesOf(to, lengths, toStrides);
  return dispatch(stridedCopy, {
    label,
    views: { source: source.view, to: goal.view },
    params: {
      n0,
      n1,
      n2,
      n3,
      padded,
      accumulate: accumulate ? 1 : 0,
      start: source.start,
      s0,
      s1,
      s2,
      s3,
      toStart: goal.start,
      t0,
      t1,
      t2,
      t3,
    },
    grid: gridFor(n0 * n1 * n2 * padded, 64, target.maxWorkgroups),
  });
}
