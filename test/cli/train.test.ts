import { readdir, readFile, writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { findNodeAdapter } from "../../src/adapter/node-adapter.ts";
import { runTraining, type TrainingJob } from "../../src/cli/run-training.ts";
import type { TrainRecord } from "../../src/cli/train-records.ts";
import {
  CharModel,
  DeviceLostError,
  parameterCount,
  prepareText,
  Runtime,
  readCheckpoint,
  resumeTraining,
  type TrainingSettings,
} from "../../src/node.ts";
import { losses, of, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, title } = await adapterForTests();
const { at, folder } = temporaryFolder();

describe.each(["cpu", "wasm", "gpu"] as const)("training", (backend) => {
  const on = ["--backend", backend];
  const skip = backend === "gpu" && !device;

  test.skipIf(skip)(`${backend}: learns a rhyme, writes it, and tells all of it as records`, async () => {
    await writeFile(at("rhyme.txt"), rhyme);
    const options = [...small, ...on, "--validation-fraction", "0.1", "--validate-every", "40", "--sample-every", "60"];
    const { code, records, stderr } = await train(
      at("rhyme.txt"),
      ...options,
      "--steps",
      "120",
      "--out",
      at("m.safetensors"),
    );
    expect([code, stderr]).toEqual([0, ""]);
    const [start] = of(records, "start");
    expect(start).toMatchObject({ backend, step: 0, steps: 120, text: { files: 1, characters: [...rhyme].length } });
    expect(start!.parameters).toBe(parameterCount(new CharModel(start!.config)));
    expect(of(records, "step").map(({ step }) => step)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    expect(of(records, "validation").map(({ step }) => step)).toEqual([40, 80, 120]);
    expect(of(records, "sample").map(({ step }) => step)).toEqual([60, 120]);
    expect(of(records, "checkpoint").map(({ step }) => step)).toEqual([100, 120]);
    expect(records.at(-1)).toMatchObject({
      type: "end",
      step: 120,
      interrupted: false,
      checkpoint: at("m.safetensors"),
    });

    expect(losses(records)[0]).toBeCloseTo(Math.log(start!.config.vocabSize), 0);
    const last = of(records, "validation").at(-1)!;
    expect(last.loss).toBeLessThan(0.2);
    expect(last.bitsPerCharacter).toBeCloseTo(last.loss / Math.LN2, 12);
    expect(of(records, "sample").at(-1)!.text).toContain("{\n  tock();\n}\n고양이 야옹\n");
    expect(await readdir(folder())).toEqual(["m.safetensors", "rhyme.txt"]);
  });

  test.skipIf(skip).each([
    ["adam and a constant rate", []],
    [
      "sgd with momentum and a plateau",
      [
        "--optimizer",
        "sgd",
        "--lr",
        "3",
        "--momentum",
        "0.9",
        "--schedule",
        "plateau",
        "--factor",
        "0.5",
        "--patience",
        "0",
      ],
    ],
  ])(`${backend}: 15 and 15 steps are 30 steps, bit for bit, with %s`, async (_, options) => {
    await writeFile(at("rhyme.txt"), rhyme);
    const every = ["--validate-every", "5", "--sample-every", "10", "--checkpoint-every", "7"];
    const settings = [at("rhyme.txt"), "--validation-fraction", "0.1", ...small, ...on, ...every];
    const whole = await train(...settings, ...options, "--steps", "30", "--out", at("whole.safetensors"));
    const first = await train(...settings, ...options, "--steps", "15", "--out", at("part.safetensors"));
    const resume = ["--json", ...on, ...every, "--resume", at("part.safetensors"), "--steps", "30"];
    const second = await train(at("rhyme.txt"), ...resume);
    expect([whole.code, first.code, second.code]).toEqual([0, 0, 0]);
    expect(of(second.records, "start")[0]).toMatchObject({ step: 15, steps: 30 });
    expect([...losses(first.records), ...losses(second.records)]).toEqual(losses(whole.records));
    const rates = [...of(first.records, "step"), ...of(second.records, "step")].map(({ lr }) => lr);
    expect(rates).toEqual(of(whole.records, "step").map(({ lr }) => lr));
    if (options.length > 0) expect(new Set(rates).size).toBeGreaterThan(1);
    const bytes = await Promise.all(["whole", "part"].map((name) => readFile(at(`${name}.safetensors`))));
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
  });
});

describe("going on", () => {
  const on = ["--backend", "cpu", "--steps", "4", "--sample-every", "0"];
  beforeEach(async () => {
    await writeFile(at("rhyme.txt"), rhyme);
    await train(at("rhyme.txt"), ...small, ...on, "--out", at("m.safetensors"));
  });
  const resume = (...args: string[]) => train("--json", "--backend", "cpu", "--resume", at("m.safetensors"), ...args);

  test("with another rate and clipping, into another file, by epochs", async () => {
    const before = await readFile(at("m.safetensors"));
    const options = ["--lr", "0.5", "--clip-norm", "0", "--schedule", "cosine", "--epochs", "0.25"];
    const { code, records } = await resume(at("rhyme.txt"), ...options, "--out", at("n.safetensors"));
    expect(code).toBe(0);
    const { stepsPerEpoch } = of(records, "start")[0]!;
    expect(records.at(-1)).toMatchObject({ step: Math.ceil(stepsPerEpoch / 4), checkpoint: at("n.safetensors") });
    expect(of(records, "step")[0]!.lr).toBeLessThan(0.5);
    expect(await readFile(at("m.safetensors"))).toEqual(before);
    const { progress } = readCheckpoint(await readFile(at("n.safetensors")));
    expect(progress?.training).toMatchObject({ optimizer: { lr: 0.5 }, clipNorm: 1e30, schedule: { name: "cosine" } });
  });

  test.each([
    ["another text", async () => [at("other.txt"), "--steps", "9"], 1, /trained on another text/],
    ["no steps left", async () => [at("rhyme.txt")], 2, /has done 4 of 4 steps.*--steps 8/],
    ["another size", async () => [at("rhyme.txt"), "--hidden-size", "9"], 2, /--hidden-size cannot be changed/],
    ["another optimizer", async () => [at("rhyme.txt"), "--optimizer", "sgd"], 2, /--optimizer cannot be changed/],
    [
      "a file that is cut",
      async () => {
        await writeFile(at("m.safetensors"), (await readFile(at("m.safetensors"))).subarray(0, 3000));
        return [at("rhyme.txt"), "--steps", "9"];
      },
      1,
      /truncated/,
    ],
    [
      "a file of something else",
      async () => {
        await writeFile(at("m.safetensors"), rhyme);
        return [at("rhyme.txt"), "--steps", "9"];
      },
      1,
      /not a safetensors file/,
    ],
  ] as const)("%s is refused, and the file stays", async (_, prepare, expected, message) => {
    await writeFile(at("other.txt"), rhyme.replace("tick", "tack"));
    const args = await prepare();
    const before = await readFile(at("m.safetensors"));
    const { code, stderr, records } = await resume(...args);
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
    expect(records.map(({ type }) => type)).toEqual(["error"]);
    expect(await readFile(at("m.safetensors"))).toEqual(before);
  });
});

test.skipIf(process.platform !== "linux")(
  "a disk that is full: warned about, tried again, an error at the end",
  async () => {
    await writeFile(at("rhyme.txt"), rhyme);
    const options = ["--backend", "cpu", "--steps", "4", "--checkpoint-every", "2", "--sample-every", "0"];
    const { code, records, stderr } = await train(at("rhyme.txt"), ...small, ...options, "--out", "/dev/full");
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: \/dev\/full: \d+ bytes could not be written: the disk is full/);
    expect(of(records, "warning")).toMatchObject([{ step: 2, code: "WRITE" }]);
    expect(records.at(-1)).toMatchObject({ type: "error", code: "WRITE", step: 4 });
  },
);

test("a loss that is no number: the step is named, the last good checkpoint stays", async () => {
  await writeFile(at("rhyme.txt"), rhyme);
  const on = ["--backend", "cpu", "--sample-every", "0", "--checkpoint-every", "1"];
  await train(at("rhyme.txt"), ...small, ...on, "--steps", "3", "--out", at("m.safetensors"));
  const before = await readFile(at("m.safetensors"));
  const resume = ["--resume", at("m.safetensors"), "--lr", "1e300", "--steps", "9", "--validate-every", "1"];
  const { code, stderr, records } = await train(at("rhyme.txt"), "--json", ...on, ...resume);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: training diverged in step 4: .*learning rate/);
  expect(records.at(-1)).toMatchObject({ type: "error", code: "DIVERGED" });
  expect(await readFile(at("m.safetensors"))).toEqual(before);
});

