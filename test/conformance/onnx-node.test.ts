/**
 * The ONNX standard's own node tests of recurrent operators, from two versions: 1.12 as released, and a later development
 * version. Tolerances are those of ONNX's backend test runner, 1e-7 + 1e-3 * |expected|, as the files say.
 *
 * The gates of these tests have equal weights, so they notice no wrong order of gates; onnxruntime.test.ts does.
 */
import { expect } from "vitest";
import { embedding } from "../../src/graph/ops/embedding.ts";
import { reshape } from "../../src/graph/ops/layout.ts";
import { Linear, type Runtime } from "../../src/index.ts";
import { expectClose, mixed } from "./close.ts";
import { type OnnxAttributes, type OnnxTensor, onnxLayer, onnxOutputs } from "./onnx.ts";
import { integersOf, type Layer, runLayer, tensorOf } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";

interface Case {
  readonly name: string;
  readonly op: string;
  readonly attributes: OnnxAttributes & { readonly batch_axis?: number };
  readonly inputs: readonly OnnxTensor[];
  readonly expected: readonly OnnxTensor[];
}

interface Vectors {
  readonly rtol: number;
  readonly atol: number;
  readonly cases: readonly Case[];
}

/** An element of the case with the tolerance of its file. */
interface Given extends Case {
  readonly rtol: number;
  readonly atol: number;
}

/**
 * ReverseSequence is no layer: our reverse directions read backwards where the sequence lies. As rows gathered from x by
 * the embedding op it is still ours; the runner works out which rows.
 */
async function reverseSequence(runtime: Runtime, { attributes, inputs }: Case): Promise<Float32Array> {
  const [x, lengths] = inputs as [OnnxTensor, OnnxTensor];
  const [first, second] = x.shape as [number, number];
  const rows = Array.from({ length: first * second }, (_, i) => {
    const [a, b] = [Math.floor(i / second), i % second];
    const [t, sequence] = attributes.batch_axis === 1 ? [a, b] : [b, a];
    const length = lengths.data[sequence]!;
    const from = t < length ? length - 1 - t : t;
    return attributes.batch_axis === 1 ? from * second + b : a * second + from;
  });
  const program = await runtime.compile(new Linear({ inFeatures: 1, outFeatures: 1 }), {
    inputs: { x: { shape: x.shape }, rows: { shape: [rows.length], dtype: "i32" } },
    forward: ({ x, rows }) => ({ y: embedding("reverse", rows!, reshape(x!, [first * second, 1])) }),
  });
  const { y } = await program.run({ x: tensorOf(x.shape, x.data), rows: integersOf([rows.length], rows) });
  program.dispose();
  return y!.data as Float32Array;
}

async function run(given: Given, runtime: Runtime): Promise<void> {
  const bound = mixed(given.atol, given.rtol);
  if (given.op === "ReverseSequence") {
    expectClose("y", await reverseSequence(runtime, given), given.expected[0]!.data, bound);
    return;
  }
  const inputs = Object.fromEntries(given.inputs.map((tensor) => [tensor.name, tensor]));
  const layer = onnxLayer(given.op.toLowerCase() as Layer["cell"], given.attributes, inputs);
  const outputs = onnxOutputs(layer, await runLayer(runtime, layer));
  for (const { name, shape, data } of given.expected) {
    expect(outputs[name]!.shape, name).toEqual(shape);
    expectClose(name, outputs[name]!.data, data, bound);
  }
}

for (const [file, cases] of [
  ["onnx_node_rnn_1.12", 12],
  ["onnx_node_rnn_head", 20],
] as const) {
  describeSuite<Vectors, Given>({
    file,
    casesOf: ({ rtol, atol, cases }) => cases.map((given) => ({ ...given, rtol, atol })),
    nameOf: ({ name }) => name,
    counts: { cases, passed: cases, notApplicable: 0 },
    run,
  });
}
