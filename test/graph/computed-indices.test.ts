/** Indices that are computed, and names that inputs may bear: what must not pass for something else. */
import { expect, test } from "vitest";
import { functional as F, type Tensor, type TensorData } from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { Parts } from "../support/gradient-check.ts";

const { onEach } = await backendsForTests();
type Given = Readonly<Record<string, TensorData>>;

onEach(({ open }) => {
  test("numbers that are not there", async () => {
    const runtime = await open();
    const model = new Parts({});
    const run = async (f: (t: Readonly<Record<string, Tensor>>) => Tensor, inputs: Given) => {
      const specs = Object.fromEntries(
        Object.entries(inputs).map(([key, { shape, data }]) => [
          key,
          { shape, dtype: data instanceof Int32Array ? ("i32" as const) : ("f32" as const) },
        ]),
      );
      const program = await runtime.compile(model, { inputs: specs, forward: (t) => ({ result: f(t) }) });
      return Array.from((await program.run(inputs)).result!.data);
    };
    const x = { shape: [3], data: Float32Array.of(1, 2, 3) };
    const index = { shape: [2], data: Int32Array.of(0, 3) };
    await expect(run((t) => t.x!.gather(t.index!), { x, index })).rejects.toThrow(
      /index\[1\] is index 3, "gather" takes indices 0 to 2/,
    );
    // Also where it was turned round before it was read.
    await expect(run((t) => t.x!.gather(t.index!.flip()), { x, index })).rejects.toThrow(/index\[1\] is index 3/);
    // What is computed is not known beforehand: it must not pass for a number that is there.
    expect(
      await run((t) => t.x!.gather(t.index!.add(1)), { x, index: { shape: [2], data: Int32Array.of(0, 2) } }),
    ).toEqual([2, NaN]);
    const table = { shape: [3, 1], data: Float32Array.of(1, 2, 3) };
    expect(
      await run((t) => F.embedding(t.index!.sub(1), t.table!), {
        table,
        index: { shape: [2], data: Int32Array.of(0, 2) },
      }),
    ).toEqual([NaN, 2]);
    expect(await run((t) => t.index!.oneHot(3), { index: { shape: [2], data: Int32Array.of(1, -100) } })).toEqual([
      0, 1, 0, 0, 0, 0,
    ]);
    runtime.dispose();
  });

  test("an input may bear the name of a constant", async () => {
    const runtime = await open();
    const constant = { shape: [2], data: Float32Array.of(3, 4) };
    const program = await runtime.compile(new Parts({}), {
      inputs: { constant: { shape: [2] } },
      forward: (t) => ({ y: t.constant.mul(F.constant([10, 100])) }),
    });
    expect(Array.from((await program.run({ constant })).y.data)).toEqual([30, 400]);
    runtime.dispose();
  });
});
