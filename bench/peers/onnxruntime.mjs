// ONNX Runtime, as WebAssembly (onnxruntime-web) or native (onnxruntime-node), and either with WebGPU. It does not train.
import { readFileSync } from "node:fs";
import { exportWeights } from "../../dist/io/weight-layouts.js";
import { offerAdapter, takeSharedMemory } from "./adapter.mjs";
import { recurrentModel } from "./onnx-model.mjs";

/** The packages; some have to be prepared before the first session is made. */
const packages = {
  async wasm(threads) {
    const ort = await import("onnxruntime-web");
    // WebAssembly SIMD is always on in these versions.
    ort.env.wasm.numThreads = Number(threads);
    return { ort, options: { executionProviders: ["wasm"] } };
  },
  native: async (threads) => ({
    ort: await import("onnxruntime-node"),
    options: { executionProviders: ["cpu"], intraOpNumThreads: Number(threads), interOpNumThreads: 1 },
  }),
  "node webgpu": async () => ({
    ort: await import("onnxruntime-node"),
    options: { executionProviders: ["webgpu"] },
    gpu: true,
  }),
  async "web webgpu"() {
    await offerAdapter();
    takeSharedMemory();
    const ort = await import("onnxruntime-web/webgpu");
    ort.env.wasm.numThreads = 1;
    return { ort, options: { executionProviders: ["webgpu"] }, gpu: true };
  },
};

/** @param where "wasm", "native", "node webgpu" or "web webgpu"; @param threads as text, of the first two */
export async function open(where, threads) {
  const { ort, options, gpu = false } = await packages[where](threads);
  const tensor = ({ shape, data }) => new ort.Tensor("float32", data, shape);

  async function sessionOf({ cell = "lstm", H }, dict, inputs, outputs, further = {}) {
    const weights = exportWeights("onnx", cell, dict);
    return ort.InferenceSession.create(recurrentModel({ cell, H, weights, inputs, outputs }), {
      ...options,
      ...further,
    });
  }

  /** A call of one step. On a GPU the states stay there; what is put out is read of every call, or of the last. */
  async function streamed(work, weights, { x }, readsAll) {
    const { I, H } = work;
    const state = [1, 1, H];
    const open = (outputs) => {
      const places = Object.keys(outputs).map((name) => [name, name === "Y" ? "cpu" : "gpu-buffer"]);
      const kept = gpu ? { preferredOutputLocation: Object.fromEntries(places) } : {};
      return sessionOf(work, weights, { X: [1, 1, I], h0: state, c0: state }, outputs, kept);
    };
    // Where outputs have places, all outputs of a session are asked for.
    const reads = await open({ Y: [1, 1, 1, H], Y_h: state, Y_c: state });
    const goesOn = readsAll ? undefined : await open({ Y_h: state, Y_c: state });
    const zeros = () => tensor({ shape: state, data: new Float32Array(H) });
    let [h0, c0] = [zeros(), zeros()];
    const step = async (data, session) => {
      const { Y, Y_h, Y_c } = await session.run({ X: tensor({ shape: [1, 1, I], data }), h0, c0 });
      if (h0.location === "gpu-buffer") for (const old of [h0, c0]) old.dispose();
      [h0, c0] = [Y_h, Y_c];
      return Y?.data;
    };
    const first = x.data.slice(0, I);
    return {
      async compared() {
        const read = [];
        for (let t = 0; t < x.shape[0]; t++) read.push(...(await step(x.data.slice(t * I, (t + 1) * I), reads)));
        return read;
      },
      async units(count) {
        for (let i = 1; i <= count; i++) await step(first, i < count && goesOn ? goesOn : reads);
      },
      async dispose() {
        await reads.release();
        await goesOn?.release();
      },
    };
  }

  const makers = {
    async forward(work, weights, { x }) {
      const { T, B, H } = work;
      const session = await sessionOf(work, weights, { X: x.shape }, { Y: [T, 1, B, H] });
      const unit = () => session.run({ X: tensor(x) });
      return { compared: async () => (await unit()).Y.data, unit, dispose: () => session.release() };
    },

    session: (work, weights, given) => streamed(work, weights, given, true),
    stream: (work, weights, given) => streamed(work, weights, given, false),

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
    about: `ONNX Runtime ${ort.env.versions.web ?? ort.env.versions.node} ${where}`,
    prepare: (work, { weights, given }) => makers[work.kind]?.(work, weights, given),
  };
}
