/** Models to export, without a runtime. */
import { Embedding, Linear, LSTM, Module, type StateDict, type Tensor } from "../../src/index.ts";
import { namedParts } from "../../src/nn/module.ts";
import { type ExportOnnxOptions, exportOnnx } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/tensor-data.ts";

/** Weights that need no runtime: element i of all is i. */
export function weightsOf(model: Module): StateDict {
  let i = 0;
  return Object.fromEntries(
    namedParts(model).map(({ name, shape }) => [
      name,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => i++) },
    ]),
  );
}
export const write = (model: Module, options: Omit<ExportOnnxOptions, "weights">) =>
  exportOnnx(model, { weights: weightsOf(model), ...options });

export class Model extends Module {
  embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 3 });
  rnn = new LSTM({ inputSize: 3, hiddenSize: 4 });
  head = new Linear({ inFeatures: 4, outFeatures: 5 });
  forward(x: Tensor, state?: never) {
    const { output, state: next } = this.rnn.forward(this.embedding.forward(x), state);
    return { logits: this.head.forward(output), state: next };
  }
}
export const tokens = { inputs: { x: { shape: ["T", "B"], dtype: "i32" as const } }, dynamic: ["T", "B"] };
