/** Noise in training: drawn anew each step from the trainer's seed and the step, off everywhere else. */
import { expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import {
  type AnyBatch,
  Dropout,
  Embedding,
  GRU,
  type GRUState,
  Linear,
  Module,
  mse,
  sgd,
  type Tensor,
  Trainer,
  type TrainerOptions,
} from "../../src/index.ts";
import { Weights } from "../../src/nn/weights.ts";
import { Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";

const { onEach, runtimes } = await runtimesForTests();

const [T, B] = [4, 3];
const f32 = (shape: number[], data: Float32Array) => ({ shape, data });

/** A layer with noise between two others, and a state that is carried. */
class Noisy extends Module {
  readonly rnn = new GRU({ inputSize: 3, hiddenSize: 20 });
  readonly dropout: Dropout;
  readonly head = new Linear({ inFeatures: 20, outFeatures: 2 });
  constructor(p = 0.5) {
    super();
    this.dropout = new Dropout({ p });
  }
  forward(x: Tensor, state?: GRUState) {
    const { output, state: next } = this.rnn.forward(x, state);
    return { y: this.head.forward(this.dropout.forward(output)), state: next };
  }
}
const noisyLoss = ({ y }: { y: Tensor }, target: Tensor) => mse().apply(y, target);
const noisyBatches = (count: number): AnyBatch[] =>
  Array.from({ length: count }, (_, i) => {
    const numbers = new Numbers("noisy", i);
    return { x: f32([T, B, 3], numbers.floats(T * B * 3)), target: f32([T, B, 2], numbers.floats(T * B * 2)) };
  });

async function lossesOf(trainer: Trainer, batches: Iterable<AnyBatch>): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(batches)) losses.push(loss);
  return losses;
}

onEach(({ kind }) => {
  const runtime = runtimes[kind];

  const start = (model: Noisy, options: Partial<TrainerOptions> = {}) => {
    runtime.initialize(model, { seed: 4 });
    return runtime.trainer(model, { optimizer: sgd({ lr: 0.1 }), loss: noisyLoss, ...options });
  };
  const run = async (options: Partial<TrainerOptions>, batches = noisyBatches(6), p?: number) => {
    const trainer = start(new Noisy(p), options);
    const losses = await lossesOf(trainer, batches);
    trainer.dispose();
    return losses;
  };
  const still = { optimizer: sgd({ lr: 0 }), carryState: false };
  const one = noisyBatches(1)[0]!;

  test("is drawn anew each step, from the seed and the step", async () => {
    const same = new Array(5).fill(one);
    const losses = await run(still, same);
    expect(new Set(losses).size).toBe(5);
    expect(await run({ ...still, seed: 0 }, same)).toEqual(losses);
    const others = await run({ ...still, seed: 1 }, same);
    expect(others.filter((loss) => losses.includes(loss))).toEqual([]);
    // Whether a state is carried does not change it.
    expect((await run({ optimizer: still.optimizer }, same))[0]).toBeCloseTo(losses[0]!, 6);
    expect(new Set(await run(still, same, 0)).size).toBe(1);
  });

  test("goes on from a state dict as if training had not stopped", async () => {
    const batches = noisyBatches(6);
    const whole = await run({ seed: 7 }, batches);
    const early = start(new Noisy(), { seed: 7 });
    await lossesOf(early, batches.slice(0, 3));
    const saved = await early.stateDict();
    early.dispose();
    const late = start(new Noisy(), { seed: 7 });
    late.loadStateDict(saved, 3);
    expect(await lossesOf(late, batches.slice(3))).toEqual(whole.slice(3));
    late.dispose();
  });

  test("is off when a model is measured", async () => {
    const model = new Noisy();
    start(model).dispose();
    const measured = await runtime.evaluate(model, [one], { loss: noisyLoss });
    const [plain] = await run(still, [one], 0);
    expect(measured.loss).toBeCloseTo(plain!, 6);
  });
});

test("a plan has a seed only where there is noise", async () => {
  const inputsWith = async (p: number | undefined) => {
    class Model extends Module {
      readonly embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 5 });
      readonly dropout = p === undefined ? undefined : new Dropout({ p });
      forward(tokens: Tensor) {
        const logits = this.embedding.forward(tokens);
        return { logits: this.dropout?.forward(logits) ?? logits };
      }
    }
    const backend = new CpuBackend();
    const trainer = new Trainer(backend, new Weights(backend, new Model(), 0), { optimizer: sgd() });
    const { buffers } = await trainer.plan({ T, B });
    return buffers.filter(({ role }) => role === "input").map(({ name }) => name);
  };
  expect((await inputsWith(undefined)).sort()).toEqual(["hyper", "target", "x"]);
  expect((await inputsWith(0.5)).sort()).toEqual(["hyper", "seed", "target", "x"]);
});
