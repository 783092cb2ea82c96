// This library, as it is built in dist/.
import { readFileSync } from "node:fs";
import {
  adam,
  CharModel,
  crossEntropy,
  GRU,
  Linear,
  LSTM,
  Module,
  mse,
  Parameter,
  Runtime,
  sgd,
} from "../../dist/node.js";

class Predictor extends Module {
  constructor({ I, H }) {
    super();
    this.rnn = new LSTM({ inputSize: I, hiddenSize: H });
    this.head = new Linear({ inFeatures: H, outFeatures: I });
  }

  forward(x) {
    return { y: this.head.forward(this.rnn.forward(x).output) };
  }
}

/** A recurrent network with what it is trained on, so that nothing of it goes to the device at each call. */
class Resident extends Module {
  constructor({ T, B, H, layers, heads }) {
    super();
    const held = () => new Parameter([T, B, H], () => new Float32Array(T * B * H));
    [this.x, this.target] = [held(), held()];
    this.rnn = new LSTM({ inputSize: H, hiddenSize: H, numLayers: layers, numHeads: heads });
  }

  forward() {
    return { output: this.rnn.forward(this.x.tensor).output };
  }
}

async function drain(all) {
  for await (const _ of all);
}

/** @param backend "wasm" or "gpu" */
export async function open(backend, threads = "1") {
  const runtime = await Runtime.open({ backend, ...(backend === "wasm" && { threads: Number(threads) }) });

  const makers = {
    async forward({ cell, T, B, I, H }, weights, { x }) {
      const model =
        cell === "lstm" ? new LSTM({ inputSize: I, hiddenSize: H }) : new GRU({ inputSize: I, hiddenSize: H });
      runtime.loadStateDict(model, weights);
      const program = await runtime.compile(model, {
        inputs: { x: { shape: [T, B, I] } },
        forward: ({ x: given }) => ({ output: model.forward(given).output }),
      });
      return {
        compared: async () => (await program.run({ x })).output.data,
        unit: () => program.run({ x }),
        dispose: () => runtime.release(model),
      };
    },

    training: (work, weights, batch) =>
      trained(new Predictor(work), weights, batch, {
        loss: ({ y }, target) => mse().apply(y, target),
        ...(work.frozen && { groups: [{ match: work.frozen, freeze: true }] }),
      }),

    "character training": ({ E, H, V }, weights, batch) => {
      const model = new CharModel({ vocabSize: V, embeddingDim: E, hiddenSize: H });
      return trained(model, weights, batch, { loss: ({ logits }, target) => crossEntropy().apply(logits, target) });
    },

    async session({ I, H }, weights, { x }) {
      const model = new LSTM({ inputSize: I, hiddenSize: H });
      runtime.loadStateDict(model, weights);
      return called(model, { name: "x", shape: [1, 1, I] }, x, "output");
    },

    async stream(work, weights, given) {
      const { compared, push, unit, dispose } = await makers.session(work, weights, given);
      const units = (count) => {
        for (let i = 1; i < count; i++) push();
        return unit();
      };
      return { compared, units, dispose };
    },

    async "layer forward"(work, weights, given) {
      const model = new Resident(work);
      runtime.loadStateDict(model, { ...weights, ...given });
      const last = await runtime.compile(model, {
        inputs: {},
        forward: () => ({ output: model.forward().output.slice(work.T - 1, 1, 0) }),
      });
      return {
        compared: async () => (await last.run({})).output.data,
        async units(count) {
          const started = [];
          for (let i = 0; i < count; i++) {
            started.push(last.run({}));
            if (started.length > 3) await started.shift();
          }
          await Promise.all(started);
        },
        dispose: () => runtime.release(model),
      };
    },

    "layer training": (work, weights, { x, target }) => {
      const model = new Resident(work);
      const none = { shape: [1], data: new Float32Array(1) };
      return trained(
        model,
        { ...weights, x, target },
        { x: none, target: none },
        {
          optimizer: sgd({ lr: work.lr }),
          loss: ({ output }) => mse().apply(output, model.target.tensor),
          groups: [/^x$/, /^target$/].map((match) => ({ match, freeze: true })),
        },
      );
    },

    "onnx model": async ({ file, state, constants, output, x: input }, _, { x }) => {
      const { importOnnx } = await import("../../dist/onnx/index.js");
      const model = importOnnx(readFileSync(file), { states: { [state.output]: state.input }, constants });
      return called(model, input, x, output);
    },

    async generation({ E, H, V, length }, weights) {
      const model = new CharModel({ vocabSize: V, embeddingDim: E, hiddenSize: H });
      runtime.loadStateDict(model, weights);
      return {
        async compared() {
          const all = [];
          for await (const { tokens } of runtime.generate(model, { prompt: [1], length: 50, temperature: 0 }))
            all.push(...tokens);
          return all;
        },
        unit: () => drain(runtime.generate(model, { prompt: [1], length, temperature: 0.8 })),
        dispose: () => runtime.release(model),
      };
    },

    product: backend === "wasm" ? (...given) => productAlone(Number(threads), ...given) : undefined,
  };

  /** A session's calls, each on the next of the inputs in x. */
  async function called(model, { name, shape }, x, output) {
    const session = await runtime.session(model, { inputs: { [name]: shape } });
    const size = x.data.length / x.shape[0];
    const steps = Array.from({ length: x.shape[0] }, (_, t) => ({
      [name]: { shape, data: x.data.slice(t * size, (t + 1) * size) },
    }));
    return {
      async compared() {
        const outputs = [];
        for (const step of steps) outputs.push(...(await session.run(step))[output].data);
        return outputs;
      },
      push: () => session.push(steps[0]),
      unit: () => session.run(steps[0]),
      dispose: () => runtime.release(model),
    };
  }

  async function trained(model, weights, batch, options) {
    runtime.loadStateDict(model, weights);
    const trainer = runtime.trainer(model, { optimizer: adam(), carryState: false, ...options });
    function* batches(count) {
      for (let i = 0; i < count; i++) yield batch;
    }
    return {
      async compared(steps) {
        const losses = [];
        for await (const { loss } of trainer.fit(batches(steps))) losses.push(loss);
        return losses;
      },
      units: (count) => drain(trainer.fit(batches(count), { ahead: 3 })),
      dispose: () => runtime.release(model),
    };
  }

  return {
    about: runtime.info().reason,
    adapter: runtime.info().adapter,
    prepare: (work, { weights, given }) => makers[work.kind]?.(work, weights, given),
  };
}

/** Without what goes in and comes out: the dispatch alone. */
async function productAlone(threads, { N }, _, { a, b }) {
  const { product } = await import("../../dist/kernels/matmul.js");
  const { WasmBackend } = await import("../../dist/wasm/wasm-backend.js");
  const backend = await WasmBackend.open(undefined, threads);
  const length = N * N;
  const buffers = ["a", "b", "c"].map((name) => ({ name, role: "state", dtype: "f32", length }));
  const view = (buffer) => ({ buffer, offset: 0, length });
  const matrix = (buffer) => ({ view: view(buffer), row: N, column: 1 });
  const commands = product(
    { target: backend.target, scratch: () => view(2) },
    { label: "product", size: { M: N, N, K: N }, a: matrix(0), b: matrix(1), c: { view: view(2), row: N } },
  );
  const plan = await backend.load({ name: "product", buffers, commands });
  plan.write("a", a.data);
  plan.write("b", b.data);
  return {
    compared: async () => (await plan.runAndRead(["c"]))[0],
    unit: () => plan.run(),
    dispose: () => backend.dispose(),
  };
}
