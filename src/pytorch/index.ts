// The public face of webgpu-rnn/pytorch: re-exports only.
export { type PyTorchFile, type PyTorchValue, readPyTorch } from "./read.ts";
export type { PyTorchTensor } from "./tensors.ts";
