/** Every operator against numbers that ONNX Runtime gave (test/onnxruntime/record.ts), on the device and on the host. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { TensorData } from "../../src/index.ts";
import { importOnnx } from "../../src/onnx/import.ts";
import { operators } from "../../src/onnx/operators/index.ts";
import { runtimesForTests } from "../support/backends.ts";
import { allCases } from "../support/onnx-all-cases.ts";
import { type OnnxNumbers, onnxFile } from "../support/onnx-graphs.ts";

type Recorded = Record<string, Record<string, { readonly shape: number[]; readonly data: number[] }>>;
const recorded: Recorded = Object.fromEntries(
  readFileSync(new URL("../recorded/onnx-operators.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ name, outputs }) => [name, outputs]),
);

const isFloat = (type: string) => type === "FLOAT" || type === "DOUBLE";
const given = (inputs: Readonly<Record<string, OnnxNumbers>>): Record<string, TensorData> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { type, shape, values }]) => [
      name,
      { shape, data: isFloat(type) ? Float32Array.from(values) : Int32Array.from(values) },
    ]),
  );

function expectClose(got: { shape: readonly number[]; data: ArrayLike<number> }, name: string, output: string): void {
  const { shape, data } = recorded[name]![output]!;
  expect(got.shape, `shape of ${output}`).toEqual(shape);
  const far = data.findIndex((x, i) => !(Math.abs(got.data[i]! - x) <= 1e-6 + 1e-5 * Math.abs(x)) && got.data[i] !== x);
  expect({ at: far, got: got.data[far], expected: data[far] }).toEqual({ at: -1 });
}

test("each known operator has a case", () => {
  const tested = new Set(allCases.flatMap(({ graph }) => graph.nodes.map(({ opType }) => opType)));
  expect(Object.keys(operators).filter((name) => !tested.has(name))).toEqual([]);
  expect(Object.keys(recorded).sort()).toEqual(allCases.map(({ name }) => name).sort());
});

describe("on the host", () => {
  const folded = allCases.filter(({ graph }) => graph.nodes.every(({ opType }) => operators[opType!]?.host));
  test.each(folded)("$name", ({ name, graph, inputs }) => {
    const initializers = { ...graph.initializers, ...inputs };
    const model = importOnnx(onnxFile({ ...graph, inputs: {}, initializers }));
    for (const [output, tensor] of Object.entries(model.forward({}))) {
      // Weights become parameters; what is no weight is a constant of the plan.
      const { source } = tensor!;
      const data = source?.kind === "constant" ? source.values : parameterValues(source);
      expectClose({ shape: tensor!.shape, data }, name, output);
    }
  });
});

/** What a parameter begins with. */
function parameterValues(source: unknown): ArrayLike<number> {
  const { parameter } = source as { parameter: { parts: readonly unknown[]; initializer(): ArrayLike<number> } };
  return parameter.initializer();
}

const { onEach, runtimes } = await runtimesForTests();
onEach(({ kind }) => {
  // The twins' numbers are those of the functions' own tests; a graph on a GPU is a plan of kernels that have theirs.
  const running = allCases.filter(({ inputs }) => Object.keys(inputs).length > 0);
  const cases = kind === "wasm" ? running : running.filter((_, i) => i % 16 === 0);
  test.each(cases)("$name", async ({ name, graph, inputs }) => {
    const runtime = runtimes[kind];
    const model = importOnnx(onnxFile(graph));
    const outputs = await runtime.predict(model, given(inputs));
    for (const output of graph.outputs) expectClose(outputs[output]!, name, output);
    runtime.release(model);
  });
});
