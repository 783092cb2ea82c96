import { additiveScores, additiveScoresBackward } from "./additive-scores.ts";
import { cumulativeSum, gather, gatherBackward, topK } from "./axis.ts";
import { beamCandidates, beamStep } from "./beam.ts";
import { blendKernel } from "./blend.ts";
import { columnGather } from "./column-gather.ts";
import { columnScatter } from "./column-scatter.ts";
import { columnSums } from "./column-sums.ts";
import { crossEntropyRows } from "./cross-entropy.ts";
import { ctcGradient, ctcPaths, logSumExp } from "./ctc.ts";
import { dropoutKernel } from "./dropout.ts";
import { embeddingGather, embeddingScatter } from "./embedding.ts";
import { groupTokens } from "./group-tokens.ts";
import { type Kernel, register } from "./kernel.ts";
import { layerNormBackward, layerNormKernel } from "./layer-norm.ts";
import { crossEntropyCount, crossEntropyMean } from "./loss-mean.ts";
import { holdRows, maskRows, sequenceMask } from "./mask.ts";
import { maskedSoftmax, maskedSoftmaxBackward } from "./masked-softmax.ts";
import { matmul, matmulTiled } from "./matmul.ts";
import { normFinish, normPartial } from "./norm.ts";
import {
  adadeltaKernel,
  adagradKernel,
  adamaxKernel,
  adamKernel,
  asgdKernel,
  ftrlKernel,
  lionKernel,
  nadamKernel,
  radamKernel,
  rmspropKernel,
  rpropKernel,
  sgdKernel,
} from "./optimizer.ts";
import { packF16, packInt8, recurrentBackwardF16, recurrentForwardWith } from "./packed-weights.ts";
import { pointwiseKernel, pointwiseSum } from "./pointwise.ts";
import { pointwiseLoss } from "./pointwise-loss.ts";
import { poolBackward, poolKernel } from "./pool.ts";
import { recurrentForward, recurrentInitial } from "./recurrent.ts";
import { recurrentBackward } from "./recurrent-gradient.ts";
import { recurrentIntermediateBackward } from "./recurrent-intermediate.ts";
import { recurrentProject, recurrentProjectBackward } from "./recurrent-projection.ts";
import { recurrentStackBackward, recurrentStackForward } from "./recurrent-stack.ts";
import { rowGather } from "./row-gather.ts";
import { sample } from "./sample.ts";
import { scanBackward, scanChunks, scanForward } from "./scan.ts";
import { scanGates, scanGatesBackward } from "./scan-gates.ts";
import { stridedCopy } from "./strided-copy.ts";
import { windowsBackward, windowsKernel } from "./windows.ts";

const table = [
  matmul,
  matmulTiled,
  stridedCopy,
  groupTokens,
  embeddingGather,
  embeddingScatter,
  sequenceMask,
  maskRows,
  holdRows,
  columnGather,
  columnScatter,
  columnSums,
  pointwiseKernel,
  pointwiseSum,
  poolKernel,
  poolBackward,
  dropoutKernel,
  layerNormKernel,
  layerNormBackward,
  scanGates,
  scanGatesBackward,
  scanChunks,
  scanForward,
  scanBackward,
  additiveScores,
  additiveScoresBackward,
  maskedSoftmax,
  maskedSoftmaxBackward,
  recurrentInitial,
  recurrentForward,
  recurrentForwardWith.f16,
  recurrentForwardWith.int8,
  ...Object.values(recurrentBackwardF16),
  packF16,
  packInt8,
  recurrentProject,
  recurrentBackward,
  recurrentIntermediateBackward,
  recurrentProjectBackward,
  recurrentStackForward,
  recurrentStackBackward,
  crossEntropyCount,
  crossEntropyRows,
  crossEntropyMean,
  pointwiseLoss,
  logSumExp,
  ctcPaths,
  ctcGradient,
  normPartial,
  normFinish,
  blendKernel,
  sgdKernel,
  adamKernel,
  rmspropKernel,
  adagradKernel,
  adamaxKernel,
  nadamKernel,
  radamKernel,
  lionKernel,
  adadeltaKernel,
  ftrlKernel,
  asgdKernel,
  rpropKernel,
  sample,
  beamCandidates,
  beamStep,
  rowGather,
  topK,
  gather,
  gatherBackward,
  cumulativeSum,
  windowsKernel,
  windowsBackward,
] as const;

/** Every kernel by name, for tests; nothing else imports it. */
export const kernels: Readonly<Record<string, Kernel>> = Object.fromEntries(
  table.map((kernel) => [kernel.name, register(kernel as unknown as Kernel)]),
);