test.skipIf(!device)(`${title("a rate of 1e30")}: ends in a DivergedError`, async () => {
  await writeFile(at("rhyme.txt"), rhyme);
  const { code, stderr } = await train(
    at("rhyme.txt"),
    ...small,
    "--lr",
    "1e30",
    "--steps",
    "50",
    "--backend",
    "gpu",
    "--out",
    at("m.safetensors"),
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: training diverged in step \d+/m);
  expect(await readdir(folder())).toEqual(["rhyme.txt"]);
});

describe.skipIf(!device)(title("a device that is lost"), () => {
  const training = { window: 8, batch: 4, optimizer: { name: "adam", lr: 0.02 }, seed: 0, validationFraction: 0.1 };
  const job = (changes: Partial<TrainingJob>): TrainingJob => ({
    text: { text: rhyme, name: "the rhyme", files: 1, skipped: [] },
    on: { backend: "gpu" },
    config: { cell: "gru", embeddingDim: 8, hiddenSize: 16, numLayers: 1 },
    training: training as TrainingSettings,
    changes: {},
    amount: { steps: 24 },
    validateEvery: 0,
    sampleEvery: 0,
    checkpointEvery: 5,
    out: at("m.safetensors"),
    ...changes,
  });
  /** Runs a job whose first devices are destroyed when these steps are reported; null lets one live. */
  async function lose(steps: (number | null)[], changes: Partial<TrainingJob> = {}) {
    const records: TrainRecord[] = [];
    const devices: GPUDevice[] = [];
    const open = async () => {
      const opened = await (await findNodeAdapter()).adapter!.requestDevice();
      devices.push(opened);
      return Runtime.open({ device: opened });
    };
    const report = (record: TrainRecord) => {
      records.push(record);
      if (record.type === "step" && record.step === steps[devices.length - 1]) devices.at(-1)!.destroy();
    };
    const { signal } = new AbortController();
    const ended = runTraining(job(changes), { report, signal, open });
    return { records, ended, opened: () => devices.length };
  }

  test("training goes on by itself from the last checkpoint, to the same losses", async () => {
    const { records: whole, ended: end } = await lose([null]);
    await end;
    const { records, ended, opened } = await lose([13, 22, null], { out: at("lost.safetensors") });
    expect(await ended).toMatchObject({ step: 24, saved: true });
    expect(opened()).toBe(3);
    expect(of(records, "warning").map(({ message }) => message)).toEqual([
      expect.stringMatching(/device was lost.*going on from step 10, the last checkpoint/),
      expect.stringMatching(/device was lost.*going on from step 20, the last checkpoint/),
    ]);
    const expected = new Map(of(whole, "step").map(({ step, loss }) => [step, loss]));
    for (const { step, loss } of of(records, "step")) expect([step, loss]).toEqual([step, expected.get(step)]);
    expect(await readFile(at("lost.safetensors"))).toEqual(await readFile(at("m.safetensors")));
  });

  test("before the first checkpoint, from the beginning", async () => {
    const { records, ended } = await lose([3, null], { amount: { steps: 6 } });
    await ended;
    expect(of(records, "start").map(({ step }) => step)).toEqual([0, 0]);
    expect(of(records, "step").at(-1)?.step).toBe(6);
  });

  test("twice without a checkpoint in between is an error, and one call goes on later", async () => {
    const { ended } = await lose([8, 9]);
    await expect(ended).rejects.toThrow(DeviceLostError);
    const checkpoint = readCheckpoint(await readFile(at("m.safetensors")));
    const runtime = await Runtime.open({ device: device! });
    const { trainer, vocabulary } = resumeTraining(runtime, checkpoint);
    expect(trainer.steps).toBe(5);
    const { training: windows } = prepareText(rhyme, { window: 8, batch: 4, validationFraction: 0.1, vocabulary });
    const steps: number[] = [];
    for await (const { step } of trainer.fit(windows.from(trainer.steps), { steps: 2 })) steps.push(step);
    expect(steps).toEqual([6, 7]);
  });
});

test("a real run without a terminal has no control characters", async () => {
  await writeFile(at("rhyme.txt"), rhyme);
  const { stdout, stderr, code } = await train(
    at("rhyme.txt"),
    ...small.filter((option) => option !== "--json"),
    "--backend",
    "cpu",
    "--steps",
    "3",
    "--out",
    at("m.safetensors"),
  );
  expect([code, stderr]).toEqual([0, ""]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(stdout).toMatch(/running on the CPU: the CPU was asked for/);
  expect(stdout).toMatch(/model gru, embedding 8, hidden 24, 1 layer: [\d,]+ numbers/);
  expect(stdout).toMatch(/saved step 3 to .*m\.safetensors/);
});
