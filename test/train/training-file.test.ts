/** A checkpoint of any model: saved, read, and gone on with as if nothing had been between. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { batches } from "../../src/data/batches.ts";
import * as field from "../../src/data/fields.ts";
import { Normalizer, normalizer } from "../../src/data/normalizer.ts";
import {
  adam,
  crossEntropy,
  DivergedError,
  Dropout,
  Embedding,
  FileFormatError,
  functional,
  GRU,
  Linear,
  loadTraining,
  Module,
  makeTraining,
  OptionError,
  Runtime,
  readSafetensors,
  readTraining,
  StateDictError,
  saveTraining,
  type Tensor,
  type Training,
  type TrainingSpec,
  Vocabulary,
  writeSafetensors,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";

/** Two inputs, dropout, zoneout and a state that is carried. */
class Tagger extends Module {
  readonly embedding = new Embedding({ numEmbeddings: 6, embeddingDim: 4 });
  readonly dropout = new Dropout({ p: 0.2 });
  readonly layers: GRU[];
  readonly head: Linear;
  constructor(hiddenSize = 8) {
    super();
    this.layers = [new GRU({ inputSize: 6, hiddenSize, numLayers: 2, dropout: 0.3, zoneout: 0.1 })];
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: 3 });
  }
  forward({ tokens, values }: { tokens: Tensor; values: Tensor }, state?: { h: Tensor }) {
    const x = functional.concat([this.dropout.forward(this.embedding.forward(tokens)), values]);
    const { output, state: next } = this.layers[0]!.forward(x, state);
    return { logits: this.head.forward(output), state: next };
  }
}

const records = Array.from({ length: 12 }, (_, i) => ({
  text: "a b c b a d"
    .slice(0, 11)
    .split(" ")
    .map((word, t) => ((i + t) % 3 ? word : "d")),
  values: Array.from({ length: 6 }, (__, t) => [i - t, 10 * i]),
  tags: Array.from({ length: 6 }, (__, t) => (i * t) % 3),
}));
const vocabulary = Vocabulary.fromTexts(records.map(({ text }) => text));
const scale = normalizer(records, field.series("values"));
const data = batches(records, {
  x: { tokens: field.tokens("text", vocabulary), values: field.series("values", { normalizer: scale }) },
  target: field.labels("tags", 3),
  batch: 4,
  shuffle: true,
  seed: 2,
});

const spec: TrainingSpec = {
  optimizer: { name: "adam", lr: 0.02, betas: [0.8, 0.99], amsgrad: true },
  schedule: { name: "plateau", factor: 0.5, patience: 0 },
  clipNorm: 1,
  seed: 5,
  carryState: true,
};
const loss = crossEntropy({ labelSmoothing: 0.1 });

/** Trains some steps; after each the schedule hears its loss as if it were of a validation. */
async function train({ trainer, schedule }: Training, steps: number): Promise<number[][]> {
  const seen: number[][] = [];
  for await (const { loss, gradNorm, lr } of trainer.fit(data.from(trainer.steps), { steps })) {
    seen.push([loss, gradNorm, lr]);
    schedule.observe?.(loss);
  }
  return seen;
}

const begin = (runtime: Runtime, changes: Partial<TrainingSpec> = {}) => {
  const model = new Tagger();
  runtime.initialize(model, { seed: 9 });
  return makeTraining(runtime, model, { ...spec, ...changes }, { loss });
};

const { onEach } = await backendsForTests();

onEach(({ open }) => {
  test("a training that was saved goes on to the same losses, norms, rates and weights, bit for bit", async () => {
    using runtime = await open();
    const whole = begin(runtime);
    const expected = await train(whole, 9);
    const end = await saveTraining(whole);
    // The plateau has come down, so its state matters, and so do the noise and the carried state.
    expect(new Set(expected.map(([, , lr]) => lr)).size).toBeGreaterThan(2);
    for (const cut of [0, 4, 7]) {
      const first = begin(runtime);
      const before = await train(first, cut);
      const bytes = await saveTraining(first);
      using other = await open();
      const second = loadTraining(other, new Tagger(), readTraining(bytes), { loss });
      expect(second.trainer.steps).toBe(cut);
      expect([...before, ...(await train(second, 9 - cut))], `saved after ${cut}`).toEqual(expected);
      expect(await saveTraining(second)).toEqual(end);
    }
  });

  test("groups, averages and steps on several batches go on as well", async () => {
    using runtime = await open();
    const changes: Partial<TrainingSpec> = {
      accumulate: 2,
      ema: { decay: 0.75 },
      groups: [
        { match: "head", lr: 0.1, weightDecay: 0.01 },
        { match: "embedding", freeze: true },
      ],
    };
    const steps = async ({ trainer }: Training, count: number) => {
      const { epochs } = await trainer.fit(data.from(2 * trainer.steps), { steps: count });
      return epochs.map(({ loss }) => loss);
    };
    const whole = begin(runtime, changes);
    await steps(whole, 3);
    const bytes = await saveTraining(whole);
    const [expected, end] = [await steps(whole, 3), await saveTraining(whole)];
    using other = await open();
    const again = loadTraining(other, new Tagger(), readTraining(bytes), { loss });
    expect(await steps(again, 3)).toEqual(expected);
    expect(await saveTraining(again)).toEqual(end);
    expect(await again.trainer.averages()).toEqual(await whole.trainer.averages());
    expect(() => begin(runtime, { groups: [{ match: /head/, lr: 1 }] })).toThrow(OptionError);
  });

  test("without the state, the noise or the schedule's state it would be another training", async () => {
    using runtime = await open();
    const expected = await train(begin(runtime), 8);
    const first = begin(runtime);
    await train(first, 7);
    const saved = readTraining(await saveTraining(first));
    const last = async (changed: typeof saved) => {
      const again = loadTraining(runtime, new Tagger(), changed, { loss });
      return (await train(again, 1))[0];
    };
    expect(await last(saved)).toEqual(expected[7]);
    const { "carry.h": _, ...state } = saved.state;
    expect(await last({ ...saved, state })).not.toEqual(expected[7]);
    expect(await last({ ...saved, spec: { ...saved.spec, seed: 6 } })).not.toEqual(expected[7]);
    expect(await last({ ...saved, scheduleState: [1, 0] })).not.toEqual(expected[7]);
    expect(await last({ ...saved, step: 6 })).not.toEqual(expected[7]);
  });
});

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());

