// TensorFlow.js with its WebAssembly backend, which has no gradients of what an LSTM needs and is here for the forward call of an
// LSTM, or with its WebGPU backend. Its GRU resets before the product only.
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import tf from "@tensorflow/tfjs";
import { exportWeights } from "../../dist/io/weight-layouts.js";
import { offerAdapter } from "./adapter.mjs";

/** Each has to be there before the backend is set. */
const backends = {
  async wasm() {
    const { setThreadsCount, setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    const files = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"));
    setWasmPaths(`${files}${sep}dist${sep}`);
    setThreadsCount(1);
  },
  async webgpu() {
    await offerAdapter();
    await import("@tensorflow/tfjs-backend-webgpu");
  },
};

/** What no weights have been set of begins with zeros: other initializers take seconds. */
const zeros = { kernelInitializer: "zeros", recurrentInitializer: "zeros" };
const lstm = (H, options) =>
  tf.layers.lstm({ units: H, returnSequences: true, recurrentActivation: "sigmoid", ...zeros, ...options });
const tensor = ({ shape, data }) => tf.tensor(data, shape, data instanceof Int32Array ? "int32" : "float32");

/** Gives layers that have been built these weights. */
function setLstm(layer, dict) {
  const { kernel, recurrent_kernel, bias } = exportWeights("keras", "lstm", dict);
  layer.setWeights([kernel, recurrent_kernel, bias].map(tensor));
}
const setDense = (layer, weight, bias) => layer.setWeights([tf.transpose(tensor(weight)), tensor(bias)]);
const below = (path, dict) =>
  Object.fromEntries(
    Object.entries(dict).flatMap(([name, value]) => (name.startsWith(path) ? [[name.slice(path.length), value]] : [])),
  );

/** From `[T,B,C]`, on the host: what is timed gets its own layout. */
function batchFirst({ shape: [T, B, C], data }) {
  const turned = new Float32Array(data.length);
  for (let t = 0; t < T; t++)
    for (let b = 0; b < B; b++) turned.set(data.subarray((t * B + b) * C, (t * B + b + 1) * C), (b * T + t) * C);
  return { shape: [B, T, C], data: turned };
}

function forward({ cell, T, B, I, H }, weights, { x }) {
  if (cell !== "lstm") return undefined;
  const layer = lstm(H);
  // A layer gets its weights when it is first used.
  tf.tidy(() => void layer.apply(tf.zeros([B, T, I])));
  setLstm(layer, weights);
  const run = async () => {
    const output = tf.tidy(() => tf.transpose(layer.apply(tf.transpose(tensor(x), [1, 0, 2])), [1, 0, 2]));
    const data = await output.data();
    output.dispose();
    return data;
  };
  return { compared: run, unit: run, dispose: () => layer.dispose() };
}

/** Its layers have one bias: of the others the second one is not trained. */
function training({ T, I, H }, weights, given) {
  const rnn = lstm(H, { inputShape: [T, I] });
  const head = tf.layers.dense({ units: I, kernelInitializer: "zeros" });
  const model = tf.sequential({ layers: [rnn, head] });
  setLstm(rnn, below("rnn.", weights));
  setDense(head, weights["head.weight"], weights["head.bias"]);
  const optimizer = tf.train.adam(0.001, 0.9, 0.999, 1e-8);
  const [x, target] = [batchFirst(given.x), batchFirst(given.target)];
  const start = () => {
    const loss = tf.tidy(() =>
      optimizer.minimize(() => {
        return tf.losses.meanSquaredError(tensor(target), model.apply(tensor(x)));
      }, true),
    );
    return loss.data().finally(() => loss.dispose());
  };
  return {
    async compared(steps) {
      const losses = [];
      for (let i = 0; i < steps; i++) losses.push(...(await start()));
      return losses;
    },
    /** Steps start before the last ones' losses are read, as in this library. */
    async units(count) {
      const started = [];
      for (let i = 0; i < count; i++) {
        started.push(start());
        if (started.length > 3) await started.shift();
      }
      await Promise.all(started);
    },
    dispose() {
      optimizer.dispose();
      model.dispose();
    },
  };
}

function generation({ E, H, V, length }, weights) {
  const rnn = lstm(H, { stateful: true, returnSequences: false, batchInputShape: [1, 1, E] });
  const head = tf.layers.dense({ units: V, kernelInitializer: "zeros" });
  const model = tf.sequential({ layers: [rnn, head] });
  setLstm(rnn, below("rnn.", weights));
  setDense(head, weights["head.weight"], weights["head.bias"]);
  const embedding = tensor(weights["embedding.weight"]);

  /** Tokens stay on the device until the text is whole. */
  async function draw(count, choose) {
    rnn.resetStates();
    const tokens = [tf.tensor([1], [1], "int32")];
    for (let i = 0; i < count; i++)
      tokens.push(tf.tidy(() => choose(model.apply(tf.reshape(tf.gather(embedding, tokens.at(-1)), [1, 1, E])))));
    const text = tf.concat(tokens.slice(1));
    const data = await text.data();
    tf.dispose([text, ...tokens]);
    return data;
  }
  return {
    compared: () => draw(50, (logits) => tf.argMax(logits, -1)),
    unit: () => draw(length, (logits) => tf.reshape(tf.multinomial(tf.div(logits, 0.8), 1), [1])),
    dispose() {
      embedding.dispose();
      model.dispose();
    },
  };
}

/** @param backend "wasm" or "webgpu" */
export async function open(backend) {
  await backends[backend]();
  await tf.setBackend(backend);
  await tf.ready();
  const makers = backend === "wasm" ? { forward } : { forward, training, generation };
  return {
    about: `TensorFlow.js ${tf.version.tfjs} ${tf.getBackend()}`,
    prepare: (work, { weights, given }) => makers[work.kind]?.(work, weights, given),
  };
}
