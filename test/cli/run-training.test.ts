/** What a training does when: its last step, an end at any moment, its saves, and what it tells of speed and time left. */
import { readFile, stat } from "node:fs/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runTraining, type TrainingJob } from "../../src/cli/run-training.ts";
import { StepClock } from "../../src/cli/step-clock.ts";
import type { TrainRecord } from "../../src/cli/train-records.ts";
import { DeviceLostError, Runtime, readCheckpoint } from "../../src/node.ts";
import { losses, of, rhyme, temporaryFolder } from "../support/command-line.ts";

const { at } = temporaryFolder();
afterEach(() => {
  vi.restoreAllMocks();
});

const job = (changes: Partial<TrainingJob>): TrainingJob => ({
  text: { text: rhyme, name: "the rhyme", files: 1, skipped: [] },
  on: { backend: "cpu" },
  config: { cell: "gru", embeddingDim: 4, hiddenSize: 6, numLayers: 1 },
  training: { window: 8, batch: 4, optimizer: { name: "adam", lr: 0.02 }, seed: 0, validationFraction: 0.1 },
  changes: {},
  amount: { steps: 6 },
  validateEvery: 0,
  sampleEvery: 0,
  checkpointEvery: 0,
  out: at("m.safetensors"),
  ...changes,
});

/** Runs a job; `stopAt` aborts when a record is reported. */
async function train(
  changes: Partial<TrainingJob>,
  stopAt?: (record: TrainRecord) => boolean,
  open?: () => Promise<Runtime>,
) {
  const records: TrainRecord[] = [];
  const abort = new AbortController();
  const report = (record: TrainRecord) => {
    records.push(record);
    if (stopAt?.(record)) abort.abort();
  };
  const trained = await runTraining(job(changes), { report, signal: abort.signal, ...(open && { open }) });
  const told = records
    .filter(({ type }) => type !== "start")
    .map(({ type, ...one }) => `${type} ${"step" in one && one.step}`);
  return { trained, records, told };
}

const progressIn = async (name: string) => readCheckpoint(await readFile(at(name))).progress!;

describe("the order of things", () => {
  test("validation, then a sample, then a save at the steps that are due; all of them after the last step", async () => {
    const { trained, told } = await train({
      amount: { steps: 7 },
      validateEvery: 2,
      sampleEvery: 3,
      checkpointEvery: 4,
    });
    expect(trained).toEqual({ step: 7, steps: 7, saved: true });
    expect(told).toEqual([
      "step 1",
      "step 2",
      "validation 2",
      "step 3",
      "sample 3",
      "step 4",
      "validation 4",
      "checkpoint 4",
      "step 5",
      "step 6",
      "validation 6",
      "sample 6",
      "step 7",
      "validation 7",
      "sample 7",
      "checkpoint 7",
    ]);
    expect((await progressIn("m.safetensors")).step).toBe(7);
  });

  test("a last step at which all is due: everything once, one save", async () => {
    const { told } = await train({ amount: { steps: 4 }, validateEvery: 2, sampleEvery: 4, checkpointEvery: 4 });
    expect(told.slice(3)).toEqual(["step 3", "step 4", "validation 4", "sample 4", "checkpoint 4"]);
  });

  test("nothing is due: the end validates and saves, and shows no sample", async () => {
    const { told } = await train({ amount: { steps: 2 } });
    expect(told).toEqual(["step 1", "step 2", "validation 2", "checkpoint 2"]);
  });

  test("the last sample is the long one", async () => {
    const { records } = await train({ amount: { steps: 4 }, sampleEvery: 2 });
    const lengths = of(records, "sample").map(({ text }) => [...text].length);
    expect(lengths[0]).toBeLessThan(lengths[1]!);
  });

  test("a text without a part for validation is never validated on", async () => {
    const training = { ...job({}).training, validationFraction: 0 };
    const { told } = await train({ training, amount: { steps: 2 }, validateEvery: 1 });
    expect(told).toEqual(["step 1", "step 2", "checkpoint 2"]);
  });

  test("steps go before epochs, epochs before what was planned", async () => {
    const perEpoch = of((await train({ amount: { steps: 1 } })).records, "start")[0]!.stepsPerEpoch;
    const training = { ...job({}).training, steps: 3 };
    expect((await train({ training, amount: {} })).trained.step).toBe(3);
    expect((await train({ training, amount: { epochs: 1.5 / perEpoch } })).trained.step).toBe(2);
    expect((await train({ training, amount: { steps: 1, epochs: 1 } })).trained.step).toBe(1);
    expect((await train({ amount: {} })).trained.step).toBe(perEpoch);
  });
});

