// The public face of webgpu-rnn/onnx: re-exports only.
export { type ExportOnnxOptions, exportOnnx } from "./export.ts";
export type { OnnxInput, OpenShape } from "./export-trace.ts";
export { type ImportOnnxOptions, importOnnx, type OnnxModel, type OnnxTensors } from "./import.ts";
export { inspectOnnx, type OnnxSummary, type OnnxValue } from "./inspect.ts";
