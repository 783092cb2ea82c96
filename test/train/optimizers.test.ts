/** Training with every option of every optimizer, clipping and schedules, against what PyTorch did with the same numbers. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamW,
  asgd,
  type Batch,
  CharModel,
  cosine,
  crossEntropy,
  nadam,
  type Runtime,
  radam,
  rmsprop,
  rprop,
  type StateDict,
  sgd,
  stepDecay,
  type Trainer,
  type TrainerOptions,
} from "../../src/index.ts";
import { runtimesForTests } from "../support/backends.ts";

/** Beside the optimizer's options: what the training was told. */
interface More {
  readonly clipNorm?: number;
  readonly clipValue?: number;
  readonly stepSize?: number;
  readonly gamma?: number;
  readonly cosine?: number;
  readonly minFactor?: number;
  readonly ignoreIndex?: number;
  readonly resetRow?: number;
  readonly carryState?: boolean;
}

const optimizers = { sgd, adam, adamW, rmsprop, adagrad, adamax, nadam, radam, adadelta, asgd, rprop } as const;

interface Recorded {
  readonly optimizer: keyof typeof optimizers;
  readonly options: object;
  readonly more: More;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

interface Common {
  readonly sizes: Readonly<Record<"V" | "E" | "H" | "T" | "B" | "steps", number>>;
  readonly tokens: readonly number[];
  readonly initial: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
}

const [first, ...rest] = readFileSync(new URL("../recorded/optimizers.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");
const { sizes, tokens, initial } = JSON.parse(first!) as Common;
const runs = rest.map((line) => JSON.parse(line) as Recorded);
const { V, E, H, T, B, steps } = sizes;

const weights: StateDict = Object.fromEntries(
  Object.entries(initial).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
);

function optionsOf({ optimizer, options, more }: Recorded): TrainerOptions {
  const { clipNorm, clipValue, stepSize, gamma, minFactor, ignoreIndex, carryState } = more;
  return {
    optimizer: optimizers[optimizer](options),
    ...(clipNorm !== undefined && { clipNorm }),
    ...(clipValue !== undefined && { clipValue }),
    ...(stepSize !== undefined && { schedule: stepDecay({ stepSize, gamma: gamma! }) }),
    ...(more.cosine !== undefined && { schedule: cosine({ steps: more.cosine, minFactor: minFactor! }) }),
    ...(ignoreIndex !== undefined && { loss: crossEntropy({ ignoreIndex }) }),
    ...(carryState !== undefined && { carryState }),
  };
}

const batchOf = (step: number, { resetRow }: More): Batch => {
  const window = (from: number) => ({
    shape: [T, B],
    data: Int32Array.from(tokens.slice((step * T + from) * B, ((step + 1) * T + from) * B)),
  });
  return { x: window(0), target: window(1), resetState: resetRow !== undefined && step === 3 && [resetRow] };
};
const batchesOf = (more: More): Batch[] => Array.from({ length: steps }, (_, step) => batchOf(step, more));

const { onEach, runtimes } = await runtimesForTests();

const model = new CharModel({ vocabSize: V, cell: "rnn_tanh", embeddingDim: E, hiddenSize: H });

function start(runtime: Runtime, run: Recorded): Trainer {
  runtime.loadStateDict(model, weights);
  return runtime.trainer(model, optionsOf(run));
}

/** The largest difference, and where it is. */
function worst(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got.length).toBe(expected.length);
  return Math.max(...Array.from(expected, (x, i) => Math.abs(x - got[i]!)));
}

const titled = runs.map((run) => [run.optimizer, JSON.stringify({ ...run.options, ...run.more }), run] as const);

// The optimizers' hyperparameters are float32 on the GPU; its weights moved by 0.03 to 0.3 in all.
onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-9 : 2e-5;

  test.each(titled)("%s %s does what PyTorch does", async (_, __, run) => {
    const runtime = runtimes[kind];
    const trainer = start(runtime, run);
    const losses: number[] = [];
    const norms: number[] = [];
    for await (const { loss, gradNorm } of trainer.fit(batchesOf(run.more))) {
      losses.push(loss);
      norms.push(gradNorm);
    }
    expect(worst(losses, run.losses)).toBeLessThan(tolerance);
    expect(worst(norms, run.norms)).toBeLessThan(tolerance);
    const trained = await runtime.stateDict(model);
    expect(Object.keys(trained).sort()).toEqual(Object.keys(run.weights).sort());
    for (const [name, values] of Object.entries(run.weights))
      expect(worst(trained[name]!.data, values), name).toBeLessThan(tolerance);
    trainer.dispose();
  });

  test.each(titled)("%s %s goes on from a state dict as if it had not stopped", async (_, __, run) => {
    const runtime = runtimes[kind];
    const batches = batchesOf(run.more);
    const early = start(runtime, run);
    for await (const __ of early.fit(batches.slice(0, 3)));
    const saved = await early.stateDict();
    early.dispose();
    runtime.initialize(model, { seed: 9 });
    const late = runtime.trainer(model, optionsOf(run));
    late.loadStateDict(saved, 3);
    const losses: number[] = [];
    for await (const { step, loss } of late.fit(batches.slice(3))) {
      losses.push(loss);
      expect(step).toBe(3 + losses.length);
    }
    expect(worst(losses, run.losses.slice(3))).toBeLessThan(tolerance);
    late.dispose();
  });
});
