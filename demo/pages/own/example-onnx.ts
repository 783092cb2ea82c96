/** An ONNX file to look into. */
import type { Module, StateDict } from "webgpu-rnn";
import { exportOnnx } from "webgpu-rnn/onnx";

/** A model of tokens as a graph, for any number of steps and sequences. */
export const writeOnnx = (model: Module, weights: StateDict): Uint8Array<ArrayBuffer> =>
  exportOnnx(model, { weights, inputs: { x: { shape: ["T", "B"], dtype: "i32" } }, dynamic: ["T", "B"] });
