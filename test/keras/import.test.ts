/** Models that Keras wrote: ours give what Keras gave. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { adam, importWeights, mse, Runtime, type Tensor } from "../../src/index.ts";
import { importKeras, readKerasWeights } from "../../src/keras/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { refusalOf } from "../support/damage.ts";
import { difference, inputsOf, type RecordedCall, tensorOf } from "../support/recorded-calls.ts";

const folder = new URL("../recorded/keras/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

const callsOf = (name: string): RecordedCall[] => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));

const { onEach } = await backendsForTests();

const models = [
  ["sequential.keras", "sequential"],
  ["convolution.keras", "convolution"],
  ["sequential.h5", "sequential"],
  ["functional.keras", "functional"],
  ["recurrent.h5", "recurrent"],
] as const;

onEach(({ kind, open }) => {
  // Software adapters take seconds to compile what the others need; all of it is on the two other backends.
  test.each(kind === "gpu" ? models.slice(0, 2) : models)("%s gives Keras's outputs", async (file, name) => {
    const runtime = await open();
    const model = importKeras(bytesOf(file), { name: file });
    const [call] = callsOf(name) as [RecordedCall];
    const outputs = await runtime.predict(model, inputsOf(model, call));
    const names = model.outputNames;
    expect(Object.keys(outputs)).toEqual([...names]);
    const differences = names.map((output, i) => [output, difference(outputs[output]!, call.outputs[i]!)] as const);
    expect(differences.filter(([, most]) => !(most < 2e-6))).toEqual([]);
    runtime.dispose();
  });
});

describe("a model", () => {
  test("that is stateful goes on from call to call, in a session too", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const model = importKeras(bytesOf("stateful.keras"));
    const calls = callsOf("stateful");
    const session = await runtime.session(model, { inputs: { x: [2, 3, 2] }, streams: 2 });
    for (const call of calls) {
      const { output } = await session.run({ x: tensorOf(call.inputs[0]!) });
      expect(difference(output!, call.outputs[0]!)).toBeLessThan(2e-6);
    }
    // Step by step it is the same.
    const steps = await runtime.session(importKeras(bytesOf("stateful.keras")), {
      inputs: { x: [2, 1, 2] },
      streams: 2,
    });
    const [first] = calls as [RecordedCall];
    for (let t = 0; t < 3; t++) {
      const x = Float32Array.from([0, 1].flatMap((b) => first.inputs[0]!.data.slice(6 * b + 2 * t, 6 * b + 2 * t + 2)));
      const { output } = await steps.run({ x: { shape: [2, 1, 2], data: x } });
      for (const b of [0, 1]) expect(output!.data[b]).toBeCloseTo(first.outputs[0]!.data[3 * b + t]!, 5);
    }
    runtime.dispose();
  });

  test("that is not can be made so", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const whole = importKeras(bytesOf("stateful.keras"), { stateful: false });
    const [first] = callsOf("stateful") as [RecordedCall];
    const { output, ...others } = await runtime.predict(whole, tensorOf(first.inputs[0]!));
    expect(others).toEqual({});
    expect(difference(output!, first.outputs[0]!)).toBeLessThan(2e-6);
    await expect(runtime.session(whole, { inputs: { x: [2, 1, 2] }, streams: 2 })).rejects.toThrow(/returns no state/);
    runtime.dispose();
  });

  test("has our names, and is trained further", async () => {
    const runtime = await Runtime.open({ backend: "wasm" });
    const model = importKeras(bytesOf("sequential.keras"));
    const names = Object.keys(await runtime.stateDict(model));
    expect(names).toContain("layers.bidirectional.weight_hh_l0_reverse");
    expect(names).toContain("layers.classes.weight");
    const [call] = callsOf("sequential") as [RecordedCall];
    const batch = { x: tensorOf(call.inputs[0]!), target: { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 0) } };
    const loss = ({ output }: { output: Tensor }, target: Tensor) => mse().apply(output, target);
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.05 }), loss: loss as never, seed: 1 });
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) losses.push((await trainer.step(batch)).loss);
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
    runtime.dispose();
  });

  test("that cannot be imported is refused with everything that is wrong", () => {
    const message = refusalOf(() => importKeras(bytesOf("refused.keras"), { name: "m.keras" }));
    for (const part of [
      'm.keras: cannot be imported: layer "code" (Lambda) is of a class',
      '"sparse" (Dense) activation is "sparsemax"',
      '"noise" (GaussianNoise)',
      '"groups" (Conv1D) groups is 2',
      "readKerasWeights",
    ])
      expect(message).toContain(part);
  });

  test("of weights alone has no description", () => {
    for (const name of ["sequential.weights.h5", "keras-2-weights.h5"])
      expect(refusalOf(() => importKeras(bytesOf(name)))).toMatch(/holds weights alone.*readKerasWeights/);
  });
});

describe("weights alone", () => {
  const shapesOf = (weights: Record<string, { shape: readonly number[] }>) =>
    Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));

  test("have the same names from every layout", () => {
    const [whole, alone, legacy] = ["sequential.keras", "sequential.weights.h5", "sequential.h5"].map((name) =>
      readKerasWeights(bytesOf(name)),
    );
    for (const [layer, weights] of Object.entries(legacy!).filter(([, own]) => Object.keys(own).length > 0)) {
      expect(alone![layer], layer).toEqual(weights);
      expect(whole![layer], layer).toEqual(weights);
    }
    expect(shapesOf(alone!.bidirectional!)).toEqual({
      "forward_layer/kernel": [4, 12],
      "forward_layer/recurrent_kernel": [3, 12],
      "forward_layer/bias": [12],
      "backward_layer/kernel": [4, 12],
      "backward_layer/recurrent_kernel": [3, 12],
      "backward_layer/bias": [12],
    });
  });

  test("of Keras 2 go to importWeights", () => {
    const { bidirectional, dense, input_1 } = readKerasWeights(bytesOf("keras-2-weights.h5"));
    const own = importWeights("keras", "gru", bidirectional!, { path: "rnn" });
    expect(own["rnn.weight_hh_l0_reverse"]!.shape).toEqual([9, 3]);
    expect(shapesOf(dense!)).toEqual({ kernel: [6, 2], bias: [2] });
    expect([dense!.kernel!.dtype, dense!.bias!.dtype]).toEqual(["float16", "float64"]);
    expect(input_1).toEqual({});
  });

  test("of bfloat16 are what they are", () => {
    const { half } = readKerasWeights(bytesOf("bfloat16.weights.h5"));
    expect(half!.kernel).toEqual({
      shape: [3, 2],
      data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25),
      dtype: "bfloat16",
    });
  });
});
