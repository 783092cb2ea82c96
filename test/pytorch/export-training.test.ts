/** An exported training goes on in PyTorch as it goes on here, on one process and on two, and comes back. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type CharModelOptions,
  loadModel,
  type OptimizerSpec,
  parameterCount,
  prepareText,
  Runtime,
  readCheckpoint,
  readSafetensors,
  resumeTraining,
  type ScheduleSpec,
  saveCheckpoint,
  startTraining,
  type TrainingSettings,
} from "../../src/index.ts";
import { exportPyTorch } from "../../src/pytorch/index.ts";
import { rhyme } from "../support/command-line.ts";
import { noTorch, pythonWithTorch } from "../support/pytorch.ts";

const root = mkdtempSync(join(tmpdir(), "webgpu-rnn-pytorch-"));
afterAll(() => rmSync(root, { recursive: true }));
let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.open({ backend: "wasm" });
});
afterAll(() => runtime.dispose());
beforeEach((context) => {
  if (pythonWithTorch === undefined) context.skip(noTorch);
});

// Both compute in float32 and add up in other orders: a loss differs by some units of its last place (6e-8 of it), and each
// step hands its difference to the next. Adam divides by the root of squares, so where a gradient is near 0 its sign decides.
const TOLERANCE = 2e-5;

interface Case {
  readonly config?: Omit<CharModelOptions, "vocabSize">;
  readonly optimizer?: OptimizerSpec;
  readonly schedule?: ScheduleSpec;
  readonly others?: Partial<TrainingSettings>;
}

const [BEFORE, STEPS] = [5, 45];
const VALIDATE = 10;

/** A training that stopped after some steps, exported; and the losses with which it goes on here. */
async function trained(name: string, { config, optimizer, schedule, others }: Case) {
  const text = rhyme;
  const cut = { window: 12, batch: 5, validationFraction: 0.1 };
  const { vocabulary, training: windows, validation, fingerprint } = prepareText(text, cut);
  const training = startTraining(runtime, {
    config: { embeddingDim: 8, hiddenSize: 16, ...config },
    vocabulary,
    training: {
      ...cut,
      optimizer: optimizer ?? { name: "adam", lr: 0.01 },
      ...(schedule && { schedule }),
      clipNorm: 1,
      seed: 1,
      text: fingerprint,
      steps: STEPS,
      ...others,
    },
  });
  const { trainer } = training;
  for await (const _ of trainer.fit(windows.from(0), { steps: BEFORE })) void _;
  const file = await saveCheckpoint(training);
  const folder = join(root, name);
  mkdirSync(folder);
  for (const [path, content] of Object.entries(exportPyTorch(file, { text })))
    writeFileSync(join(folder, path), content);
  const losses: number[] = [];
  for (const end of [10, 20, 30, 40, 45]) {
    for await (const { loss } of trainer.fit(windows.from(trainer.steps), { steps: end - trainer.steps }))
      losses.push(loss);
    if (end % VALIDATE === 0)
      training.schedule.observe?.((await runtime.evaluate(training.model, validation!.epoch())).loss);
  }
  const after = (await runtime.evaluate(training.model, validation!.epoch())).loss;
  return { folder, losses, after, windows, validation: validation! };
}

