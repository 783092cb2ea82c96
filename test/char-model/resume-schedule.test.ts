/** A schedule goes on where it was, whenever a training stops: in the warm-up, at its end, and while a plateau waits. */
import { afterAll, describe, expect, test } from "vitest";
import {
  type CharTraining,
  prepareText,
  Runtime,
  readCheckpoint,
  resumeTraining,
  type ScheduleSpec,
  saveCheckpoint,
  startTraining,
} from "../../src/index.ts";

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());

const { vocabulary, fingerprint, training: windows } = prepareText("to and fro. ".repeat(30), { window: 4, batch: 2 });

function begin(schedule: ScheduleSpec): Required<CharTraining> {
  return startTraining(runtime, {
    config: { cell: "rnn_tanh", embeddingDim: 2, hiddenSize: 3 },
    vocabulary,
    training: {
      window: 4,
      batch: 2,
      optimizer: { name: "sgd", lr: 1 },
      schedule,
      seed: 0,
      validationFraction: 0,
      text: fingerprint,
    },
  });
}

/** Trains some steps, each with a validation loss after it, and gives their rates. */
async function rates({ trainer, schedule }: Required<CharTraining>, losses: readonly number[]): Promise<number[]> {
  const seen: number[] = [];
  for (const loss of losses) {
    for await (const { lr } of trainer.fit(windows.from(trainer.steps), { steps: 1 })) seen.push(lr);
    schedule.observe?.(loss);
  }
  return seen;
}

const resumed = async (training: CharTraining) =>
  resumeTraining(runtime, readCheckpoint(await saveCheckpoint(training)));

// Better twice, then worse: with patience 1 the second worse one in a row halves the rate, in the warm-up too.
const observed = [3, 2, 2.5, 2.6, 1, 1.5, 1.6, 1.7, 1.8, 0.5];
const plateau = { name: "plateau", factor: 0.5, patience: 1 } as const;
const schedules: [string, ScheduleSpec, number[]][] = [
  ["a plateau", plateau, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]],
  [
    "a warm-up, then a plateau",
    { name: "warmup", steps: 4, startFactor: 0.5, after: plateau },
    [0.5, 0.625, 0.75, 0.875, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125],
  ],
  [
    "a warm-up, then steps",
    { name: "warmup", steps: 4, startFactor: 0.5, after: { name: "stepDecay", stepSize: 2, gamma: 0.5 } },
    [0.5, 0.625, 0.75, 0.875, 1, 1, 0.5, 0.5, 0.25, 0.25],
  ],
];

describe.each(schedules)("%s", (_, schedule, expected) => {
  test("has these rates, and the same with a stop after any step", async () => {
    expect(await rates(begin(schedule), observed)).toEqual(expected);
    for (let cut = 1; cut < observed.length; cut++) {
      const first = begin(schedule);
      const before = await rates(first, observed.slice(0, cut));
      const second = await resumed(first);
      expect(second.trainer.steps).toBe(cut);
      expect([...before, ...(await rates(second, observed.slice(cut)))], `stopped after ${cut}`).toEqual(expected);
    }
  });

  test("with a stop after every step", async () => {
    let training = begin(schedule);
    const seen: number[] = [];
    for (const loss of observed) {
      seen.push(...(await rates(training, [loss])));
      training = await resumed(training);
    }
    expect(seen).toEqual(expected);
  });
});

test("another schedule starts anew, at the step where the training is", async () => {
  const first = begin(plateau);
  await rates(first, observed.slice(0, 4));
  const checkpoint = readCheckpoint(await saveCheckpoint(first));
  expect(checkpoint.progress?.scheduleState).toEqual([0.5, 0, 2]);
  const same = resumeTraining(runtime, checkpoint);
  expect(await rates(same, [1])).toEqual([0.5]);
  const anew = resumeTraining(runtime, checkpoint, { schedule: plateau });
  expect(await rates(anew, [1])).toEqual([1]);
  const steps = resumeTraining(runtime, checkpoint, { schedule: { name: "stepDecay", stepSize: 2, gamma: 0.5 } });
  expect(await rates(steps, [1])).toEqual([0.25]);
});

test("a load that failed changes nothing, and the right file loads afterwards", async () => {
  const training = begin(plateau);
  await rates(training, observed.slice(0, 3));
  const before = await saveCheckpoint(training);
  const { progress, weights } = readCheckpoint(before);
  await rates(training, observed.slice(3, 6));
  const later = await saveCheckpoint(training);
  const { steps: step } = training.trainer;
  const { "model.head.bias": bias, ...without } = progress!.state;
  const broken = [without, { ...without, "model.head.bias": { shape: [1], data: bias!.data } }];
  for (const state of broken) expect(() => training.trainer.loadStateDict(state, 3)).toThrow(/head\.bias/);
  expect(() => training.trainer.loadStateDict(progress!.state, -1)).toThrow(/step is -1/);
  expect(() => runtime.loadStateDict(training.model, { ...weights, extra: weights["head.bias"]! })).toThrow(/extra/);
  expect(training.trainer.steps).toBe(step);
  expect(await saveCheckpoint(training)).toEqual(later);
  training.trainer.loadStateDict(progress!.state, progress!.step);
  training.schedule.restore!([...progress!.scheduleState]);
  expect(await saveCheckpoint(training)).toEqual(before);
});
