import { describe, expect, test } from "vitest";
import { DataError, DivergedError, FileFormatError, OptionError, StateDictError } from "../../src/errors.ts";
import {
  type CharModelCell,
  type CharTraining,
  checkSameText,
  loadModel,
  prepareText,
  type ResumeChanges,
  Runtime,
  readCheckpoint,
  readSafetensors,
  resumeTraining,
  type StateDict,
  saveCheckpoint,
  saveModel,
  startTraining,
  type TrainingSettings,
  textFingerprint,
  Vocabulary,
  writeSafetensors,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";

const text = "the cat sat on the mat.\n  고양이가 매트에 앉았다.\n".repeat(20);
const base = { window: 8, batch: 4, seed: 7, validationFraction: 0.1, text: textFingerprint(text) };
const config = { cell: "lstm", embeddingDim: 6, hiddenSize: 10, numLayers: 2 } as const;
const prepared = prepareText(text, { window: 8, batch: 4, validationFraction: 0.1 });
const { vocabulary } = prepared;

function begin(
  runtime: Runtime,
  changes: Partial<TrainingSettings> = {},
  cell: CharModelCell = "lstm",
): Required<CharTraining> {
  const training = { ...base, optimizer: { name: "adam", lr: 0.01 }, clipNorm: 1, ...changes } as TrainingSettings;
  return startTraining(runtime, { config: { ...config, cell }, vocabulary, training });
}

async function train({ trainer }: CharTraining, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(prepared.training.from(trainer.steps), { steps })) losses.push(loss);
  return losses;
}

async function generated(runtime: Runtime, model: CharTraining["model"], length = 24): Promise<string> {
  let drawn = "";
  const prompt = vocabulary.encode("the ");
  for await (const { tokens } of runtime.generate(model, { prompt, length, temperature: 0, chunk: 8 }))
    drawn += vocabulary.decode(tokens);
  return drawn;
}

const settings: Record<string, Partial<TrainingSettings>> = {
  adam: {},
  "adamW, warm-up and cosine": {
    optimizer: { name: "adamW", lr: 0.01, betas: [0.8, 0.99], amsgrad: true },
    schedule: { name: "warmup", steps: 4, after: { name: "cosine", steps: 12 } },
  },
  "sgd with nesterov, plateau": {
    optimizer: { name: "sgd", lr: 0.1, momentum: 0.9, nesterov: true },
    schedule: { name: "plateau", factor: 0.5, patience: 0 },
    clipValue: 0.1,
  },
  "rmsprop, step decay": {
    optimizer: { name: "rmsprop", lr: 0.003, momentum: 0.5, centered: true },
    schedule: { name: "stepDecay", stepSize: 3 },
  },
  adagrad: { optimizer: { name: "adagrad", lr: 0.05, lrDecay: 0.01, initialAccumulatorValue: 0.1 } },
  adamax: { optimizer: { name: "adamax", lr: 0.01 } },
  nadam: { optimizer: { name: "nadam", lr: 0.01, momentumDecay: 1, weightDecay: 0.1, decoupledWeightDecay: true } },
  radam: { optimizer: { name: "radam", lr: 0.01, betas: [0.8, 0.9] } },
  lion: { optimizer: { name: "lion", lr: 0.002, betas: [0.9, 0.8] } },
  adadelta: { optimizer: { name: "adadelta", rho: 0.8 } },
  ftrl: { optimizer: { name: "ftrl", lr: 0.1, beta: 0.5 } },
  asgd: { optimizer: { name: "asgd", lr: 0.1, lambd: 0.1, t0: 2 } },
  rprop: { optimizer: { name: "rprop", etas: [0.4, 1.3], stepSizes: [1e-5, 0.1] } },
};

const { onEach, onFloat32 } = await backendsForTests();

