/** One tensor over twelve steps, with every optimizer: against PyTorch and Keras, and stopped and resumed in between. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Batch,
  ftrl,
  Linear,
  Module,
  makeOptimizer,
  type Optimizer,
  type OptimizerSpec,
  optimizerNames,
  type Runtime,
  type Schedule,
  type Tensor,
} from "../../src/index.ts";
import { runtimesForTests } from "../support/backends.ts";

interface Common {
  readonly initial: readonly number[];
  /** By step; some are 0, always or for some steps. */
  readonly gradients: readonly (readonly number[])[];
  /** Of the learning rate, by step. */
  readonly factors: readonly number[];
}

interface Recorded {
  readonly source: "PyTorch" | "Keras";
  readonly optimizer: OptimizerSpec["name"];
  readonly options: object;
  /** After each step. */
  readonly weights: readonly (readonly number[])[];
}

const [first, ...rest] = readFileSync(new URL("../recorded/optimizer-steps.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");
const { initial, gradients, factors } = JSON.parse(first!) as Common;
const runs = rest.map((line) => JSON.parse(line) as Recorded);
const N = initial.length;

/** Its output is the sum of weights times inputs, so that the inputs are the gradient. */
class Weights extends Module {
  readonly dense = new Linear({ inFeatures: N, outFeatures: 1, bias: false });
  forward(x: Tensor) {
    return { y: this.dense.forward(x) };
  }
}
const model = new Weights();
const name = "dense.weight";

const { onEach, runtimes } = await runtimesForTests();

const batches: readonly Batch[] = gradients.map((gradient) => ({
  x: { shape: [1, N], data: Float64Array.from(gradient) },
  target: { shape: [1], data: new Float32Array(1) },
}));
const recordedFactors: Schedule = { lrAt: (step) => factors[step]! };

const trainerOf = (runtime: Runtime, optimizer: Optimizer, schedule = recordedFactors) =>
  runtime.trainer(model, { optimizer, schedule, loss: ({ y }: { y: Tensor }) => y });

function start(runtime: Runtime, optimizer: Optimizer, schedule?: Schedule) {
  runtime.loadStateDict(model, { [name]: { shape: [1, N], data: Float64Array.from(initial) } });
  return trainerOf(runtime, optimizer, schedule);
}

const weightsOf = async (runtime: Runtime) => (await runtime.stateDict(model))[name]!.data;

const specs: readonly OptimizerSpec[] = [
  ...optimizerNames.map((optimizer) => ({ name: optimizer })),
  { name: "sgd", momentum: 0.9, dampening: 0.1 },
  { name: "adam", amsgrad: true },
  { name: "rmsprop", centered: true, momentum: 0.5 },
  { name: "asgd", t0: 2, lambd: 0.1 },
];

// Weights are about 1 and move by up to 2; the optimizers' numbers are float32 on the GPU.
onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-9 : 2e-6;

  test.each(runs.map((run) => [run.optimizer, JSON.stringify(run.options), run.source, run] as const))(
    "%s %s does what %s does",
    async (optimizer, _, __, { options, weights }) => {
      const runtime = runtimes[kind];
      const trainer = start(runtime, makeOptimizer({ name: optimizer, ...options } as OptimizerSpec));
      expect(weights.length).toBe(batches.length);
      for (const [step, expected] of weights.entries()) {
        for await (const _ of trainer.fit([batches[step]!]));
        const data = await weightsOf(runtime);
        expected.forEach((want, i) => {
          expect(Math.abs(data[i]! - want), `weight ${i} after step ${step + 1}`).toBeLessThan(tolerance);
        });
      }
      trainer.dispose();
    },
  );

  test.each(specs.map((spec) => [JSON.stringify(spec), spec] as const))(
    "%s goes on from a state dict to the same weights, bit for bit",
    async (_, spec) => {
      const runtime = runtimes[kind];
      const whole = start(runtime, makeOptimizer(spec));
      for await (const _ of whole.fit(batches));
      const expected = await weightsOf(runtime);
      whole.dispose();
      const early = start(runtime, makeOptimizer(spec));
      for await (const _ of early.fit(batches.slice(0, 7)));
      const saved = await early.stateDict();
      early.dispose();
      runtime.initialize(model, { seed: 9 });
      const late = trainerOf(runtime, makeOptimizer(spec));
      late.loadStateDict(saved, 7);
      for await (const _ of late.fit(batches.slice(7)));
      expect([...(await weightsOf(runtime))]).toEqual([...expected]);
      expect([...expected]).not.toEqual(initial);
      late.dispose();
    },
  );

  test("ftrl leaves weights and moments alone at learning rate 0", async () => {
    const runtime = runtimes[kind];
    const optimizer = ftrl({ lr: 0.05, beta: 0.5, l2RegularizationStrength: 0.5 });
    const trainer = start(runtime, optimizer, { lrAt: (step) => (step === 3 ? 0 : 1) });
    for await (const _ of trainer.fit(batches.slice(0, 3)));
    const before = await trainer.stateDict();
    for await (const _ of trainer.fit([batches[3]!]));
    expect(await trainer.stateDict()).toEqual(before);
    for await (const _ of trainer.fit([batches[4]!]));
    expect((await weightsOf(runtime)).every(Number.isFinite)).toBe(true);
    expect(await trainer.stateDict()).not.toEqual(before);
    trainer.dispose();
  });

  test("asgd averages the weights from t0 on, as PyTorch counts", async () => {
    const runtime = runtimes[kind];
    const trainer = start(runtime, makeOptimizer({ name: "asgd", lr: 0.05, t0: 2 }));
    // PyTorch counts the steps that are over: after step t the newest weights' share is 1 / max(1, t - 1 - t0).
    const averaged: ArrayLike<number>[] = [];
    for (const [step, batch] of batches.entries()) {
      for await (const _ of trainer.fit([batch]));
      if (step >= 3) averaged.push(await weightsOf(runtime));
    }
    const { data } = (await trainer.stateDict())[`optimizer.ax.${name}`]!;
    for (const [i, ax] of data.entries()) {
      const mean = averaged.reduce((sum, weights) => sum + weights[i]!, 0) / averaged.length;
      expect(Math.abs(ax - mean), `weight ${i}`).toBeLessThan(tolerance);
    }
    trainer.dispose();
  });

  test("the moments have torch's names, ftrl's those of Keras", async () => {
    const runtime = runtimes[kind];
    const named: Readonly<Record<string, readonly string[]>> = {
      adamax: ["exp_avg", "exp_inf"],
      nadam: ["exp_avg", "exp_avg_sq"],
      radam: ["exp_avg", "exp_avg_sq"],
      lion: ["exp_avg"],
      adadelta: ["square_avg", "acc_delta"],
      ftrl: ["accumulator", "linear"],
      asgd: ["ax"],
      rprop: ["prev", "step_size"],
    };
    for (const [optimizer, moments] of Object.entries(named)) {
      const trainer = start(runtime, makeOptimizer({ name: optimizer } as OptimizerSpec));
      const kept = Object.keys(await trainer.stateDict()).filter((key) => key.startsWith("optimizer."));
      expect(kept, optimizer).toEqual(moments.map((moment) => `optimizer.${moment}.${name}`));
      trainer.dispose();
    }
  });
});
