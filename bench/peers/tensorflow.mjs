// TensorFlow.js with its WebAssembly backend, which has no gradients of what an LSTM needs, and whose GRU resets before the product
// only: it is here for the forward call of an LSTM.
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { exportWeights } from "../../dist/node.js";

export async function open() {
  const files = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"));
  setWasmPaths(`${files}${sep}dist${sep}`);
  setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();

  return {
    about: `TensorFlow.js ${tf.version.tfjs}`,
    async prepare({ kind, cell, T, B, I, H }, { weights, given }) {
      if (kind !== "forward" || cell !== "lstm") return undefined;
      const initializers = { kernelInitializer: "zeros", recurrentInitializer: "zeros" };
      const layer = tf.layers.lstm({
        units: H,
        returnSequences: true,
        recurrentActivation: "sigmoid",
        ...initializers,
      });
      // A layer gets its weights when it is first used.
      tf.tidy(() => void layer.apply(tf.zeros([B, T, I])));
      const { kernel, recurrent_kernel, bias } = exportWeights("keras", "lstm", weights);
      layer.setWeights([kernel, recurrent_kernel, bias].map(({ shape, data }) => tf.tensor(data, shape)));
      const run = async () => {
        const output = tf.tidy(() => {
          const x = tf.transpose(tf.tensor(given.x.data, given.x.shape), [1, 0, 2]);
          return tf.transpose(layer.apply(x), [1, 0, 2]);
        });
        const data = await output.data();
        output.dispose();
        return data;
      };
      return { compared: run, unit: run, dispose: () => layer.dispose() };
    },
  };
}
