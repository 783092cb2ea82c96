// ONNX Runtime, as WebAssembly (onnxruntime-web) or native (onnxruntime-node). It does not train.
import { readFileSync } from "node:fs";
import { exportWeights } from "../../dist/node.js";
import { recurrentModel } from "./onnx-model.mjs";

/** @param where "wasm" or "native"; @param threads as text */
export async function open(where, threads) {
  const ort = await import(where === "wasm" ? "onnxruntime-web" : "onnxruntime-node");
  // Read when the first session is made. WebAssembly SIMD is always on in these versions.
  if (where === "wasm") ort.env.wasm.numThreads = Number(threads);
  const options =
    where === "wasm"
      ? { executionProviders: ["wasm"] }
      : { executionProviders: ["cpu"], intraOpNumThreads: Number(threads), interOpNumThreads: 1 };
  const tensor = ({ shape, data }) => new ort.Tensor("float32", data, shape);

  async function sessionOf({ cell = "lstm", H }, dict, inputs, outputs) {
    const weights = exportWeights("onnx", cell, dict);
    return ort.InferenceSession.create(recurrentModel({ cell, H, weights, inputs, outputs }), options);
  }

  const makers = {
    async forward(work, weights, { x }) {
      const { T, B, H } = work;
      const session = await sessionOf(work, weights, { X: x.shape }, { Y: [T, 1, B, H] });
      const unit = () => session.run({ X: tensor(x) });
      return { compared: async () => (await unit()).Y.data, unit, dispose: () => session.release() };
    },

    async session(work, weights, { x }) {
      const { I, H } = work;
      const state = [1, 1, H];
      const inputs = { X: [1, 1, I], h0: state, c0: state };
      const session = await sessionOf(work, weights, inputs, { Y_h: state, Y_c: state });
      const zeros = () => tensor({ shape: state, data: new Float32Array(H) });
      let [h0, c0] = [zeros(), zeros()];
      const step = async (data) => {
        const { Y_h, Y_c } = await session.run({ X: tensor({ shape: [1, 1, I], data }), h0, c0 });
        [h0, c0] = [Y_h, Y_c];
        return Y_h.data;
      };
      const first = x.data.slice(0, I);
      return {
        async compared() {
          const outputs = [];
          for (let t = 0; t < x.shape[0]; t++) outputs.push(...(await step(x.data.slice(t * I, (t + 1) * I))));
          return outputs;
        },
        unit: () => step(first),
        dispose: () => session.release(),
      };
    },

    async "onnx model"({ file, state, constants, output, x: input }, _, { x }) {
      const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(file)), options);
      const size = x.data.length / x.shape[0];
      const zeros = () => tensor({ shape: state.shape, data: new Float32Array(state.shape.reduce((a, b) => a * b)) });
      const fixed = Object.entries(constants).map(([name, value]) => [
        name,
        new ort.Tensor("int64", BigInt64Array.of(BigInt(value)), []),
      ]);
      let carried = zeros();
      const step = async (data) => {
        const feeds = { [input.name]: tensor({ shape: input.shape, data }), [state.input]: carried };
        const outputs = await session.run({ ...feeds, ...Object.fromEntries(fixed) });
        carried = outputs[state.output];
        return outputs[output].data;
      };
      const first = x.data.slice(0, size);
      return {
        async compared() {
          const outputs = [];
          for (let t = 0; t < x.shape[0]; t++) outputs.push(...(await step(x.data.slice(t * size, (t + 1) * size))));
          return outputs;
        },
        unit: () => step(first),
        dispose: () => session.release(),
      };
    },
  };

  return {
    about: `ONNX Runtime ${ort.env.versions[where === "wasm" ? "web" : "node"]}`,
    prepare: (work, { weights, given }) => makers[work.kind]?.(work, weights, given),
  };
}
