/** docs/export.md: its code runs as it stands there. */
import { afterAll, expect, test } from "vitest";
import type { Module, Runtime, TensorData } from "../../src/index.ts";
import { inspectOnnx, type OnnxSummary } from "../../src/onnx/index.ts";
import type { PyTorchProject } from "../../src/pytorch/index.ts";
import { askForAdapter } from "../support/environment.ts";
import { runPage } from "../support/page-code.ts";

interface Page extends Pick<OnnxSummary, "inputs" | "outputs" | "operators"> {
  readonly runtime: Runtime;
  readonly listener: Module;
  readonly file: Uint8Array;
  readonly tags: Uint8Array;
  readonly probabilities: TensorData;
  readonly project: PyTorchProject;
}

await askForAdapter();
const { made, typeFaults } = await runPage<Page>("export.md");
afterAll(() => made.runtime.dispose());

test("the code is right by its types", () => {
  expect(typeFaults({})).toEqual([]);
});

test("the file has the states that the page says", () => {
  expect(made.inputs.map(({ name, shape }) => [name, shape])).toEqual([
    ["x", ["T", "B", 4]],
    ["state.h", [2, "B", 6]],
  ]);
  expect(made.outputs.map(({ name }) => name)).toEqual(["probabilities", "next.h"]);
  expect(made.operators.GRU).toBe(2);
});

test("what comes back says what the model says", async () => {
  const session = await made.runtime.session(made.listener, { inputs: { x: [1, 2, 4] }, streams: 2 });
  const x = { shape: [1, 2, 4], data: new Float32Array(8).fill(0.5) };
  const { probabilities } = await session.run({ x });
  const worst = Array.from(probabilities!.data, (value, i) => Math.abs(value - made.probabilities.data[i]!));
  expect(made.probabilities.shape).toEqual([1, 2, 3]);
  expect(Math.max(...worst)).toBeLessThan(1e-6);
});

test("another forward is written, and a project", () => {
  const { inputs, outputs, operators } = inspectOnnx(made.tags);
  expect(inputs.map(({ name }) => name)).toEqual(["tokens", "lengths"]);
  expect(outputs).toEqual([{ name: "tag", type: "INT32", shape: ["T", "B"] }]);
  expect(operators.ArgMax).toBe(1);
  expect(Object.keys(made.project)).toEqual(["model.py", "model.safetensors", "checkpoint.py"]);
});
