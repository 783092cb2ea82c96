import type { TwinOf } from "./kernel.ts";
import type { stridedCopy } from "./strided-copy.ts";

const stridedCopyTwin: TwinOf<typeof stridedCopy> = ({ source, to }, p) => {
  for (let i0 = 0; i0 < p.n0; i0++) {
    for (let i1 = 0; i1 < p.n1; i1++) {
      for (let i2 = 0; i2 < p.n2; i2++) {
        for (let i3 = 0; i3 < p.padded; i3++) {
          const value = i3 < p.n3 ? source[p.start + i0 * p.s0 + i1 * p.s1 + i2 * p.s2 + i3 * p.s3]! : 0;
          const at = p.toStart + i0 * p.t0 + i1 * p.t1 + i2 * p.t2 + i3 * p.t3;
          to[at] = value + (p.accumulate ? to[at]! : 0);
        }
      }
    }
  }
};

/** The twins of the kernels in strided-copy.ts, by their names. */
export const stridedCopyTwins = {
  "strided-copy": stridedCopyTwin,
};
