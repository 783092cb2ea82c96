import { uniform } from "../random.ts";
import type { dropoutKernel } from "./dropout.ts";
import type { TwinOf } from "./kernel.ts";

const dropoutKernelTwin: TwinOf<typeof dropoutKernel> = (
  { x, seed, y },
  { N, period, stream, accumulate, p, scale },
) => {
  for (let i = 0; i < N; i++) {
    const kept = uniform(seed[0]!, stream, i % period, 0) >= p;
    y[i] = (kept ? x[i]! * scale : 0) + (accumulate ? y[i]! : 0);
  }
};

/** The twins of the kernels in dropout.ts, by their names. */
export const dropoutTwins = {
  dropout: dropoutKernelTwin,
};
