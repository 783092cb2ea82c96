import { crossEntropyCount, crossEntropyMean, crossEntropyRows } from "./cross-entropy.ts";
import { embeddingGather, embeddingScatter } from "./embedding.ts";
import type { Kernel } from "./kernel.ts";
import { matmul, matmulTiled } from "./matmul.ts";
import { normFinish, normPartial } from "./norm.ts";
import { adagradKernel, adamKernel, rmspropKernel, sgdKernel } from "./optimizer.ts";
import { recurrentBackward, recurrentForward } from "./recurrent.ts";
import { sample } from "./sample.ts";
import { stridedCopy } from "./strided-copy.ts";

const table = [
  matmul,
  matmulTiled,
  stridedCopy,
  embeddingGather,
  embeddingScatter,
  recurrentForward,
  recurrentBackward,
  crossEntropyCount,
  crossEntropyRows,
  crossEntropyMean,
  normPartial,
  normFinish,
  sgdKernel,
  adamKernel,
  rmspropKernel,
  adagradKernel,
  sample,
] as const;

/** Every kernel by name. */
export const kernels: Readonly<Record<string, Kernel>> = Object.fromEntries(
  table.map((kernel) => [kernel.name, kernel as unknown as Kernel]),
);
