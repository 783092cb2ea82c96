/** The published models call after call, against numbers that ONNX Runtime gave (test/onnxruntime/record.ts). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { importOnnx, inspectOnnx } from "../../src/onnx/index.ts";
import { runtimesForTests } from "../support/backends.ts";
import { absent, pathOf, publishedModels, recordedModels, someOf, tensorsOf } from "../support/onnx-models.ts";

const { onEach, runtimes } = await runtimesForTests();

/** test/onnxruntime compares all 300 calls on each. */
const calls = { wasm: 300, gpu: 10, cpu: 2 };

describe.each(publishedModels)("$name", (published) => {
  const path = pathOf(published);
  const { name, state, output, inputs, at } = published;
  const expected = recordedModels().find((one) => one.name === name)!;

  onEach(({ kind }) => {
    test("gives ONNX Runtime's numbers, call after call", async (context) => {
      context.skip(!path, absent(published));
      const runtime = runtimes[kind];
      const model = importOnnx(readFileSync(path!), { states: { [state.output]: state.input }, name });
      const session = await runtime.session(model, { inputs });
      let compared = 0;
      for (let call = 1; call <= calls[kind]; call++) {
        const got = await session.run(tensorsOf(at(call)));
        expect(Object.keys(got)).toEqual([output]);
        for (const [i, value] of (expected.outputs[call] ?? []).entries()) {
          expect(Math.abs(someOf(got[output]!.data)[i]! - value), `call ${call}`).toBeLessThan(1e-5);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(1);
      runtime.release(model);
    });
  });

  test("is described", (context) => {
    context.skip(!path, absent(published));
    const { inputs: declared, operators, parameters, bytes } = inspectOnnx(readFileSync(path!));
    expect(declared.map((value) => value.name)).toEqual(expect.arrayContaining([state.input, ...Object.keys(inputs)]));
    expect(operators).not.toEqual({});
    expect(parameters).toBeGreaterThan(3e5);
    expect(parameters * 4).toBeLessThan(bytes);
  });
});