describe("an end by the user", () => {
  const every = { validateEvery: 2, sampleEvery: 2, checkpointEvery: 2, amount: { steps: 8 } };

  test("at a step at which all is due: what is due is left out, and the step is saved, once", async () => {
    const { trained, told } = await train(every, (record) => record.type === "step" && record.step === 4);
    expect(told.slice(told.indexOf("step 4"))).toEqual(["step 4", "checkpoint 4"]);
    expect(trained).toEqual({ step: 4, steps: 8, saved: true });
    expect((await progressIn("m.safetensors")).step).toBe(4);
  });

  test("between two of them: the steps under way are reported, and saved", async () => {
    const { trained, told, records } = await train(
      { ...every, validateEvery: 0, sampleEvery: 0, checkpointEvery: 8 },
      (record) => record.type === "step" && record.step === 2,
    );
    const reported = of(records, "step").map(({ step }) => step);
    expect(reported).toEqual(Array.from({ length: trained.step }, (_, i) => i + 1));
    expect(trained.step).toBeLessThan(8);
    expect(told.at(-1)).toBe(`checkpoint ${trained.step}`);
    expect((await progressIn("m.safetensors")).step).toBe(trained.step);
  });

  test("right after a save: not saved again", async () => {
    const { told } = await train(every, (record) => record.type === "checkpoint" && record.step === 2);
    expect(told.filter((one) => one.startsWith("checkpoint"))).toEqual(["checkpoint 2"]);
  });

  test("before the first step: nothing is trained, and no file is made", async () => {
    const { trained, told } = await train(every, (record) => record.type === "start");
    expect(trained).toEqual({ step: 0, steps: 8, saved: false });
    expect(told).toEqual([]);
    await expect(stat(at("m.safetensors"))).rejects.toThrow("ENOENT");
  });

  test("then going on: the losses are those of a run without an end", async () => {
    const whole = await train({ ...every, out: at("whole.safetensors") });
    const first = await train(every, (record) => record.type === "step" && record.step === 4);
    const checkpoint = readCheckpoint(await readFile(at("m.safetensors")));
    const second = await train({ ...every, checkpoint });
    expect([...losses(first.records), ...losses(second.records)]).toEqual(losses(whole.records));
  });
});

describe("a plateau", () => {
  const schedule = { name: "plateau", factor: 0.5, patience: 0, threshold: 0.999 } as const;
  const training = { ...job({}).training, schedule };
  const rates = (records: readonly TrainRecord[]) => of(records, "step").map(({ lr }) => lr);

  test("hears the validations that are due, and not the one of the end, so that going on changes nothing", async () => {
    const every = { training, validateEvery: 2 };
    const whole = await train({ ...every, amount: { steps: 9 }, out: at("whole.safetensors") });
    // The first loss is the best so far; each one after it is not better by a factor of 1000.
    expect(rates(whole.records).map((lr) => lr / 0.02)).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]);
    for (const cut of [3, 4, 5]) {
      const first = await train({ ...every, amount: { steps: cut } });
      const checkpoint = readCheckpoint(await readFile(at("m.safetensors")));
      const second = await train({ ...every, amount: { steps: 9 }, checkpoint });
      expect([...rates(first.records), ...rates(second.records)]).toEqual(rates(whole.records));
      expect([...losses(first.records), ...losses(second.records)]).toEqual(losses(whole.records));
      const { scheduleState, step } = await progressIn("m.safetensors");
      expect({ scheduleState, step }).toMatchObject(
        await progressIn("whole.safetensors").then(({ scheduleState, step }) => ({ scheduleState, step })),
      );
    }
  });
});

describe("a device that is lost while a training is set up", () => {
  /** Opens runtimes, of which the first ones lose their device at once. */
  const losing = (times: number) => {
    let opened = 0;
    return async () => {
      const runtime = await Runtime.open({ backend: "cpu" });
      if (opened++ < times)
        runtime.trainer = () => {
          throw new DeviceLostError("the device is gone");
        };
      return runtime;
    };
  };

  test("goes on once, and tells from which step", async () => {
    await train({ amount: { steps: 3 } });
    const checkpoint = readCheckpoint(await readFile(at("m.safetensors")));
    const { trained, records } = await train({ checkpoint, amount: { steps: 5 } }, undefined, losing(1));
    expect(trained).toEqual({ step: 5, steps: 5, saved: true });
    expect(of(records, "warning")).toEqual([
      {
        type: "warning",
        step: 3,
        code: "DEVICE_LOST",
        message: "the device is gone; going on from step 3, the last checkpoint on a new one",
      },
    ]);
    const anew = await train({ amount: { steps: 2 } }, undefined, losing(1));
    expect(of(anew.records, "warning")[0]).toMatchObject({
      step: 0,
      message: expect.stringMatching(/going on from the beginning on a new/),
    });
  });

  test("twice in a row is an error", async () => {
    await expect(train({}, undefined, losing(2))).rejects.toThrow(DeviceLostError);
  });
});