onEach(({ open }) => {
  test.each(Object.entries(settings))(`resumed, %s goes on to equal losses`, async (_, changes) => {
    // One runtime for both: a runtime that is disposed takes the device with it.
    const runtime = await open();
    const whole = begin(runtime, changes);
    const losses = await train(whole, 5);
    whole.schedule.observe?.(2);
    whole.schedule.observe?.(3); // worse: plateau halves the rate, and the file has to know
    const early = await saveCheckpoint(whole);
    losses.push(...(await train(whole, 7)));

    const checkpoint = readCheckpoint(early);
    expect(checkpoint.progress?.step).toBe(5);
    const resumed = resumeTraining(runtime, checkpoint);
    expect(resumed.training).toEqual(whole.training);
    expect(resumed.trainer.steps).toBe(5);
    expect(await train(resumed, 7)).toEqual(losses.slice(5));
    // Byte for byte: weights, moments, carried state, step and schedule.
    expect(await saveCheckpoint(resumed)).toEqual(await saveCheckpoint(whole));
  });
});

test("a checkpoint moves between cells' models, files and backends as the same model", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  for (const cell of ["gru", "rnn_tanh", "rnn_relu", "lstm"] as const) {
    const trained = begin(runtime, {}, cell);
    await train(trained, 3);
    const whole = readCheckpoint(await saveCheckpoint(trained));
    const slim = readCheckpoint(await saveModel(runtime, trained));
    expect(whole.config).toEqual({ ...config, cell, vocabSize: vocabulary.size });
    expect(whole.vocabulary.symbols).toEqual(vocabulary.symbols);
    expect(slim.progress).toBeUndefined();
    const text = await generated(runtime, trained.model);
    for (const checkpoint of [whole, slim])
      expect(await generated(runtime, loadModel(runtime, checkpoint).model)).toBe(text);
    expect(() => resumeTraining(runtime, slim)).toThrow(/weights only/);
  }
});

onFloat32(({ open }) =>
  test("greedy text is the twins', from the same file", async () => {
    const cpu = await Runtime.open({ backend: "cpu" });
    const trained = begin(cpu, { optimizer: { name: "adam", lr: 0.02 } });
    await train(trained, 60);
    const checkpoint = readCheckpoint(await saveCheckpoint(trained));
    const runtime = await open();
    const { model } = loadModel(runtime, checkpoint);
    expect(await generated(runtime, model)).toBe(await generated(cpu, trained.model));
  }),
);

test("changes that a training may go on with, and those that it may not", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const trained = begin(runtime);
  await train(trained, 2);
  const checkpoint = readCheckpoint(await saveCheckpoint(trained));
  const resumed = resumeTraining(runtime, checkpoint, {
    lr: 0.5,
    clipNorm: 2,
    schedule: { name: "constant" },
    steps: 9,
  });
  expect(resumed.training).toMatchObject({ optimizer: { name: "adam", lr: 0.5 }, clipNorm: 2, steps: 9 });
  for await (const { lr } of resumed.trainer.fit(prepared.training.from(2), { steps: 1 })) expect(lr).toBe(0.5);
  expect(() => resumeTraining(runtime, checkpoint, { lr: Number.NaN })).toThrow(OptionError);
  expect(() => resumeTraining(runtime, checkpoint, { batch: 5 } as ResumeChanges)).toThrow(/unknown option "batch"/);
});

test("another text is refused", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const trained = begin(runtime);
  await train(trained, 1);
  const checkpoint = readCheckpoint(await saveCheckpoint(trained), "model.safetensors");
  expect(() => checkSameText(checkpoint, text)).not.toThrow();
  for (const other of [`${text} `, text.replace("cat", "act"), text.slice(1)])
    expect(() => checkSameText(checkpoint, other)).toThrow(/model\.safetensors: was trained on another text/);
});

test("fingerprints tell texts apart", () => {
  const texts = ["", "a", "b", "ab", "ba", "aab", "aba", "가", "각", "abcdefgh", "abcdefhg", "a\nb", "a\r\nb"];
  expect(new Set(texts.map(textFingerprint)).size).toBe(texts.length);
  expect(textFingerprint("한글 text\n")).toBe(textFingerprint("한글 text\n"));
});

