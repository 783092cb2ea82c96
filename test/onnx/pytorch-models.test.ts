/** Models that PyTorch's exporters wrote, against what PyTorch computes with them: scripts/pytorch_to_onnx.py. */
import "../support/all-commands.ts";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { importOnnx } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/tensor-data.ts";
import { runtimesForTests } from "../support/backends.ts";

const { onEach, runtimes } = await runtimesForTests();

interface Input {
  readonly shape: readonly number[];
  /** Makes it i32: whole numbers below this. */
  readonly below?: number;
  /** Makes it i32: these. */
  readonly data?: readonly number[];
}

interface Recorded {
  readonly name: string;
  readonly exporter: string;
  readonly opset: number;
  readonly operators: readonly string[];
  readonly cases: readonly {
    readonly inputs: Readonly<Record<string, Input>>;
    readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
  }[];
}

const folder = new URL("../recorded/onnx/", import.meta.url);
const models = readFileSync(new URL("pytorch-models.jsonl", folder), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

/** What the script makes up for input number j. */
function numbersOf({ shape, below, data }: Input, j: number) {
  if (data) return { shape, data: Int32Array.from(data) };
  const places = Array.from({ length: sizeOf(shape) }, (_, i) => i * 7919 + 101 * j);
  if (below !== undefined) return { shape, data: Int32Array.from(places, (i) => i % below) };
  return { shape, data: Float64Array.from(places, (i) => (i % 997) / 498.5 - 1) };
}

test("there are enough of them, of every kind", () => {
  expect(models.length).toBeGreaterThanOrEqual(70);
  expect(models.reduce((sum, { cases }) => sum + cases.length, 0)).toBeGreaterThanOrEqual(100);
  expect(new Set(models.map(({ exporter }) => exporter))).toEqual(new Set(["torchscript", "dynamo"]));
});

onEach(({ kind }) => {
  test.each(models.map((model) => [model.name, model] as const))("%s", async (name, { cases }) => {
    const runtime = runtimes[kind];
    const model = importOnnx(readFileSync(new URL(`${name}.onnx`, folder)), { name });
    for (const { inputs, outputs } of cases) {
      const given = Object.fromEntries(Object.entries(inputs).map(([key, input], j) => [key, numbersOf(input, j)]));
      const got = await runtime.predict(model, given);
      expect(Object.keys(got)).toEqual(Object.keys(outputs));
      for (const [key, { shape, data }] of Object.entries(outputs)) {
        expect([key, got[key]!.shape]).toEqual([key, shape]);
        data.forEach((value, i) => {
          const difference = Math.abs(got[key]!.data[i]! - value) / (1 + Math.abs(value));
          expect(difference, `${key}[${i}]: ${got[key]!.data[i]}, expected ${value}`).toBeLessThan(1e-5);
        });
      }
    }
    runtime.release(model);
  });
});