describe("speed and time left", () => {
  /** A clock of seconds that the test turns. */
  function clockOf(steps: number, tokens: number) {
    let seconds = 0;
    const clock = new StepClock(steps, tokens, () => seconds * 1000);
    return {
      resumeAt(time: number) {
        seconds = time;
        clock.resume();
      },
      tickAt(time: number, step: number) {
        seconds = time;
        return clock.tick(step);
      },
    };
  }

  test("speed is that of training alone, time left counts what comes between; nothing is told by the first step", () => {
    const clock = clockOf(10, 100);
    clock.resumeAt(20);
    expect(clock.tickAt(24, 1)).toEqual({ tokensPerSecond: 25, secondsLeft: null });
    expect(clock.tickAt(26, 2)).toEqual({ tokensPerSecond: 50, secondsLeft: 16 });
    // Seven seconds of validation and saving.
    clock.resumeAt(33);
    expect(clock.tickAt(35, 3)).toEqual({ tokensPerSecond: 50, secondsLeft: (11 / 2) * 7 });
    expect(clock.tickAt(37, 10)).toEqual({ tokensPerSecond: 900 / 6, secondsLeft: 0 });
  });

  test("a training that goes on counts from where it was", () => {
    const clock = clockOf(110, 8);
    clock.resumeAt(0);
    expect(clock.tickAt(2, 101)).toEqual({ tokensPerSecond: 4, secondsLeft: null });
    expect(clock.tickAt(3, 102)).toEqual({ tokensPerSecond: 8, secondsLeft: 8 });
  });

  test("speed is that of the last 32 reports", () => {
    const clock = clockOf(1000, 10);
    clock.resumeAt(0);
    for (let step = 1; step <= 40; step++) clock.tickAt(step, step);
    for (let step = 41; step <= 70; step++) clock.tickAt(40 + (step - 40) / 2, step);
    // 31 steps of half a second and one of a second; then the slow ones are forgotten.
    expect(clock.tickAt(55.5, 71).tokensPerSecond).toBeCloseTo(320 / 16.5, 10);
    expect(clock.tickAt(56, 72).tokensPerSecond).toBeCloseTo(20, 10);
    expect(clock.tickAt(56.5, 73).tokensPerSecond).toBeCloseTo(20, 10);
  });

  test("two reports at one moment are no infinite speed", () => {
    const clock = clockOf(4, 10);
    clock.resumeAt(1);
    expect(clock.tickAt(1, 1).tokensPerSecond).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test("what comes between steps counts for the time left only", async () => {
    let seconds = 0;
    vi.spyOn(performance, "now").mockImplementation(() => seconds * 1000);
    const { records } = await train({ amount: { steps: 4 }, validateEvery: 2 }, ({ type }) => {
      if (type === "step") seconds += 1;
      if (type === "validation") seconds += 100;
      return false;
    });
    const steps = of(records, "step");
    // The first report comes at 0 s, then one a second, with 100 s after the second.
    expect(steps.map(({ secondsLeft }) => secondsLeft)).toEqual([null, 2, 51, 0]);
    // Two steps of 32 tokens in one second, then three in two: the second after step 2 belongs to no step.
    expect(steps.slice(2).map(({ tokensPerSecond }) => tokensPerSecond)).toEqual([64, 48]);
  });

  test("every step's record has them", async () => {
    const { records } = await train({ amount: { steps: 3 } });
    const steps = of(records, "step");
    expect(steps.map(({ secondsLeft }) => secondsLeft === null)).toEqual([true, false, false]);
    expect(steps.at(-1)!.secondsLeft).toBe(0);
    for (const { tokensPerSecond, loss, bitsPerCharacter } of steps) {
      expect(tokensPerSecond).toBeGreaterThan(0);
      expect(bitsPerCharacter).toBeCloseTo(loss / Math.LN2, 12);
    }
  });
});