describe("the file", () => {
  test("holds what else going on needs, as JSON, and the weights alone for a model that only runs", async () => {
    const training = begin(runtime);
    await train(training, 2);
    const bytes = await saveTraining(training, { vocabulary, scale, note: "한", sizes: [8], none: undefined });
    const saved = readTraining(bytes, "run.safetensors");
    expect(saved.metadata).toEqual({ vocabulary: vocabulary.toJSON(), scale: scale.toJSON(), note: "한", sizes: [8] });
    expect(Vocabulary.fromJSON(saved.metadata.vocabulary)).toEqual(vocabulary);
    expect(Normalizer.fromJSON(saved.metadata.scale)).toEqual(scale);
    expect(saved).toMatchObject({ name: "run.safetensors", step: 2, spec });
    expect(saved.weights).toEqual(await runtime.stateDict(training.model));
    const model = new Tagger();
    runtime.loadStateDict(model, saved.weights);
    expect(await runtime.stateDict(model)).toEqual(saved.weights);
    expect(Object.keys(readSafetensors(bytes).metadata)).toEqual(["training"]);
    expect(readTraining(await saveTraining(training)).metadata).toEqual({});
  });

  test("goes on with other settings where these are given, and with the saved ones otherwise", async () => {
    const first = begin(runtime);
    await train(first, 6);
    const saved = readTraining(await saveTraining(first));
    const rateOf = async (changes: Partial<TrainingSpec>) => {
      const again = loadTraining(runtime, new Tagger(), saved, { loss, changes });
      return (await train(again, 1))[0]![2]!;
    };
    const rate = await rateOf({});
    expect(rate).toBeLessThan(0.02);
    expect(await rateOf({ optimizer: { name: "adam", lr: 0.2, amsgrad: true } })).toBeCloseTo(10 * rate, 12);
    expect(await rateOf({ schedule: { name: "plateau" } })).toBe(0.02);
  });

  test.each<[string, unknown, string]>([
    ["a function", { split: () => [] }, "metadata: split is a function, which JSON cannot hold"],
    ["NaN", { scale: [1, Number.NaN] }, "metadata: 1 is NaN, which JSON cannot hold; give a finite number"],
    ["a typed array", { mean: Float32Array.of(1) }, "metadata: mean is a Float32Array, which JSON cannot hold"],
    ["a Map", { words: new Map() }, "metadata: words is a Map, which JSON cannot hold"],
    ["a bigint", { n: 1n }, "metadata: n is 1, which JSON cannot hold"],
    ["a hole", { list: [1, undefined] }, "metadata: list has undefined in it"],
  ])("is not written with %s, which would be lost", async (_, metadata, message) => {
    const saving = saveTraining(begin(runtime), metadata as never);
    await expect(saving).rejects.toThrow(OptionError);
    await expect(saveTraining(begin(runtime), metadata as never)).rejects.toThrow(message);
  });

  test("is not written of metadata that holds itself", async () => {
    const around: Record<string, unknown> = {};
    around.self = around;
    await expect(saveTraining(begin(runtime), around)).rejects.toThrow("metadata cannot be written as JSON");
  });

  test("is not written after a loss that was not finite", async () => {
    const training = begin(runtime);
    const weights = await runtime.stateDict(training.model);
    runtime.loadStateDict(training.model, {
      ...weights,
      "head.bias": { shape: [3], data: Float32Array.of(0, Number.NaN, 0) },
    });
    await expect(saveTraining(training)).rejects.toThrow("model.head.bias has a value that is not finite");
    await expect(train(training, 1)).rejects.toThrow(DivergedError);
    await expect(saveTraining(training)).rejects.toThrow(DivergedError);
  });

  test("fits the model and the optimizer that it was made with only, and then nothing is changed", async () => {
    const first = begin(runtime);
    await train(first, 1);
    const saved = readTraining(await saveTraining(first));
    const users = () => runtime.memory().models.length;
    const model = new Tagger(9);
    runtime.initialize(model, { seed: 1 });
    const [before, known] = [await runtime.stateDict(model), users()];
    expect(() => loadTraining(runtime, model, saved, { loss })).toThrow(StateDictError);
    expect(await runtime.stateDict(model)).toEqual(before);
    expect(users()).toBe(known);
    const momentum = { optimizer: { name: "sgd", momentum: 0.9 } } as const;
    expect(() => loadTraining(runtime, new Tagger(), saved, { loss, changes: momentum })).toThrow(
      "the checkpoint was not made with sgd and these options",
    );
    expect(() => loadTraining(runtime, new Tagger(), saved, { los: loss } as never)).toThrow('unknown option "los"');
  });
});