test("a training that diverged is not saved", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const trained = begin(runtime);
  const dict = await runtime.stateDict(trained.model);
  dict["head.bias"]!.data.fill(Number.NaN);
  runtime.loadStateDict(trained.model, dict);
  await expect(train(trained, 4)).rejects.toThrow(DivergedError);
  await expect(saveCheckpoint(trained)).rejects.toThrow(DivergedError);
});

onFloat32(({ open }) =>
  test("weights that overflow are not saved though the loss was finite", async () => {
    const runtime = await open();
    const trained = begin(runtime, { optimizer: { name: "sgd", lr: 3e38, weightDecay: 1e30 } });
    const [loss] = await train(trained, 1);
    expect(loss).toBeLessThan(10);
    await expect(saveCheckpoint(trained)).rejects.toThrow(/diverged in step 1: model\..* is not finite/);
  }),
);

describe("files that are refused", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const trained = begin(runtime);
  await train(trained, 2);
  const good = await saveCheckpoint(trained);
  const { tensors, metadata } = readSafetensors(good);
  const content = JSON.parse(metadata.checkpoint!);

  const withMetadata = (changes: object) =>
    writeSafetensors(tensors, { checkpoint: JSON.stringify({ ...content, ...changes }) });
  const withTensors = (change: (dict: StateDict) => void) => {
    const dict = { ...tensors };
    change(dict);
    return writeSafetensors(dict, metadata as Record<string, string>);
  };
  const header = (json: string, data: Uint8Array) => {
    const text = new TextEncoder().encode(json);
    const file = new Uint8Array(8 + text.length + data.length);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    file.set(data, 8 + text.length);
    return file;
  };

  const cases: [what: string, bytes: Uint8Array, message: RegExp][] = [
    ["empty", new Uint8Array(0), /is 0 bytes long/],
    ["a text", new TextEncoder().encode("These bytes are words"), /not a safetensors file/],
    ["truncated in the header", good.slice(0, 100), /truncated/],
    ["truncated in the data", good.slice(0, good.length - 8), /truncated/],
    ["oversized", new Uint8Array([...good, 0, 0, 0, 0]), /after the last tensor belong to none/],
    [
      "overlapping",
      header(
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
        new Uint8Array(12),
      ),
      /overlaps tensor "a"/,
    ],
    [
      "another program's",
      writeSafetensors({ "encoder.weight": { shape: [1], data: new Float32Array(1) } }, { format: "pt" }),
      /not a character model of webgpu-rnn.*encoder\.weight/,
    ],
    ["no JSON", writeSafetensors(tensors, { checkpoint: "{" }), /is not JSON/],
    ["null", writeSafetensors(tensors, { checkpoint: "null" }), /unnamed format/],
    ["another format", withMetadata({ format: "webgpu-rnn speech model" }), /holds "webgpu-rnn speech model"/],
    ["a version to come", withMetadata({ version: 2 }), /format version 2, this webgpu-rnn reads version 1/],
    ["no vocabulary", withMetadata({ vocabulary: undefined }), /vocabulary/],
    ["a vocabulary that is too small", withMetadata({ vocabulary: Vocabulary.fromText("ab") }), /vocabulary has 2/],
    ["an unknown cell", withMetadata({ config: { ...content.config, cell: "mamba" } }), /cell is "mamba"/],
    ["an unknown size", withMetadata({ config: { ...content.config, width: 3 } }), /unknown option "width"/],
    ["a size of 0", withMetadata({ config: { ...content.config, hiddenSize: 0 } }), /hiddenSize is 0/],
    ["layers without end", withMetadata({ config: { ...content.config, numLayers: 1e15 } }), /layers/],
    ["another size", withMetadata({ config: { ...content.config, hiddenSize: 12 } }), /other shapes|has shape/],
    ["another cell", withMetadata({ config: { ...content.config, cell: "gru" } }), /carry\.c|other shapes/],
    ["a broken step", withMetadata({ step: -1 }), /step is -1/],
    ["a broken schedule state", withMetadata({ scheduleState: "x" }), /scheduleState is "x"/],
    ["no settings", withMetadata({ training: null }), /training: options are null/],
    ["a broken setting", withMetadata({ training: { ...content.training, window: 0 } }), /window is 0/],
    ["an unknown setting", withMetadata({ training: { ...content.training, bptt: 3 } }), /unknown option "bptt"/],
    [
      "an unknown optimizer",
      withMetadata({ training: { ...content.training, optimizer: { name: "constructor" } } }),
      /optimizer is "constructor"/,
    ],
    [
      "another optimizer",
      withMetadata({ training: { ...content.training, optimizer: { name: "rmsprop" } } }),
      /optimizer\.exp_avg|square_avg/,
    ],
    ["a weight missing", withTensors((dict) => delete dict["model.head.bias"]), /"model\.\*".*missing: head\.bias/],
    ["a moment missing", withTensors((dict) => delete dict["optimizer.exp_avg.head.bias"]), /missing: head\.bias/],
    [
      "a tensor too many",
      withTensors((dict) => {
        dict.extra = { shape: [1], data: new Float32Array(1) };
      }),
      /"extra"/,
    ],
    [
      "a state of another batch",
      withTensors((dict) => {
        dict["carry.h"] = { shape: [2, 3, 10], data: new Float32Array(60) };
      }),
      /carry\.h.*\[2,3,10\], expected \[2,4,10\]/,
    ],
    [
      "integers",
      withTensors((dict) => {
        dict["model.head.bias"] = { shape: [vocabulary.size], data: new Int32Array(vocabulary.size) };
      }),
      /integers/,
    ],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => readCheckpoint(bytes, "model.safetensors")).toThrow(FileFormatError);
    expect(() => readCheckpoint(bytes, "model.safetensors")).toThrow(message);
    expect(() => readCheckpoint(bytes, "model.safetensors")).toThrow(/^model\.safetensors: /);
  });

  test("weights that do not fit a model are refused and change nothing", async () => {
    const other = readCheckpoint(good);
    expect(() => runtime.loadStateDict(begin(runtime, {}, "gru").model, other.weights)).toThrow(StateDictError);
  });
});

