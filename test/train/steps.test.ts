/** Steps on several batches, and gradients that are given away and taken. */
import { describe, expect, test } from "vitest";
import {
  adam,
  adamW,
  BusyError,
  crossEntropy,
  DataError,
  DivergedError,
  Linear,
  type LossFunction,
  Module,
  mse,
  OptionError,
  ShapeError,
  type StateDict,
  StateDictError,
  sgd,
  type Tensor,
  type TrainerOptions,
  Windows,
} from "../../src/node.ts";
import { differences, Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import { parts, T, whole } from "../support/row-batches.ts";
import { modelOf } from "../support/training-runs.ts";

const { onEach, runtimes } = await runtimesForTests();

onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-12 : 1e-5;
  const runtime = runtimes[kind];

  const expectClose = (got: StateDict, expected: StateDict) => {
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    for (const [name, { data }] of Object.entries(expected)) {
      const both = { before: undefined, expected: Float64Array.from(data), got: got[name]!.data };
      expect(differences(name, both, tolerance)).toEqual([]);
    }
  };
  const begin = (options: Partial<TrainerOptions> = {}) => {
    const model = modelOf("gru", 2);
    runtime.initialize(model, { seed: 1 });
    return { model, trainer: runtime.trainer(model, { optimizer: adam({ lr: 0.02 }), ...options }) };
  };

  describe("several batches as one step", () => {
    const functional: LossFunction = ({ logits }: { logits: Tensor }, target: Tensor) =>
      crossEntropy().apply(logits, target);
    const cases: readonly (readonly [string, Partial<TrainerOptions>])[] = [
      ["a mean over uneven counts of targets", {}],
      ["a loss function that tells its count", { loss: functional }],
      ["a sum", { loss: crossEntropy({ reduction: "sum" }), optimizer: sgd({ lr: 0.01 }) }],
      ["clipped gradients", { clipNorm: 0.05, clipValue: 0.02 }],
      ["a layer that is frozen", { groups: [{ match: "rnn", freeze: true }] }],
    ];
    test.each(cases)("is one batch as large as all of them: %s", async (_, options) => {
      const one = begin(options);
      const reports = [await one.trainer.step(whole), await one.trainer.step(whole)];
      const all = begin(options);
      for (const { loss, gradNorm, step, lr } of reports) {
        const report = await all.trainer.step(...parts);
        expect([report.step, report.lr]).toEqual([step, lr]);
        expect(Math.abs(report.loss - loss) / loss).toBeLessThan(tolerance);
        expect(Math.abs(report.gradNorm - gradNorm) / gradNorm).toBeLessThan(tolerance);
      }
      expectClose(await all.trainer.stateDict(), await one.trainer.stateDict());
      one.trainer.dispose();
      all.trainer.dispose();
    });

    test("fit takes as many as accumulate says, and what is left at the end", async () => {
      const batches = [...parts, ...parts.slice(0, 2)];
      const byHand = begin();
      const expected = [await byHand.trainer.step(...parts), await byHand.trainer.step(...parts.slice(0, 2))];
      const { trainer } = begin({ accumulate: 3 });
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(batches, { ahead: 2 })) losses.push(loss);
      expect(losses).toEqual(expected.map(({ loss }) => loss));
      expect(await trainer.stateDict()).toEqual(await byHand.trainer.stateDict());
      trainer.dispose();
      byHand.trainer.dispose();
    });

    test("carries the state from each to the next, and a step of one batch is as before", async () => {
      const text = new Windows(
        Int32Array.from({ length: 90 }, (_, i) => (i * i) % 7),
        { window: 4, batch: 2 },
      );
      const still = { optimizer: sgd({ lr: 0 }) };
      const alone = begin(still);
      const losses: number[] = [];
      for (let s = 0; s < 4; s++) losses.push((await alone.trainer.step(text.at(s))).loss);
      const { trainer } = begin({ ...still, accumulate: 2 });
      const report = await trainer.fit([0, 1, 2, 3].map((s) => text.at(s)));
      const means = [(losses[0]! + losses[1]!) / 2, (losses[2]! + losses[3]!) / 2];
      expect(Math.abs(report.epochs[0]!.loss - (means[0]! + means[1]!) / 2)).toBeLessThan(tolerance);
      expectClose(
        Object.fromEntries(Object.entries(await trainer.stateDict()).filter(([name]) => name.startsWith("carry."))),
        Object.fromEntries(
          Object.entries(await alone.trainer.stateDict()).filter(([name]) => name.startsWith("carry.")),
        ),
      );
      trainer.dispose();
      alone.trainer.dispose();
    });

    test("either all are trained on or none", async () => {
      const { model, trainer } = begin();
      await trainer.step(...parts);
      const before = await trainer.stateDict();
      const bad = { ...parts[1]!, x: { shape: [T, 3], data: new Int32Array(3 * T).fill(9) } };
      expect(await errorOf(() => trainer.step(parts[0]!, bad))).toBeInstanceOf(DataError);
      const rows = parts.map((batch, i) => ({ ...batch, resetState: i === 2 ? [7] : false }));
      expect(await errorOf(() => trainer.step(...rows))).toBeInstanceOf(OptionError);
      expect(await errorOf(() => trainer.step())).toBeInstanceOf(OptionError);
      expect(await trainer.stateDict()).toEqual(before);
      expect(trainer.steps).toBe(1);
      trainer.dispose();
      const text = runtime.trainer(model, { optimizer: adam() });
      const window = (resetState: boolean | number[]) => ({ ...parts[0]!, resetState });
      await text.step(window(true));
      const saved = await text.stateDict();
      // The row is known to be missing before the first of them runs.
      expect(await errorOf(() => text.step(window(false), window([2])))).toBeInstanceOf(ShapeError);
      expect(await text.stateDict()).toEqual(saved);
      text.dispose();
    });

    test("steps that are asked for at once run in that order, and a state dict between them is of one step", async () => {
      const inTurn = begin();
      const after: StateDict[] = [];
      for (const batches of [parts, [parts[0]!], [whole], parts]) {
        await inTurn.trainer.step(...batches);
        after.push(await inTurn.trainer.stateDict());
      }
      const { trainer } = begin();
      const reports = [trainer.step(...parts), trainer.step(parts[0]!), trainer.step(whole), trainer.step(...parts)];
      const seen: { step: number; dict: Promise<StateDict> }[] = [];
      for (const report of reports) {
        seen.push({ step: trainer.steps, dict: trainer.stateDict() });
        await report;
      }
      expect((await Promise.all(reports)).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
      for (const { step, dict } of seen) if (step > 0) expect(await dict, `step ${step}`).toEqual(after[step - 1]);
      expect(await trainer.stateDict()).toEqual(after[3]);
      trainer.dispose();
      inTurn.trainer.dispose();
    });

    test("a state dict goes on to the same losses, with dropout's noise for each batch of a step", async () => {
      class Noisy extends Module {
        readonly inner = modelOf("gru");
        readonly head = new Linear({ inFeatures: 7, outFeatures: 7 });
        forward(x: Tensor) {
          return { logits: this.head.forward(this.inner.forward(x).logits) };
        }
      }
      const model = new Noisy();
      runtime.initialize(model, { seed: 2 });
      const options = { optimizer: adam({ lr: 0.02 }), seed: 5, ema: { decay: 0.5 } };
      const trainer = runtime.trainer(model, options);
      await trainer.step(...parts);
      const saved = await trainer.stateDict();
      const losses = [(await trainer.step(...parts)).loss, (await trainer.step(whole)).loss];
      const end = await trainer.stateDict();
      trainer.dispose();
      const again = runtime.trainer(model, options);
      again.loadStateDict(saved, 1);
      expect([(await again.step(...parts)).loss, (await again.step(whole)).loss]).toEqual(losses);
      expect(await again.stateDict()).toEqual(end);
      again.dispose();
    });
  });

  describe("gradients that are exchanged", () => {
    test("of one batch, applied, they are a step; of two workers, their mean is one too", async () => {
      const reference = begin();
      const expected = await reference.trainer.step(whole);
      const one = begin();
      const { gradients, loss, count } = await one.trainer.gradients(whole);
      expect(one.trainer.steps).toBe(0);
      expect(count).toBe(whole.target.data.filter((label) => label !== -100).length);
      expect(Math.abs(loss - expected.loss)).toBeLessThan(tolerance);
      const { step, gradNorm, lr } = await one.trainer.apply(gradients);
      expect([step, lr]).toEqual([1, expected.lr]);
      expect(Math.abs(gradNorm - expected.gradNorm) / gradNorm).toBeLessThan(tolerance);
      expectClose(await one.trainer.stateDict(), await reference.trainer.stateDict());

      const workers = [begin(), begin()];
      const shares = [parts.slice(0, 2), parts.slice(2)];
      const given = await Promise.all(workers.map(({ trainer }, i) => trainer.gradients(...shares[i]!)));
      const all = given.reduce((sum, one) => sum + one.count, 0);
      const mean: StateDict = Object.fromEntries(
        Object.entries(given[0]!.gradients).map(([name, { shape, data }]) => [
          name,
          {
            shape,
            data: Float64Array.from(data, (_, i) =>
              given.reduce((sum, { gradients: g, count: n }) => sum + (g[name]!.data[i]! * n) / all, 0),
            ),
          },
        ]),
      );
      for (const { trainer } of workers) {
        await trainer.apply(mean);
        expectClose(await trainer.stateDict(), await reference.trainer.stateDict());
      }
      for (const { trainer } of [reference, one, ...workers]) trainer.dispose();
    });

    test("parameters without a gradient are left alone", async () => {
      const { trainer } = begin({ optimizer: adamW({ lr: 0.1, weightDecay: 0.5 }) });
      const before = await trainer.stateDict();
      const { gradients } = await trainer.gradients(whole);
      await trainer.apply({ "head.bias": gradients["head.bias"]! });
      const after = await trainer.stateDict();
      for (const [name, { data }] of Object.entries(before)) {
        const isItsOwn = name.endsWith("head.bias");
        expect(
          [...after[name]!.data].some((value, i) => value !== data[i]),
          name,
        ).toBe(isItsOwn);
      }
      trainer.dispose();
    });

    test("what is not the model's, frozen, or not finite is refused", async () => {
      const { model, trainer } = begin({ groups: [{ match: "embedding", freeze: true }] });
      const { gradients } = await trainer.gradients(whole);
      expect(Object.keys(gradients)).not.toContain("embedding.weight");
      const before = await trainer.stateDict();
      const apply = async (dict: StateDict) => String(await errorOf(() => trainer.apply(dict)));
      const numbers = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
      expect(await apply({})).toMatch(/STATE_DICT|apply: there is no gradient/);
      expect(await apply({ tail: numbers(1) })).toMatch(/apply: the model has no tail/);
      expect(await apply({ "head.bias": numbers(6) })).toMatch(/apply: head\.bias has \[6\], the model \[7\]/);
      expect(await apply({ "embedding.weight": numbers(7, 5) })).toMatch(/embedding\.weight is frozen/);
      expect(await trainer.stateDict()).toEqual(before);
      const vast = { shape: [7], data: new Float32Array(7).fill(Number.NaN) };
      expect(await errorOf(() => trainer.apply({ "head.bias": vast }))).toBeInstanceOf(DivergedError);
      trainer.dispose();
      runtime.release(model);
    });

    test("steps of one's own are refused while a fit goes on", async () => {
      const { trainer } = begin();
      for await (const _ of trainer.fit(parts)) {
        for (const does of [
          () => trainer.step(whole),
          () => trainer.gradients(whole),
          () => trainer.apply({}),
          () => trainer.loadStateDict({}, 0),
        ])
          expect(await errorOf(does)).toBeInstanceOf(BusyError);
      }
      expect(trainer.steps).toBe(3);
      trainer.dispose();
    });
  });

  test("a gradient of a page that the loss does not reach is zero, whatever another plan left there", async () => {
    class Two extends Module {
      readonly a = new Linear({ inFeatures: 2, outFeatures: 1 });
      readonly b = new Linear({ inFeatures: 2, outFeatures: 1 });
      forward(x: Tensor) {
        // Which layer is used depends on the number of rows.
        return { logits: (x.shape[0] === 1 ? this.a : this.b).forward(x) };
      }
    }
    const model = new Two();
    runtime.initialize(model, { seed: 3 });
    const numbers = new Numbers("two");
    const batch = (rows: number) => ({
      x: { shape: [rows, 2], data: numbers.floats(rows * 2) },
      target: { shape: [rows, 1], data: numbers.floats(rows) },
    });
    const [one, two] = [batch(1), batch(2)];
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0.1 }), loss: mse() });
    const first = await trainer.gradients(one);
    expect(Object.keys(first.gradients)).toEqual(["a.weight", "a.bias"]);
    const second = await trainer.gradients(two);
    expect(Object.keys(second.gradients)).toEqual(["b.weight", "b.bias"]);
    const both = await trainer.gradients(one, two);
    // Weighed by their counts, 1 and 2 numbers.
    const scaled = (dict: StateDict, factor: number): StateDict =>
      Object.fromEntries(
        Object.entries(dict).map(([name, { shape, data }]) => [name, { shape, data: data.map((g) => g * factor) }]),
      ) as StateDict;
    expectClose(both.gradients, { ...scaled(first.gradients, 1 / 3), ...scaled(second.gradients, 2 / 3) });
    trainer.dispose();
    const error = await errorOf(() => runtime.trainer(model, { optimizer: sgd(), groups: [{ match: "c" }] }));
    expect(error).toBeInstanceOf(OptionError);
    expect(await errorOf(() => trainer.apply(first.gradients))).not.toBeInstanceOf(StateDictError);
  });
});
