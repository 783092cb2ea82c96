/** Models that TensorFlow.js wrote: ours give what it gave; and what is refused. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FileFormatError, Runtime } from "../../src/index.ts";
import { importTensorFlowJs } from "../../src/keras/index.ts";
import { damaged } from "../support/damage.ts";
import { difference, inputsOf, type RecordedCall } from "../support/recorded-calls.ts";

const folder = new URL("../recorded/tensorflow-js/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const callOf = (name: string): RecordedCall =>
  JSON.parse(readFileSync(new URL(`${name}.outputs.json`, folder), "utf8"))[0];

interface Weight {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: Record<string, unknown>;
}
interface ModelJson {
  format?: string;
  modelTopology: Record<string, unknown>;
  weightsManifest: { paths: string[]; weights: Weight[] }[];
}
const jsonOf = (name: string): ModelJson => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
const shardsOf = (name: string) =>
  Object.fromEntries([1, 2].map((n) => [`${name}-shard${n}of2.bin`, bytesOf(`${name}-shard${n}of2.bin`)]));

/** The error of an import, which must be a FileFormatError. */
async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(FileFormatError);
  return (error as Error).message;
}

describe("a LayersModel", () => {
  test.each([
    ["sequential", "cpu"],
    ["functional", "cpu"],
    ["functional", "wasm"],
  ] as const)("%s on %s gives TensorFlow.js's outputs", async (name, backend) => {
    const runtime = await Runtime.open({ backend });
    const model = await importTensorFlowJs(bytesOf(`${name}.json`), async (path) => bytesOf(path));
    const call = callOf(name);
    const outputs = await runtime.predict(model, inputsOf(model, call));
    for (const [i, output] of model.outputNames.entries())
      expect(difference(outputs[output]!, call.outputs[i]!)).toBeLessThan(2e-6);
    runtime.dispose();
  });

  test("is read from its text and an object too, its files from a record and a Map", async () => {
    const shards = shardsOf("functional");
    const json = jsonOf("functional");
    const models = await Promise.all([
      importTensorFlowJs(json, shards),
      importTensorFlowJs(JSON.stringify(json), new Map(Object.entries(shards))),
    ]);
    expect(models.map(({ inputNames }) => inputNames)).toEqual([
      ["source", "target"],
      ["source", "target"],
    ]);
  });

  test.each([
    ["uint8", 2e-2],
    ["uint16", 1e-4],
    ["float16", 5e-3],
  ] as const)("with weights of %s gives nearly the same", async (dtype, most) => {
    const json = jsonOf("functional");
    const stored = Object.values(shardsOf("functional"));
    const bytes = Uint8Array.from(stored.flatMap((part) => [...part]));
    const parts: Uint8Array[] = [];
    let at = 0;
    for (const weight of json.weightsManifest[0]!.weights) {
      const count = weight.shape.reduce((a, b) => a * b, 1);
      const values = new Float32Array(bytes.slice(at, at + 4 * count).buffer);
      at += 4 * count;
      const [min, max] = [Math.min(...values), Math.max(...values)];
      const steps = dtype === "uint8" ? 255 : 65535;
      const scale = max === min ? 1 : (max - min) / steps;
      weight.quantization = { dtype, original_dtype: "float32", ...(dtype !== "float16" && { scale, min }) };
      const codes = values.map((value) => Math.round((value - min) / scale));
      const packed =
        dtype === "uint8" ? Uint8Array.from(codes) : dtype === "uint16" ? Uint16Array.from(codes) : halves(values);
      parts.push(new Uint8Array(packed.buffer));
    }
    json.weightsManifest[0]!.paths = ["all.bin"];
    const runtime = await Runtime.open({ backend: "cpu" });
    const model = await importTensorFlowJs(json, { "all.bin": Uint8Array.from(parts.flatMap((part) => [...part])) });
    const call = callOf("functional");
    const outputs = await runtime.predict(model, inputsOf(model, call));
    for (const [i, output] of model.outputNames.entries()) {
      const off = difference(outputs[output]!, call.outputs[i]!);
      expect(off).toBeLessThan(most);
      expect(off).toBeGreaterThan(0);
    }
    runtime.dispose();
  });
});