describe("a damaged file is refused", () => {
  const change = async (edit: (content: Record<string, unknown>) => unknown) => {
    const { tensors, metadata } = readSafetensors(await saveTraining(begin(runtime)));
    const content = JSON.parse(metadata.training!);
    return writeSafetensors(tensors, { training: JSON.stringify(edit(content) ?? content) });
  };
  test.each<[string, (content: Record<string, unknown>) => unknown, string]>([
    [
      "another format",
      (c) => ({ ...c, format: "x" }),
      'run: holds "x", expected "webgpu-rnn training"; name the file of a training',
    ],
    ["another version", (c) => ({ ...c, version: 2 }), "run: has format version 2, this webgpu-rnn reads version 1"],
    ["an unknown key", (c) => ({ ...c, more: 1 }), 'run: its description has the unknown key "more"'],
    ["no object", () => [], "run: holds an unnamed format"],
    ["a step that is none", (c) => ({ ...c, step: 1.5 }), "run: step is 1.5"],
    [
      "a schedule's state that is none",
      (c) => ({ ...c, scheduleState: [2, 0] }),
      "run: plateau: the saved state is [2, 0]",
    ],
    ["another schedule", (c) => ({ ...c, spec: { ...spec, schedule: undefined } }), "has no such state"],
    ["an unknown optimizer", (c) => ({ ...c, spec: { ...spec, optimizer: { name: "sgdx" } } }), "run: optimizer is "],
    ["no spec", (c) => ({ ...c, spec: null }), "run: spec is null"],
    ["no metadata", (c) => ({ ...c, metadata: 3 }), "run: metadata is 3"],
  ])("with %s", async (_, edit, message) => {
    const bytes = await change(edit);
    expect(() => readTraining(bytes, "run")).toThrow(FileFormatError);
    expect(() => readTraining(bytes, "run")).toThrow(message);
  });

  test("whatever JSON stands in its description, with a FileFormatError that can be read", async () => {
    const { tensors, metadata } = readSafetensors(await saveTraining(begin(runtime), { vocabulary }));
    const content = JSON.parse(metadata.training!);
    const paths = ["format", "version", "step", "scheduleState", "metadata", "spec", "spec.optimizer", "spec.schedule"];
    const inside = [
      "spec.optimizer.name",
      "spec.optimizer.lr",
      "spec.optimizer.betas",
      "spec.schedule.name",
      "spec.seed",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths, ...inside), fc.jsonValue(), (path, value) => {
        const changed = structuredClone(content);
        const keys = path.split(".");
        const parent = keys.slice(0, -1).reduce((within, key) => within[key], changed);
        parent[keys.at(-1)!] = value;
        try {
          readTraining(writeSafetensors(tensors, { training: JSON.stringify(changed) }), "run");
        } catch (error) {
          expect(error).toBeInstanceOf(FileFormatError);
          expect((error as Error).message).toMatch(/^run: /);
          expect((error as Error).message.length).toBeLessThan(1500);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("as is any other safetensors file", () => {
    const bytes = writeSafetensors({ w: { shape: [1], data: Float32Array.of(1) } });
    expect(() => readTraining(bytes, "weights")).toThrow(
      'weights: is not a training of webgpu-rnn: its metadata has no "training" (its tensors: w); name a file that saveTraining wrote',
    );
  });
});

test.each<[unknown, string]>([
  [{ ...spec, optimizer: { name: "adamx" } }, 'optimizer is "adamx"'],
  [{ ...spec, schedule: { name: "cosine" } }, "cosine: steps"],
  [{ ...spec, lr: 1 }, 'trainer: unknown option "lr"'],
  [{ ...spec, optimizer: adam() }, 'give its settings, such as { name: "adam", lr: 1e-3 }'],
  [{ ...spec, optimizer: { name: "adam", lr: Number.NaN } }, "training: lr is NaN, which JSON cannot hold"],
])("the training %j is not made", (wrong, message) => {
  expect(() => makeTraining(runtime, new Tagger(), wrong as never)).toThrow(OptionError);
  expect(() => makeTraining(runtime, new Tagger(), wrong as never)).toThrow(message);
});
