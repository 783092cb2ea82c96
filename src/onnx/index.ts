// The public face of webgpu-rnn/onnx: re-exports only.
export { type ImportOnnxOptions, importOnnx, type OnnxModel, type OnnxTensors } from "./import.ts";
export { inspectOnnx, type OnnxSummary, type OnnxValue } from "./inspect.ts";
