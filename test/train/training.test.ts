/** How training behaves: windows and their states, repetition, and that it learns. */
import { describe, expect, test } from "vitest";
import {
  adam,
  type Batch,
  type CharModel,
  charModelCells,
  crossEntropy,
  type Runtime,
  type StateDict,
  sgd,
  type Tensor,
} from "../../src/index.ts";
import { differences } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";
import { lossesOf, modelOf, reportsOf, windows } from "../support/training-runs.ts";

const { onEach, onFloat32, runtimes } = await runtimesForTests();

/** Loss of a model on its own weights, without training it: a learning rate of 0. */
const still = () => sgd({ lr: 0 });

/** Mean loss of windows that are one text, by the model's forward over all of it at once. */
async function lossOfWhole(runtime: Runtime, model: CharModel, batches: readonly Batch[]): Promise<number> {
  const join = (name: "x" | "target") => Int32Array.from(batches.flatMap((batch) => [...batch[name].data]));
  const [T, B] = batches[0]!.x.shape as [number, number];
  const shape = [batches.length * T, B];
  const program = await runtime.compile(model, {
    inputs: { x: { shape, dtype: "i32" }, target: { shape, dtype: "i32" } },
    forward({ x, target }): Record<string, Tensor> {
      return { loss: crossEntropy().apply(model.forward(x!).logits, target!).loss };
    },
  });
  const { loss } = await program.run({ x: { shape, data: join("x") }, target: { shape, data: join("target") } });
  program.dispose();
  return loss!.data[0]!;
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-12 : 1e-6;
  const runtime = runtimes[kind];

  describe.each(charModelCells)("with %s", (cell) => {
    const model = modelOf(cell, 2);

    test("windows that carry their state have the loss of one long window", async () => {
      runtime.initialize(model, { seed: 1 });
      const batches = windows(4, 5, 3);
      const trainer = runtime.trainer(model, { optimizer: still() });
      const losses = await lossesOf(trainer, batches);
      const whole = await lossOfWhole(runtime, model, batches);
      expect(Math.abs(mean(losses) - whole)).toBeLessThan(tolerance);
      const measured = await runtime.evaluate(model, batches);
      expect(Math.abs(measured.loss - whole)).toBeLessThan(tolerance);
      expect(measured.tokens).toBe(60);
      // Measured anew it starts from zero again, even twice at once, and a trainer does not hear of it.
      const again = [runtime.evaluate(model, batches), runtime.evaluate(model, batches)];
      expect(await Promise.all(again)).toEqual([measured, measured]);
      trainer.dispose();
    });

    test("windows without a carried state each begin at zero, as after a reset", async () => {
      runtime.initialize(model, { seed: 1 });
      const batches = windows(3, 5, 3);
      const apart = await Promise.all(batches.map((batch) => lossOfWhole(runtime, model, [batch])));
      const of = async (options: { carryState?: boolean }, more: Partial<Batch>) => {
        const trainer = runtime.trainer(model, { optimizer: still(), ...options });
        const losses = await lossesOf(
          trainer,
          windows(3, 5, 3, () => more),
        );
        trainer.dispose();
        return losses;
      };
      for (const losses of [
        await of({ carryState: false }, {}),
        await of({}, { resetState: true }),
        await of({}, { resetState: [2, 0, 1] }),
      ])
        expect(Math.max(...losses.map((loss, i) => Math.abs(loss - apart[i]!)))).toBeLessThan(tolerance);
      expect((await of({}, {}))[1]).not.toBeCloseTo(apart[1]!, 4);
      const measured = await runtime.evaluate(
        model,
        windows(3, 5, 3, () => ({ resetState: true })),
      );
      expect(Math.abs(measured.loss - mean(apart))).toBeLessThan(tolerance);
    });

    test("a row that is reset does not touch the others", async () => {
      runtime.initialize(model, { seed: 1 });
      const [first, second] = windows(2, 5, 3) as [Batch, Batch];
      const row = ({ x, target }: Batch, b: number): Batch => {
        const of = ({ data }: Batch["x"]) => ({
          shape: [5, 1],
          data: Int32Array.from({ length: 5 }, (_, t) => data[3 * t + b]!),
        });
        return { x: of(x), target: of(target) };
      };
      const rows = [0, 1, 2].map((b) =>
        b === 1
          ? lossOfWhole(runtime, model, [row(second, b)])
          : lossOfWhole(runtime, model, [row(first, b), row(second, b)]),
      );
      const firsts = [0, 1, 2].map((b) => lossOfWhole(runtime, model, [row(first, b)]));
      const [a, , c] = await Promise.all(firsts);
      const [whole, reset, other] = await Promise.all(rows);
      const expected = (2 * whole! - a! + reset! + (2 * other! - c!)) / 3;
      const resetOne = { ...second, resetState: [1] };
      const trainer = runtime.trainer(model, { optimizer: still() });
      const [, loss] = await lossesOf(trainer, [first, resetOne]);
      expect(Math.abs(loss! - expected)).toBeLessThan(4 * tolerance);
      const measured = await runtime.evaluate(model, [first, resetOne]);
      expect(Math.abs(2 * measured.loss - mean((await Promise.all(firsts)) as number[]) - expected)).toBeLessThan(
        8 * tolerance,
      );
      trainer.dispose();
    });
  });

  test("the gradient is cut between windows: it is that of a window with its initial state given", async () => {
    const model = modelOf("gru");
    const batches = windows(2, 4, 2);
    const trainedFrom = async (carried: boolean): Promise<StateDict> => {
      runtime.initialize(model, { seed: 2 });
      const warm = runtime.trainer(model, { optimizer: still() });
      await lossesOf(warm, batches.slice(0, 1));
      const state = await warm.stateDict();
      warm.dispose();
      const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 1 }) });
      if (carried) trainer.loadStateDict(state, 0);
      await lossesOf(trainer, batches.slice(1));
      trainer.dispose();
      return { ...(await runtime.stateDict(model)), h: state["carry.h"]! };
    };
    const trained = await trainedFrom(true);
    runtime.initialize(model, { seed: 2 });
    const before = await runtime.stateDict(model);
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [4, 2], dtype: "i32" }, target: { shape: [4, 2], dtype: "i32" }, h: { shape: [1, 2, 8] } },
      forward({ x, target, h }): Record<string, Tensor> {
        return { loss: crossEntropy().apply(model.forward(x!, { h: h! }).logits, target!).loss };
      },
      seeds: ["loss"],
      parameterGradients: true,
    });
    const { x, target } = batches[1]!;
    const gradients = await program.run({
      x,
      target,
      h: trained.h!,
      "gradient.loss": { shape: [], data: Float32Array.of(1) },
    });
    for (const [name, { data }] of Object.entries(before)) {
      const expected = Float64Array.from(data, (w, i) => w - gradients[`grad.${name}`]!.data[i]!);
      expect(differences(name, { before: undefined, expected, got: trained[name]!.data }, 10 * tolerance)).toEqual([]);
    }
    program.dispose();
    expect(trained["head.weight"]).not.toEqual((await trainedFrom(false))["head.weight"]);
  });

  test("the same seed gives the same losses and weights bit for bit, another one others", async () => {
    const model = modelOf("lstm", 2);
    const run = async (seed: number) => {
      runtime.initialize(model, { seed });
      const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
      const reports = await reportsOf(trainer.fit(windows(8, 6, 3)));
      const state = await trainer.stateDict();
      trainer.dispose();
      return { reports: reports.map(({ loss, gradNorm }) => [loss, gradNorm]), state };
    };
    const first = await run(3);
    expect(await run(3)).toEqual(first);
    expect((await run(4)).reports[0]).not.toEqual(first.reports[0]);
  });

  test("targets that are ignored count for nothing, and all of them ignored is a loss of 0", async () => {
    const model = modelOf("rnn_tanh");
    runtime.initialize(model, { seed: 5 });
    const [batch, other] = windows(2, 4, 3) as [Batch, Batch];
    const ignored = { shape: [4, 3], data: new Int32Array(12).fill(-100) };
    const trainer = runtime.trainer(model, { optimizer: adam(), carryState: false });
    const [report] = await reportsOf(trainer.fit([{ x: batch.x, target: ignored }]));
    expect([report!.loss, report!.gradNorm]).toEqual([0, 0]);
    trainer.dispose();
    runtime.initialize(model, { seed: 5 });
    const alone = await runtime.evaluate(model, [{ ...other, resetState: true }]);
    const both = await runtime.evaluate(model, [
      { ...batch, target: ignored },
      { ...other, resetState: true },
    ]);
    expect(both).toEqual(alone);
    await expect(runtime.evaluate(model, [{ x: batch.x, target: ignored }])).rejects.toThrow(
      "every target in it is ignored",
    );
  });

  test("it learns a text by heart", async () => {
    const model = modelOf("lstm");
    runtime.initialize(model, { seed: 0 });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.03 }), clipNorm: 1, carryState: false });
    const text = windows(1, 10, 3);
    const losses = await lossesOf(
      trainer,
      (function* () {
        for (;;) yield* text;
      })(),
      { steps: 150 },
    );
    expect(losses[0]).toBeGreaterThan(1.8);
    expect(losses.at(-1)).toBeLessThan(0.1);
    trainer.dispose();
  });
});

onFloat32(({ kind }) => {
  test.each(charModelCells)("the losses with %s are the twins'", async (cell) => {
    const model = modelOf(cell, 2);
    const [expected, got] = await Promise.all(
      [runtimes.cpu, runtimes[kind]].map(async (runtime) => {
        runtime.initialize(model, { seed: 7 });
        const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.02 }), clipNorm: 1 });
        return Float64Array.from(await lossesOf(trainer, windows(20, 8, 3)));
      }),
    );
    expect(mean([...expected!.slice(-5)])).toBeLessThan(mean([...expected!.slice(0, 5)]) - 0.02);
    expect(differences("loss", { before: undefined, expected: expected!, got: got! }, 1e-4)).toEqual([]);
  });
});
