/** Files that were made to harm their reader: deep, large, or with long texts where a message would repeat them. */
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FileFormatError } from "../../src/errors.ts";
import {
  prepareText,
  Runtime,
  readCheckpoint,
  readSafetensors,
  type StateDict,
  saveCheckpoint,
  startTraining,
  writeSafetensors,
} from "../../src/index.ts";
import { refusalOf } from "../support/damage.ts";

/** A safetensors file with this header and these bytes after it. */
function file(header: string, data = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

afterEach(() => {
  vi.restoreAllMocks();
});

const long = "x".repeat(2_000_000);
const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';

describe("headers are refused before they are parsed", () => {
  test.each([
    ["5000 lists in each other", `{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`, /nested more than \d+ deep/],
    ["lists that never end", `{${"[".repeat(10_000)}`, /nested more than \d+ deep/],
    ["10 MB of objects in each other", '{"":'.repeat(2_500_000), /nested more than \d+ deep/],
    ["millions of values", `{"a":[${"[],".repeat(3_000_000)}[]]}`, /more than \d+ values/],
    [
      "hundreds of thousands of names",
      `{${Array.from({ length: 1_100_000 }, (_, i) => `"${i}":0`)}}`,
      /more than \d+ values/,
    ],
    ["a header that is too long", `{"a":"${"x".repeat(20_000_000)}"}`, /20000008 bytes long.*at most 16777216/],
  ])("%s", (_, header, message) => {
    const bytes = file(header);
    const parse = vi.spyOn(JSON, "parse");
    expect(refusalOf(() => readSafetensors(bytes, "model"))).toMatch(message);
    // Names are parsed one by one where they have escapes; the whole never is.
    expect(Math.max(0, ...parse.mock.calls.map(([text]) => text.length))).toBeLessThan(1000);
  });

  test("what is written can be read: a header beyond the bounds is refused by the writer", () => {
    expect(refusalOf(() => writeSafetensors({}, { notes: "x".repeat(2 ** 24) }))).toMatch(/at most 16777216/);
    const notes = { notes: "[".repeat(100_000) };
    expect(readSafetensors(writeSafetensors({}, notes)).metadata).toEqual(notes);
  });

  test("a text that does not end, and escapes that are none", () => {
    for (const header of ['{"a', '{"a\\', '{"a\\"', '{"\\x":1}', '{"a"', '{"a":"', "{}}", '{}{"a":1,"a":2}', '{]"a":1'])
      expect(refusalOf(() => readSafetensors(file(header), "model"))).toMatch(/is not JSON|twice/);
  });
});

describe("messages show the beginning of what is long", () => {
  test.each([
    ["a name", `{"${long}":1}`],
    ["a name of escapes", `{"${"\\u0000".repeat(300_000)}":1}`],
    ["a name that is there twice", `{"${long}":1,"${long}":2}`],
    ["a field", `{"a":{"${long}":1}}`],
    ["a dtype", `{"a":{"dtype":"${long}"}}`],
    ["a shape of texts", `{"a":{"dtype":"F32","shape":["${long}"]}}`],
    ["a shape of many axes", `{"a":{"dtype":"F32","shape":[${"1,".repeat(500_000)}1],"data_offsets":[0,8]}}`],
    ["a shape that is an object", `{"a":{"dtype":"F32","shape":{"${long}":{"${long}":1}}}}`],
    ["offsets", `{"a":{"dtype":"F32","shape":[1],"data_offsets":["${long}"]}}`],
    ["metadata", `{"__metadata__":"${long}"}`],
    ["metadata's name and value", `{"__metadata__":{"${long}":["${long}"]}}`],
    ["tensors without room", `{"${long}":${entry.replace("[1]", "[2]")}}`],
    ["tensors that overlap", `{"${long}":${entry},"${long}y":${entry}}`],
  ])("%s", (_, header) => {
    refusalOf(() => readSafetensors(file(header, new Uint8Array(4)), "model"));
  });

  test("the name of a 64-bit integer that does not fit", () => {
    const header = `{"${long}":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`;
    refusalOf(() => readSafetensors(file(header, new Uint8Array(8).fill(0x7f)), "model"));
  });
});

describe("checkpoints", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const text = "to and fro and to and fro again. ".repeat(20);
  const { vocabulary, fingerprint, training: windows } = prepareText(text, { window: 8, batch: 4 });
  const schedule = { name: "warmup", steps: 2, after: { name: "plateau", patience: 0 } } as const;
  const trained = startTraining(runtime, {
    config: { cell: "gru", embeddingDim: 4, hiddenSize: 4 },
    vocabulary,
    training: {
      window: 8,
      batch: 4,
      optimizer: { name: "adam" },
      schedule,
      seed: 1,
      validationFraction: 0,
      text: fingerprint,
      steps: 9,
    },
  });
  for await (const _ of trained.trainer.fit(windows.from(0), { steps: 2 }));
  trained.schedule.observe?.(3);
  const good = await saveCheckpoint(trained);
  const { tensors, metadata } = readSafetensors(good);
  const content = JSON.parse(metadata.checkpoint!);
  const withText = (checkpoint: string) => writeSafetensors(tensors, { checkpoint });
  const withContent = (changes: object) => withText(JSON.stringify({ ...content, ...changes }));
  const withTraining = (changes: object) => withContent({ training: { ...content.training, ...changes } });
  const withTensors = (change: (dict: StateDict) => void) => {
    const dict = { ...tensors };
    change(dict);
    return writeSafetensors(dict, metadata as Record<string, string>);
  };
  const one = { shape: [1], data: new Float32Array(1) };

  test.each<[string, Uint8Array, RegExp]>([
    ["an unknown key", withContent({ comment: 1 }), /unknown.*"comment"/],
    [
      "an unknown key in weights only",
      withText(JSON.stringify({ ...content, training: undefined })),
      /unknown.*"step"/,
    ],
    ["a key that is there twice", withText(`{"step":1,${JSON.stringify(content).slice(1)}`), /"step" twice/],
    ["a step of 1e15", withContent({ step: 1e15 }), /step is 1000000000000000, expected .* 4294967295/],
    ["a window of 2^40", withTraining({ window: 2 ** 40 }), /window is 1099511627776, expected/],
    ["a batch of 2^40", withTraining({ batch: 2 ** 40 }), /batch is 1099511627776, expected/],
    ["steps of 2^50", withTraining({ steps: 2 ** 50 }), /steps is 1125899906842624, expected/],
    ["a seed of 2^32", withTraining({ seed: 2 ** 32 }), /seed is 4294967296, expected/],
    ["windows that the text has no room for", withTraining({ window: 4096, batch: 4096 }), /16777216 characters.*text/],
    ["a fingerprint that is none", withTraining({ text: long }), /text is "x+…/],
    ["a state of another schedule", withContent({ scheduleState: [1] }), /saved state is \[1\]/],
    ["a state for a schedule without one", withTraining({ schedule: { name: "constant" } }), /scheduleState/],
    ["no state for a schedule that has one", withContent({ scheduleState: undefined }), /scheduleState is undefined/],
    ["schedules in each other", withTraining({ schedule: nested(400) }), /nested more than/],
    ["JSON that is deep", withText("[".repeat(100_000)), /nested more than/],
    ["a long step", withContent({ step: long }), /step is "x+…/],
    ["a long schedule state", withContent({ scheduleState: [long] }), /scheduleState is/],
    ["a long format", withContent({ format: long }), /holds "x+…/],
    ["a long version", withContent({ version: [[[long]]] }), /version/],
    ["a long key", withContent({ [long]: 1 }), /unknown/],
    ["a long cell", withContent({ config: { ...content.config, cell: long } }), /cell is "x+…/],
    ["a long layer count", withContent({ config: { ...content.config, numLayers: long } }), /numLayers is "x+…/],
    ["a long size of the vocabulary", withContent({ config: { ...content.config, vocabSize: long } }), /vocabSize/],
    ["a long option", withContent({ config: { ...content.config, [long]: 1 } }), /unknown option "x+…/],
    ["a long optimizer", withTraining({ optimizer: { name: long } }), /optimizer is "x+…/],
    ["a long optimizer option", withTraining({ optimizer: { name: "adam", [long]: 1 } }), /unknown option "x+…/],
    ["a long beta", withTraining({ optimizer: { name: "adam", betas: [long, long] } }), /betas\[0\] is "x+…/],
    ["a long vocabulary type", withContent({ vocabulary: { type: long } }), /vocabulary/],
    ["a long character", withContent({ vocabulary: { type: "characters", characters: [long] } }), /token 0 is "x+…/],
    ["a long tensor name", withTensors((dict) => Object.assign(dict, { [`model.${long}`]: one })), /unexpected/],
    ["a long foreign name", withTensors((dict) => Object.assign(dict, { [long]: one })), /not part of/],
    [
      "a state under a long name",
      withTensors((dict) => Object.assign(dict, { [`carry.${long}`]: one })),
      /not part of/,
    ],
    ["another program's long names", writeSafetensors({ [long]: one }), /not a character model/],
    [
      "many tensors too many",
      withTensors((dict) => {
        for (let i = 0; i < 5000; i++) dict[`model.some.longer.name.${i}`] = one;
      }),
      /unexpected.*5000 in all/,
    ],
  ])("%s", (_, bytes, message) => {
    expect(refusalOf(() => readCheckpoint(bytes, "model"))).toMatch(message);
  });

  test("a checkpoint is read, or refused with a FileFormatError that can be read, whatever is changed in it", () => {
    // Bytes change anywhere, mostly in the header; runs of them are copied, so that the structure breaks too.
    const headerBytes = Number(new DataView(good.buffer).getBigUint64(0, true));
    const place = fc.oneof(
      { weight: 4, arbitrary: fc.nat(8 + headerBytes - 1) },
      { weight: 1, arbitrary: fc.nat(good.length - 1) },
    );
    const change = fc.record({ at: place, from: place, length: fc.integer({ min: 1, max: 40 }), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), (changes, copies) => {
        const bytes = good.slice();
        for (const { at, from, length, byte } of changes) {
          if (copies) bytes.copyWithin(at, from, from + length);
          else bytes[at] = byte;
        }
        try {
          readCheckpoint(bytes, "model");
        } catch (error) {
          expect(error).toBeInstanceOf(FileFormatError);
          expect((error as Error).message).toMatch(/^model: /);
          expect((error as Error).message.length).toBeLessThan(1500);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("the values of a checkpoint's description may be any JSON", () => {
    const paths = [...leaves(content)].filter((path) => !path.includes("characters") || path.at(-1) === 0);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const changed = structuredClone(content);
        let parent = changed;
        for (const key of path.slice(0, -1)) parent = parent[key];
        parent[path.at(-1)!] = value;
        try {
          readCheckpoint(withText(JSON.stringify(changed)), "model");
        } catch (error) {
          expect(error).toBeInstanceOf(FileFormatError);
          expect((error as Error).message.length).toBeLessThan(1500);
        }
      }),
      { numRuns: 400 },
    );
  });
});

/** Warm-ups in each other. */
function nested(depth: number): object {
  let schedule: object = { name: "constant" };
  for (let i = 0; i < depth; i++) schedule = { name: "warmup", steps: 1, after: schedule };
  return schedule;
}

/** The path of every value in plain data, of objects and lists too. */
function* leaves(value: unknown, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path;
  if (value === null || typeof value !== "object") return;
  for (const [key, one] of Object.entries(value))
    yield* leaves(one, [...path, Array.isArray(value) ? Number(key) : key]);
}
