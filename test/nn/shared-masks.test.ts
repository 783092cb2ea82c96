/** One tensor of lengths or one mask for several layers: each gets its own, by its sizes and its noise. */
import { expect, test } from "vitest";
import { lengthMask, maskRows, sequenceMask } from "../../src/graph/ops/mask.ts";
import { countPlan, LSTM, type Tensor } from "../../src/index.ts";
import { runtimesForTests } from "../support/backends.ts";
import { Parts } from "../support/gradient-check.ts";

const { onEach, runtimes } = await runtimesForTests();

const quiet = new LSTM({ inputSize: 3, hiddenSize: 4 });
const noisy = new LSTM({ inputSize: 3, hiddenSize: 4, zoneout: 0.5 });
const other = new LSTM({ inputSize: 3, hiddenSize: 4, zoneout: 0.25, recurrentDropout: 0.5 });
const model = new Parts({ quiet, noisy, other });

const ones = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(1) });
const integers = (shape: number[], data: readonly number[]) => ({ shape, data: Int32Array.from(data) });

onEach(({ kind }) => {
  const runtime = runtimes[kind];
  test("lengths are a mask of their own for every number of steps, and for each way a mask lies", async () => {
    const program = await runtime.compile(model, {
      inputs: {
        short: { shape: [2, 2] },
        long: { shape: [3, 2] },
        square: { shape: [2, 2, 1] },
        lengths: { shape: [2], dtype: "i32" },
        full: { shape: [2], dtype: "i32" },
        mask: { shape: [2, 2], dtype: "i32" },
      },
      forward: ({ short, long, square, lengths, full, mask }): Record<string, Tensor> => ({
        shortMasked: maskRows("short", short!, lengthMask("mask", lengths!, 2)),
        longMasked: maskRows("long", long!, lengthMask("mask", lengths!, 3)),
        timeFirst: maskRows("time first", square!, sequenceMask("test", { mask: mask! }, 2, 2)!),
        batchFirst: maskRows("batch first", square!, sequenceMask("test", { mask: mask! }, 2, 2, true)!),
        timeFirstBoth: maskRows("both", square!, sequenceMask("test", { mask: mask!, lengths: full! }, 2, 2)!),
        batchFirstBoth: maskRows("both", square!, sequenceMask("test", { mask: mask!, lengths: full! }, 2, 2, true)!),
      }),
    });
    const result = await program.run({
      short: ones(2, 2),
      long: ones(3, 2),
      square: ones(2, 2, 1),
      lengths: integers([2], [1, 2]),
      full: integers([2], [2, 2]),
      mask: integers([2, 2], [1, 1, 0, 1]),
    });
    // A mask that is time-major stands as it is.
    expect(countPlan(program.plan).perKernel["sequence-mask"]).toBe(5);
    program.dispose();
    const rows = (name: string) => [...result[name]!.data];
    expect(rows("shortMasked")).toEqual([1, 1, 0, 1]);
    expect(rows("longMasked")).toEqual([1, 1, 0, 1, 0, 0]);
    expect(rows("timeFirst")).toEqual([1, 1, 0, 1]);
    expect(rows("batchFirst")).toEqual([1, 0, 1, 1]);
    expect(rows("timeFirstBoth")).toEqual([1, 1, 0, 1]);
    expect(rows("batchFirstBoth")).toEqual([1, 0, 1, 1]);
  });

  test("a layer with noise draws the same beside others with and without, over the same mask", async () => {
    const outputs = async (...layers: readonly LSTM[]) => {
      const program = await runtime.compile(model, {
        inputs: { x: { shape: [5, 4, 3] }, mask: { shape: [5, 4], dtype: "i32" } },
        forward: ({ x, mask }) =>
          Object.fromEntries(
            layers.map((layer) => [layer.label, layer.forward(x!, undefined, { mask: mask! }).output]),
          ),
        training: true,
      });
      const all = await program.run({
        x: ones(5, 4, 3),
        mask: integers([5, 4], [1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0]),
        seed: integers([1], [4321]),
      });
      program.dispose();
      return layers.map((layer) => [...all[layer.label]!.data]);
    };
    const alone = [await outputs(quiet), await outputs(noisy), await outputs(other)].flat();
    expect(await outputs(quiet, noisy, other)).toEqual(alone);
    expect((await outputs(other, noisy, quiet)).reverse()).toEqual(alone);
  });
});
