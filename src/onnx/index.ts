// The public face of webgpu-rnn/onnx: re-exports only.
export { inspectOnnx, type OnnxSummary, type OnnxValue } from "./inspect.ts";
