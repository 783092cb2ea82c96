// The public face of webgpu-rnn/pytorch: re-exports only.
export { type ExportPyTorchOptions, exportPyTorch, type PyTorchProject } from "./export-project.ts";
export { type PyTorchFile, type PyTorchValue, readPyTorch } from "./read.ts";
export type { PyTorchTensor } from "./tensors.ts";
