/** docs/pytorch.md and docs/keras.md: their code runs as it stands there, and the tables name what there is. */
import { afterAll, expect, test } from "vitest";
import { activationsKnown } from "../src/keras/activations.ts";
import { layersKnown } from "../src/keras/layers.ts";
import type { Runtime, StateDict, TensorData } from "../src/node.ts";
import { elementTypes } from "../src/pytorch/elements.ts";
import { runPage } from "./support/page-code.ts";

interface PyTorchPage {
  readonly found: string[];
  readonly epoch: number;
  readonly runtime: Runtime;
}
interface KerasPage {
  readonly runtime: Runtime;
  readonly output: TensorData;
  readonly report: { readonly loss: number };
  readonly step: { readonly output: TensorData };
  readonly gru: StateDict;
  readonly state: StateDict;
  readonly pair: { readonly outputNames: readonly string[] };
}
const pytorch = await runPage<PyTorchPage>("pytorch.md");
const keras = await runPage<KerasPage>("keras.md");
afterAll(() => {
  pytorch.made.runtime.dispose();
  keras.made.runtime.dispose();
});

test("pytorch.md does what it says", () => {
  const { found, epoch } = pytorch.made;
  expect([found, epoch]).toEqual([["model", "ema.shadow"], 3]);
  for (const name of Object.keys(elementTypes)) expect(pytorch.text).toContain(name);
});

test("keras.md does what it says", () => {
  const { output, report, step, gru, state, pair } = keras.made;
  expect(output.shape).toEqual([3, 2]);
  expect(report.loss).toBeGreaterThan(0);
  expect(step.output.shape).toEqual([2, 1, 1]);
  expect(Object.keys(gru)).toEqual(["kernel", "recurrent_kernel", "bias"]);
  expect(state["classes.weight"]!.shape).toEqual([2, 3]);
  expect(pair.outputNames).toEqual(["joined", "simple"]);
});

test("keras.md names every layer and activation", () => {
  expect(layersKnown.filter((name) => name !== "InputLayer" && !keras.text.includes(name))).toEqual([]);
  expect(activationsKnown.filter((name) => !keras.text.includes(name))).toEqual([]);
});

test("keras.md has the package's types", () => {
  expect(keras.typeFaults({})).toEqual([]);
});
