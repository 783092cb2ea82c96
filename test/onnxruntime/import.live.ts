/** Imported models beside ONNX Runtime as it is: the published ones for 300 calls with their state, and every operator's graphs. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { importOnnx } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/tensor-data.ts";
import { backendsForTests } from "../support/backends.ts";
import { allCases } from "../support/onnx-all-cases.ts";
import { numbers, onnxFile } from "../support/onnx-graphs.ts";
import { absent, pathOf, publishedModels, tensorsOf } from "../support/onnx-models.ts";
import { ReferenceModel } from "./onnxruntime.ts";

const { onEach } = await backendsForTests();
const CALLS = { wasm: 300, gpu: 300, cpu: 10 };

/** The largest difference of two lists of numbers. */
const difference = (a: ArrayLike<number>, b: readonly number[]) =>
  b.reduce((most, x, i) => Math.max(most, Math.abs(a[i]! - x)), 0);

describe.each(publishedModels)("$name", (published) => {
  const path = pathOf(published);
  const { state, inputs, at } = published;
  onEach(({ kind, open }) => {
    test("is within 1e-4 at every call, its state at the end", async (context) => {
      context.skip(!path, absent(published));
      const reference = await ReferenceModel.open(path!);
      const runtime = await open();
      const model = importOnnx(readFileSync(path!), { states: { [state.output]: state.input } });
      const session = await runtime.session(model, { inputs });
      let carried = numbers("FLOAT", Array(sizeOf(state.shape)).fill(0), state.shape);
      for (let call = 1; call <= CALLS[kind]; call++) {
        const given = at(call);
        const expected = await reference.run({ ...given, [state.input]: carried });
        carried = numbers("FLOAT", expected[state.output]!.data, state.shape);
        const got = await session.run(tensorsOf(given));
        for (const [name, { shape, data }] of Object.entries(got)) {
          expect(shape).toEqual(expected[name]!.shape);
          expect(difference(data, expected[name]!.data), `${name} of call ${call}`).toBeLessThan(1e-4);
        }
      }
      const [own] = Object.values(await session.state());
      // Cell states add up to hundreds in as many calls: float32 has seven digits of them.
      for (const [i, x] of carried.values.entries())
        expect(Math.abs(own!.data[i]! - x) / Math.max(1, Math.abs(x)), `state ${i}`).toBeLessThan(1e-4);
      await reference.close();
      runtime.dispose();
    });
  });
});

onEach(({ kind, open }) => {
  test("every operator's graph gives the same", async () => {
    const runtime = await open();
    const running = allCases.filter(({ inputs }) => Object.keys(inputs).length > 0);
    for (const { name, graph, inputs } of running) {
      const file = onnxFile(graph);
      const reference = await ReferenceModel.open(file);
      const expected = await reference.run(inputs);
      const model = importOnnx(file);
      const got = await runtime.predict(model, tensorsOf(inputs));
      for (const output of graph.outputs) {
        expect(got[output]!.shape, name).toEqual(expected[output]!.shape);
        const scale = expected[output]!.data.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
        expect(difference(got[output]!.data, expected[output]!.data) / scale, name).toBeLessThan(1e-5);
      }
      runtime.release(model);
      await reference.close();
    }
    runtime.dispose();
    expect(running.length, kind).toBeGreaterThan(250);
  });
}, "operators");