/** float16 by cutting off the lower bits of float32, for numbers of about 1. */
function halves(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.slice().buffer);
  return Uint16Array.from(bits, (b) => {
    const exponent = ((b >>> 23) & 255) - 112;
    return exponent <= 0 ? 0 : ((b >>> 16) & 0x8000) | (exponent << 10) | ((b >>> 13) & 1023);
  });
}

describe("what is refused", () => {
  const change = (edit: (json: ModelJson) => void) => {
    const json = jsonOf("functional");
    edit(json);
    return importTensorFlowJs(json, shardsOf("functional"), { name: "model.json" });
  };
  const firstOf = (json: ModelJson) => json.weightsManifest[0]!.weights[0]!;
  test.each<[string, (json: ModelJson) => void, RegExp]>([
    ["a GraphModel", (json) => Object.assign(json, { format: "graph-model" }), /is a GraphModel/],
    ["no model", (json) => Object.assign(json, { modelTopology: null }), /is not described/],
    ["no weights", (json) => Object.assign(json, { weightsManifest: null }), /no weightsManifest/],
    [
      "a file that is missing",
      (json) => json.weightsManifest[0]!.paths.splice(0, 1, "other.bin"),
      /no file of weights "other\.bin"/,
    ],
    ["files that are too short", (json) => json.weightsManifest[0]!.paths.pop(), /should have 416 bytes, and has 207/],
    ["files that are too long", (json) => firstOf(json).shape.splice(0, 1, 1), /should have 384 bytes, and has more/],
    ["a path upwards", (json) => json.weightsManifest[0]!.paths.splice(0, 1, "../weights.bin"), /is no path beside it/],
    [
      "a path from the root",
      (json) => json.weightsManifest[0]!.paths.splice(0, 1, "/etc/passwd"),
      /is no path beside it/,
    ],
    [
      "an address",
      (json) => json.weightsManifest[0]!.paths.splice(0, 1, "https://example.org/a.bin"),
      /is no path beside it/,
    ],
    [
      "2^40 elements",
      (json) => Object.assign(firstOf(json), { shape: [2 ** 20, 2 ** 20] }),
      /more than 4294967296 bytes/,
    ],
    [
      "a size that overflows",
      (json) => Object.assign(firstOf(json), { shape: Array(12).fill(2 ** 50) }),
      /more than 4294967296 bytes/,
    ],
    ["a negative size", (json) => Object.assign(firstOf(json), { shape: [-2, 8] }), /of shape/],
    [
      "an unknown type",
      (json) => Object.assign(firstOf(json), { dtype: "complex64" }),
      /of type "complex64"; known are/,
    ],
    [
      "a scale that overflows",
      (json) => Object.assign(firstOf(json), { quantization: { dtype: "uint16", scale: 1e38, min: 0 } }),
      /whose numbers f32 does not have/,
    ],
    [
      "a scale that is no number",
      (json) => Object.assign(firstOf(json), { quantization: { dtype: "uint8", scale: "1", min: 0 } }),
      /quantised with scale "1"/,
    ],
    [
      "a weight twice",
      (json) => Object.assign(firstOf(json), { name: json.weightsManifest[0]!.weights[1]!.name }),
      /twice|needs|has no weights/,
    ],
    [
      "a weight of no layer",
      (json) => Object.assign(firstOf(json), { name: "nobody/kernel" }),
      /"nobody\/kernel" of no layer/,
    ],
  ])("%s", async (_, edit, message) => {
    expect(await refusalOf(change(edit))).toMatch(message);
  });

  test("damaged descriptions are read or refused", async () => {
    let refused = 0;
    for (const bytes of damaged(bytesOf("functional.json"), { count: 300, seed: 3 }))
      await importTensorFlowJs(bytes, shardsOf("functional")).catch((error: unknown) => {
        if (!(error instanceof FileFormatError)) throw error;
        refused++;
      });
    expect(refused).toBeGreaterThan(50);
  });
});
