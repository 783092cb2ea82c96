/** Models that the page makes, so that there is a file to look into: what is saved of them goes to the same readers. */
import {
  adam,
  Embedding,
  Linear,
  LSTM,
  Module,
  RandomStream,
  type Runtime,
  type StateDict,
  type Tensor,
  writeSafetensors,
} from "webgpu-rnn";
import type { Report } from "../../shell/messages.ts";

export const exampleKinds = ["weights", "onnx", "task"] as const;
export type ExampleKind = (typeof exampleKinds)[number];

export interface Made {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type Making = AsyncGenerator<Report<never>, Made>;

const SYMBOLS = 10;
const STEPS = 120;

/** Counts on: 2 4 6 8 0 2 … */
class Counter extends Module {
  embedding = new Embedding({ numEmbeddings: SYMBOLS, embeddingDim: 16 });
  rnn = new LSTM({ inputSize: 16, hiddenSize: 32 });
  head = new Linear({ inFeatures: 32, outFeatures: SYMBOLS });
  forward(digits: Tensor) {
    return { logits: this.head.forward(this.rnn.forward(this.embedding.forward(digits)).output) };
  }
}

type Save = (model: Counter, weights: StateDict) => Made | Promise<Made>;

/** Learns to count on by a stride that it has to find out. @param save writes what was learned */
async function* counter(runtime: Runtime, seed: number, save: Save): Making {
  const model = new Counter();
  runtime.initialize(model, { seed });
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
  const random = new RandomStream(seed, "counting");
  const [T, B] = [12, 16];
  try {
    for (let step = 1; step <= STEPS; step++) {
      const rows = Array.from({ length: B }, () => [random.next(), random.next()].map((x) => Math.floor(x * SYMBOLS)));
      const digits = (from: number) => ({
        shape: [T, B],
        data: Int32Array.from({ length: T * B }, (_, i) => {
          const [first, stride] = rows[i % B]!;
          return (first! + (Math.floor(i / B) + from) * stride!) % SYMBOLS;
        }),
      });
      const { loss } = await trainer.step({ x: digits(0), target: digits(1) });
      yield { step, steps: STEPS, values: { loss } };
    }
    return await save(model, await runtime.stateDict(model));
  } finally {
    runtime.release(model);
  }
}

const weights = (runtime: Runtime, seed: number) =>
  counter(runtime, seed, (_, learned) => ({ name: "counter.safetensors", bytes: writeSafetensors(learned) }));

const onnx = (runtime: Runtime, seed: number) =>
  counter(runtime, seed, async (model, learned) => {
    const { writeOnnx } = await import("./example-onnx.ts");
    return { name: "counter.onnx", bytes: writeOnnx(model, learned) };
  });

/** A trained task, whose code is loaded when it is chosen. */
async function* task(runtime: Runtime, seed: number): Making {
  const { makeTask } = await import("./example-task.ts");
  return yield* makeTask(runtime, seed);
}

export const examples: Readonly<Record<ExampleKind, (runtime: Runtime, seed: number) => Making>> = {
  weights,
  onnx,
  task,
};
