export { gather, gatherBackward, topK } from "./axis";
export { beamCandidates } from "./beam";
export { copyStrided, zero } from "./copy";
export { ctc, ctcGradient, ctcWorkspace } from "./ctc";
export { dropout } from "./dropout";
export { layerNorm, layerNormBackward } from "./layer-norm";
export { crossEntropy, logSumExp } from "./losses";
export { adadelta, adagrad, adamax, asgd, ftrl, lion, nadam, radam, rprop } from "./more-optimizers";
export { adam, rmsprop, sgd } from "./optimizer";
export { pointwiseLoss } from "./pointwise-loss";
export { product, productWorkspace, rowSums } from "./product";
export { holdRows, maskRows, rowGather } from "./rows";
export { sample } from "./sample";
export { scanBackward, scanForward } from "./scan";
export { scanGates, scanGatesBackward } from "./scan-gates";
export {
  additiveScores,
  additiveScoresBackward,
  blend,
  cumulativeSum,
  pool,
  poolBackward,
} from "./sequences";
export { maskedSoftmax, maskedSoftmaxBackward } from "./softmax";
export { addRows, clearRows, copyRows, dropRows, dropVanished, splitKept, zoneout } from "./states";
export { addToSums, spread, takeSums } from "./strides";
export { columnSums, normPartial } from "./sums";
export { columnGather, columnScatter, embeddingGather, embeddingScatter, groupTokens } from "./tokens";
export { windows, windowsBackward } from "./windows";

/** The first byte that the module does not use itself. */
export function heapBase(): usize {
  return __heap_base;
}
