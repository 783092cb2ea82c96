// This library, as it is built in dist/.
import { readFileSync } from "node:fs";
import { product } from "../../dist/kernels/matmul.js";
import { adam, CharModel, crossEntropy, GRU, Linear, LSTM, Module, mse, Runtime } from "../../dist/node.js";
import { importOnnx } from "../../dist/onnx/index.js";
import { WasmBackend } from "../../dist/wasm/wasm-backend.js";

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
      trained(new Predictor(work), weights, batch, { loss: ({ y }, target) => mse().apply(y, target) }),

    "character training": ({ E, H, V }, weights, batch) => {
      const model = new CharModel({ vocabSize: V, embeddingDim: E, hiddenSize: H });
      return trained(model, weights, batch, { loss: ({ logits }, target) => crossEntropy().apply(logits, target) });
    },

    async session({ I, H }, weights, { x }) {
      const model = new LSTM({ inputSize: I, hiddenSize: H });
      runtime.loadStateDict(model, weights);
      return called(model, { name: "x", shape: [1, 1, I] }, x, "output");
    },

    "onnx model": ({ file, state, constants, output, x: input }, _, { x }) => {
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
    prepare: (work, { weights, given }) => makers[work.kind]?.(work, weights, given),
  };
}

/** Without what goes in and comes out: the dispatch alone. */
async function productAlone(threads, { N }, _, { a, b }) {
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