function python(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(pythonWithTorch!, args, {
    encoding: "utf8",
    cwd: root,
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  expect(status, stderr).toBe(0);
  const read = (what: RegExp) => [...stdout.matchAll(what)].map(([, loss]) => Number(loss));
  return { losses: read(/^step \d+ loss (\S+)/gm), validations: read(/^validation \d+ loss (\S+)/gm), stdout };
}

const expectClose = (found: readonly number[], expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  const worst = found.map((loss, i) => Math.abs(loss - expected[i]!) / Math.abs(expected[i]!));
  expect(Math.max(...worst)).toBeLessThan(TOLERANCE);
};

test("two processes go on with the losses of going on here, and the result comes back", async () => {
  const { folder, losses, after, windows, validation } = await trained("two", {
    config: { cell: "lstm", numLayers: 2 },
  });
  const torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"];
  const ran = python(...torchrun, join(folder, "train.py"), "--validate-every", String(VALIDATE));
  // The batch has 5 rows: the processes take 2 and 3 of them.
  expectClose(ran.losses, losses);
  expectClose(ran.validations.slice(-1), [after]);

  const back = readCheckpoint(readFileSync(join(folder, "training.safetensors")));
  expect(back.progress?.step).toBe(STEPS);
  const { model } = loadModel(runtime, back);
  expectClose([(await runtime.evaluate(model, validation.epoch())).loss], [after]);
  const weights = readSafetensors(readFileSync(join(folder, "model.safetensors"))).tensors;
  runtime.loadStateDict(model, weights);
  expectClose([(await runtime.evaluate(model, validation.epoch())).loss], [after]);

  // The script of docs/export.md.
  const page = readFileSync(new URL("../../docs/export.md", import.meta.url), "utf8");
  const [, script] = /^```python\n([\s\S]*?)^```$/m.exec(page)!;
  writeFileSync(
    join(folder, "own.py"),
    `import os\nos.chdir(${JSON.stringify(folder)})\n${script}\nprint(sum(w.numel() for w in weights.values()))\n`,
  );
  expect(Number(python(join(folder, "own.py")).stdout)).toBe(parameterCount(model));

  // And further here, as if it had never left.
  const resumed = resumeTraining(runtime, back, { steps: STEPS + 5 });
  expect(resumed.trainer.steps).toBe(STEPS);
  for await (const { loss } of resumed.trainer.fit(windows.from(STEPS), { steps: 5 }))
    expect(loss).toBeLessThan(losses[0]!);
});

/** Every optimizer with options of its own, every schedule, every cell. */
const cases: Readonly<Record<string, Case>> = {
  sgd: { optimizer: { name: "sgd", lr: 0.3 }, schedule: { name: "stepDecay", stepSize: 7, gamma: 0.5 } },
  momentum: {
    optimizer: { name: "sgd", lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 },
    config: { cell: "rnn_tanh" },
    others: { clipValue: 0.05 },
  },
  amsgrad: {
    optimizer: { name: "adam", lr: 0.01, amsgrad: true, betas: [0.8, 0.99] },
    schedule: { name: "cosine", steps: 40, minFactor: 0.1 },
    config: { cell: "gru", numLayers: 2 },
  },
  adamW: {
    optimizer: { name: "adamW", lr: 0.01, weightDecay: 0.1 },
    schedule: { name: "warmup", steps: 12, after: { name: "plateau", patience: 0, factor: 0.5, threshold: 0.2 } },
    config: { cell: "rnn_relu" },
  },
  rmsprop: {
    optimizer: { name: "rmsprop", lr: 0.003, momentum: 0.5, centered: true, eps: 1e-3 },
    config: { cell: "gru" },
  },
  adagrad: { optimizer: { name: "adagrad", lr: 0.05, lrDecay: 0.01, initialAccumulatorValue: 0.1 } },
  adadelta: { optimizer: { name: "adadelta", lr: 1, rho: 0.8, eps: 1e-4 } },
  adamax: { optimizer: { name: "adamax", lr: 0.005, eps: 1e-3 } },
  nadam: { optimizer: { name: "nadam", lr: 0.005, decoupledWeightDecay: true, weightDecay: 0.01 } },
  radam: { optimizer: { name: "radam", lr: 0.01 } },
  lion: { optimizer: { name: "lion", lr: 1e-4, weightDecay: 0.1 } },
  ftrl: {
    optimizer: { name: "ftrl", lr: 0.5, initialAccumulatorValue: 0.5, l2RegularizationStrength: 0.01, beta: 0.1 },
  },
  asgd: {
    optimizer: { name: "asgd", lr: 0.3, lambd: 0.01, t0: 8 },
    schedule: { name: "stepDecay", stepSize: 6, gamma: 0.8 },
  },
  rprop: { optimizer: { name: "rprop", lr: 1e-3, stepSizes: [1e-6, 0.01] } },
};

test("every optimizer, schedule and cell goes on with the same losses", async () => {
  const here = new Map<string, Awaited<ReturnType<typeof trained>>>();
  for (const [name, one] of Object.entries(cases)) here.set(name, await trained(name, one));
  // One process for all of them, since importing torch takes longer than their steps.
  const driver = `
import runpy, sys
for folder in sys.argv[1:]:
    for name in ("model", "checkpoint", "optimizers", "schedules"):
        sys.modules.pop(name, None)
    sys.path[0] = folder
    sys.argv = ["train.py", "--validate-every", "${VALIDATE}"]
    print("##", flush=True)
    runpy.run_path(folder + "/train.py", run_name="__main__")
`;
  writeFileSync(join(root, "driver.py"), driver);
  const { stdout } = python(join(root, "driver.py"), ...[...here.values()].map(({ folder }) => folder));
  const parts = stdout.split("##\n").slice(1);
  const worst = [...here].map(([name, { losses, after }], i) => {
    const read = (what: RegExp) => [...parts[i]!.matchAll(what)].map(([, loss]) => Number(loss));
    const found = [...read(/^step \d+ loss (\S+)/gm), read(/^validation 45 loss (\S+)/gm)[0]!];
    const expected = [...losses, after];
    expect(found.length, name).toBe(expected.length);
    return [name, Math.max(...found.map((loss, k) => Math.abs(loss - expected[k]!) / expected[k]!))] as const;
  });
  expect(worst.filter(([, error]) => !(error < TOLERANCE))).toEqual([]);
});
