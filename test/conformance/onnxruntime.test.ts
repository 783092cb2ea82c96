/**
 * ONNX Runtime's own tests of RNN, GRU and LSTM and of its operators for training.
 *
 * Tolerances: 1e-4 absolute forward, which is what its LSTM tests ask for and what the printed digits allow everywhere;
 * gradients 1e-6 of the largest one of the case, or of 1. The printed digits allow no less: the operators' own equations in
 * float64 come within 3.5e-6 of a tensor's largest number, so on the CPU 4e-6 of that is asked for as well.
 */
import { expect } from "vitest";
import { type Runtime, WebGpuRnnError } from "../../src/index.ts";
import { absolute, expectClose, ofScale } from "./close.ts";
import { type OnnxAttributes, type OnnxTensor, onnxLayer, onnxOutputs } from "./onnx.ts";
import { onnxGradients } from "./onnx-gradients.ts";
import { type Layer, runLayer, tensorOf } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";

interface Case {
  readonly test: string;
  readonly run: number;
  readonly op: string;
  readonly expect: "success" | "failure";
  readonly atol?: number | null;
  readonly attributes: OnnxAttributes;
  readonly inputs: readonly (OnnxTensor | null)[];
  readonly outputs: readonly (OnnxTensor | null)[];
}

const forward = absolute(1e-4);
const parts = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"];

const cellOf = (op: string) => op.slice(0, op.startsWith("LSTM") ? 4 : 3).toLowerCase() as Layer["cell"];

/** The node's inputs by ONNX's names, whatever the test calls them. */
const byPosition = (inputs: Case["inputs"]): Record<string, OnnxTensor> =>
  Object.fromEntries(inputs.flatMap((tensor, i) => (tensor ? [[parts[i]!, tensor]] : [])));

async function runForward(given: Case, runtime: Runtime): Promise<void> {
  const cell = cellOf(given.op);
  const layer = () => onnxLayer(cell, given.attributes, byPosition(given.inputs));
  if (given.expect === "failure") {
    // The layer itself, its weights or its inputs are refused; nothing is computed.
    await expect(async () => runLayer(runtime, layer())).rejects.toThrow(WebGpuRnnError);
    return;
  }
  const outputs = onnxOutputs(layer(), await runLayer(runtime, layer()));
  for (const expected of given.outputs) {
    if (!expected) continue;
    const actual = outputs[expected.name]!;
    expect(actual.shape, expected.name).toEqual(expected.shape);
    expectClose(expected.name, actual.data, expected.data, absolute(given.atol ?? 1e-4));
  }
}

/** LSTMTraining and GRUTraining: a layer's outputs, and what their gradient operators want to be given. */
async function runTraining(given: Case, runtime: Runtime): Promise<void> {
  const cell = cellOf(given.op);
  const layer = onnxLayer(cell, given.attributes, byPosition(given.inputs));
  const { Y, Y_h, Y_c } = onnxOutputs(layer, await runLayer(runtime, layer));
  const actual: Record<string, Iterable<number>> = { HAll: Y!.data, final_h: Y_h!.data };
  if (Y_c) {
    // The cells of all steps, each as the final state of a sequence that ends there.
    const [T, B, I] = layer.x.shape as [number, number, number];
    const cells: number[] = [];
    for (let t = 1; t <= T; t++) {
      const x = tensorOf([t, B, I], layer.x.data.subarray(0, t * B * I));
      cells.push(...(await runLayer(runtime, { ...layer, x })).cn!.data);
    }
    Object.assign(actual, { final_c: Y_c.data, CAll: cells });
  }
  const compared = given.outputs.flatMap((output) => (output && actual[output.name] ? [output] : []));
  expect(compared.map(({ name }) => name)).toEqual(Object.keys(actual).sort(byOrderOf(given)));
  for (const { name, data } of compared) expectClose(name, Float64Array.from(actual[name]!), data, forward);
}

const byOrderOf = (given: Case) => (a: string, b: string) =>
  given.outputs.findIndex((o) => o?.name === a) - given.outputs.findIndex((o) => o?.name === b);

/** LSTMGrad and GRUGrad: gradients by X, W, R and B of the sum of the outputs times what is given. */
async function runGradient(given: Case, runtime: Runtime): Promise<void> {
  const largest = Math.max(1, ...given.outputs.flatMap((output) => output!.data.map(Math.abs)));
  const inputs = Object.fromEntries(given.inputs.flatMap((tensor) => (tensor ? [[tensor.name, tensor]] : [])));
  const actual = await onnxGradients(runtime, cellOf(given.op) as "lstm" | "gru", inputs);
  for (const expected of given.outputs) {
    const { shape, data } = actual[expected!.name]!;
    expect(shape, expected!.name).toEqual(expected!.shape);
    expectClose(expected!.name, data, expected!.data, absolute(1e-6 * largest));
    if (runtime.backend === "cpu") expectClose(expected!.name, data, expected!.data, ofScale(4e-6));
  }
}

describeSuite<{ readonly cases: readonly Case[] }, Case>({
  file: "onnxruntime_rnn_1.21",
  casesOf: ({ cases }) => cases,
  nameOf: ({ test, op, run }) => `${op} ${test} ${run}`,
  notApplicable: {},
  counts: { cases: 138, passed: 138, notApplicable: 0 },
  run(given, runtime) {
    if (given.op.endsWith("Training")) return runTraining(given, runtime);
    return given.op.endsWith("Grad") ? runGradient(given, runtime) : runForward(given, runtime);
  },
});