describe("texts", () => {
  test("a short validation part has fewer rows and a shorter window", () => {
    const { training, validation } = prepareText("abcdefghij".repeat(10), {
      window: 16,
      batch: 4,
      validationFraction: 0.1,
    });
    expect([training.window, training.batch]).toEqual([16, 4]);
    expect([validation?.window, validation?.batch, validation?.stepsPerEpoch]).toEqual([9, 1, 1]);
    expect(prepareText("abcdefghij", { window: 4, batch: 1, validationFraction: 0.1 }).validation).toBeUndefined();
    expect(prepareText("abcdefghij", { window: 4, batch: 1 }).validation).toBeUndefined();
  });
  test("empty, too short, and with characters that the vocabulary lacks", () => {
    expect(() => prepareText("", { window: 4, batch: 1, name: "a.txt" })).toThrow(/^a\.txt is empty/);
    expect(() => prepareText("abc", { window: 4, batch: 2, name: "a.txt" })).toThrow(
      /^a\.txt is 3 tokens long.*at least 9/,
    );
    const narrow = Vocabulary.fromText("abc");
    expect(() => prepareText("abcd", { window: 1, batch: 1, vocabulary: narrow })).toThrow(DataError);
    expect(() => prepareText("abcd", { window: 0, batch: 1 })).toThrow(OptionError);
    expect(() => prepareText("abcd", { window: 1, batch: 1, validationFraction: 2 })).toThrow(OptionError);
  });
});
