// The public face of webgpu-rnn/keras: re-exports only.
export type { StoredTensor } from "./hdf5.ts";
export { importKeras } from "./import.ts";
export type { LayerState } from "./layer.ts";
export type { KerasImportOptions, KerasModel, KerasOutputs } from "./model.ts";
export { kerasStateDict } from "./state-dict.ts";
export { importTensorFlowJs, type TensorFlowJsShards } from "./tensorflow-js.ts";
export { type KerasWeights, type LayerWeights, readKerasWeights } from "./weights.ts";
