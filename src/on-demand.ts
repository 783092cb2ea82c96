// What a program loads when it first asks for it. One module, because every other one that is loaded on demand would cut what they
// share into more files. `loadOnDemand` loads it.

export { BesideWasm } from "./beside-wasm.ts";
export { accumulateGradients, averageGradients, averageParameters } from "./graph/average-gradients.ts";
export { functionCommands } from "./graph/function-commands.ts";
export { BeamSearcher } from "./infer/beam-search.ts";
export { Generator } from "./infer/generate.ts";
export { Predictor } from "./infer/predictor.ts";
export { Program } from "./infer/program.ts";
export { composeOwnCell } from "./kernels/cell-fragment.ts";
export { refuseKernel } from "./kernels/compile-error.ts";
export { crossEntropy } from "./nn/cross-entropy.ts";
export { storedAs } from "./nn/stored-weights.ts";
export { checkThreads, openHost } from "./open-host.ts";
export { AveragedWeights } from "./train/averaged-weights.ts";
export { checkEvaluation, Evaluator } from "./train/evaluate.ts";
export { FurtherSteps } from "./train/further-steps.ts";
export { openTable } from "./tuning/open-table.ts";
export { tune } from "./tuning/tune.ts";
