/** `fit` over epochs: what data may be, how it is used and how it ends. */
import { describe, expect, test } from "vitest";
import {
  accuracy,
  adam,
  type Batch,
  BusyError,
  DataError,
  type EpochReport,
  type EpochSource,
  type FitOptions,
  OptionError,
  type Runtime,
  type Trainer,
} from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf, wrong } from "../support/mistakes.ts";
import { modelOf, windows } from "../support/training-runs.ts";

const { onEach, runtimes } = await runtimesForTests();

const three = windows(3, 3, 2);
const held = windows(2, 3, 2, (step) => ({ resetState: step === 0 }));

onEach(({ kind }) => {
  const runtime = runtimes[kind];

  const begin = (options: Partial<Parameters<Runtime["trainer"]>[1]> = {}) => {
    const model = modelOf("gru");
    runtime.initialize(model, { seed: 1 });
    return { model, trainer: runtime.trainer(model, { optimizer: adam({ lr: 0.05 }), ...options }) };
  };
  const lossesOf = async (trainer: Trainer, data: EpochSource, options: FitOptions = {}) => {
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(data, options)) losses.push(loss);
    return losses;
  };

  describe("data", () => {
    async function* later(): AsyncGenerator<Batch> {
      for (const batch of three) {
        await new Promise((resolve) => setTimeout(resolve));
        yield batch;
      }
    }
    const again = { [Symbol.asyncIterator]: later };
    const sources: readonly (readonly [string, EpochSource])[] = [
      ["an iterable", new Set(three)],
      ["an async iterable", again],
      ["a function that makes an iterator", () => three.values()],
      ["a function that makes an async iterator", () => later()],
      ["a function that promises an array", async () => three],
    ];
    test.each(sources)("may be %s, for several epochs", async (_, data) => {
      const expected = await lossesOf(begin().trainer, [...three, ...three]);
      expect(await lossesOf(begin().trainer, data, { epochs: 2 })).toEqual(expected);
      expect(await lossesOf(begin().trainer, data, { epochs: 2, ahead: 3 })).toEqual(expected);
    });

    test("a function is given the number of the epoch", async () => {
      const seen: number[] = [];
      const { trainer } = begin();
      const data = (epoch: number) => {
        seen.push(epoch);
        return three.slice(0, epoch);
      };
      const { epochs, steps, ended } = await trainer.fit(data, { epochs: 3 });
      expect([seen, epochs.map(({ step }) => step), steps, ended]).toEqual([[1, 2, 3], [1, 3, 6], 6, "epochs"]);
      trainer.dispose();
    });

    test("what can be gone through once is refused for more, with the way out", async () => {
      const { trainer } = begin();
      for (const once of [three.values(), later()]) {
        const error = await errorOf(() => trainer.fit(once, { epochs: 2 }));
        expect(error).toBeInstanceOf(OptionError);
        expect(String(error)).toMatch(
          /fit: the batches are an iterator, which can be gone through once, for 2 epochs; give a function .* \(epoch\) => batches\(\)/,
        );
      }
      expect(String(await errorOf(() => trainer.fit(three, { epochs: 2, validation: held.values() })))).toMatch(
        /fit: the validation's batches are an iterator/,
      );
      // One that is empty the second time, although it does not look like that.
      const spent = three.values();
      const hidden = { [Symbol.iterator]: () => spent };
      const error = await errorOf(() => trainer.fit(hidden, { epochs: 2 }));
      expect(error).toBeInstanceOf(DataError);
      expect(String(error)).toMatch(/there is no batch in epoch 2; give a function/);
      expect(trainer.steps).toBe(3);
      for (const data of [undefined, 3, { x: 1 }])
        expect(String(await errorOf(() => trainer.fit(wrong(data))))).toMatch(
          /fit: the batches are .*, expected an array/,
        );
      expect(String(await errorOf(() => trainer.fit(wrong(() => 3))))).toMatch(/the batches of epoch 1 are 3/);
      trainer.dispose();
    });

    test("an async iterable without end is closed after its steps, when it is left, and when it fails", async () => {
      const { trainer } = begin();
      let closed = 0;
      async function* endless() {
        try {
          for (;;) yield* three;
        } finally {
          closed++;
        }
      }
      expect((await trainer.fit(endless(), { steps: 5, ahead: 2 })).steps).toBe(5);
      expect([trainer.steps, closed]).toEqual([5, 1]);
      for await (const { step } of trainer.fit(endless())) if (step === 7) break;
      expect([trainer.steps, closed]).toEqual([7, 2]);
      const bad = { ...three[0]!, x: { shape: [3, 2], data: new Int32Array(6).fill(99) } };
      async function* failing() {
        yield* three.slice(0, 2);
        yield bad;
      }
      const seen: number[] = [];
      const error = await errorOf(async () => {
        for await (const { step } of trainer.fit(failing(), { ahead: 3 })) seen.push(step);
      });
      expect(error).toBeInstanceOf(DataError);
      expect(seen).toEqual([8, 9]);
      trainer.dispose();
    });

    test("evaluate takes async iterables, and says what else it is given", async () => {
      const { model, trainer } = begin();
      async function* held2() {
        for (const batch of held) yield await Promise.resolve(batch);
      }
      const measured = await runtime.evaluate(model, held);
      expect(await runtime.evaluate(model, held2())).toEqual(measured);
      expect(await trainer.evaluate(held2())).toEqual(measured);
      expect(String(await errorOf(() => runtime.evaluate(model, wrong(held2))))).toMatch(
        /evaluate: the batches are a function; give what it returns/,
      );
      expect(String(await errorOf(() => runtime.evaluate(model, wrong(3))))).toMatch(
        /evaluate: the batches are 3, expected/,
      );
      trainer.dispose();
    });

    test("a function that fails to make batches ends the fit, and the next one goes on", async () => {
      const { trainer } = begin();
      const fails = async (epoch: number) => {
        if (epoch === 2) throw new Error("no second epoch");
        return three;
      };
      expect(String(await errorOf(() => trainer.fit(fails, { epochs: 3 })))).toContain("no second epoch");
      expect(String(await errorOf(() => trainer.fit(three, { epochs: 3, validation: fails })))).toContain("no second");
      expect(trainer.steps).toBe(9);
      expect((await trainer.fit(three)).steps).toBe(3);
      trainer.dispose();
    });

    test("an abort ends the wait for a batch that never comes", async () => {
      const { trainer } = begin();
      const stop = new AbortController();
      async function* stuck() {
        yield three[0]!;
        await new Promise(() => {});
      }
      const training = trainer.fit(stuck(), { signal: stop.signal, onStep: () => setTimeout(() => stop.abort()) });
      const { steps, ended } = await training;
      expect([steps, ended]).toEqual([1, "signal"]);
      expect((await trainer.fit(three)).steps).toBe(3);
      trainer.dispose();
    });
  });

  describe("how it is used", () => {
    test("awaited, it trains to the end and gives what the loop would see", async () => {
      const seen: [string, number][] = [];
      const note = {
        onStep: async ({ step }: { step: number }) => {
          await Promise.resolve();
          seen.push(["step", step]);
        },
        onEpoch: ({ epoch, step }: EpochReport) => seen.push(["epoch", epoch * 100 + step]),
      };
      const { trainer } = begin();
      const losses = await lossesOf(begin().trainer, [...three, ...three]);
      const history = await trainer.fit(three, { epochs: 2, ...note });
      const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
      expect(history).toEqual({
        epochs: [
          { epoch: 1, step: 3, loss: mean(losses.slice(0, 3)) },
          { epoch: 2, step: 6, loss: mean(losses.slice(3)) },
        ],
        steps: 6,
        ended: "epochs",
      });
      expect(seen.map(([what, n]) => `${what} ${n}`).join(", ")).toBe(
        "step 1, step 2, step 3, epoch 103, step 4, step 5, step 6, epoch 206",
      );
      trainer.dispose();
    });

    test("nothing runs before it is iterated or awaited; what is begun may be awaited to its end", async () => {
      const { trainer } = begin();
      const lazy = trainer.fit(three);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(trainer.steps).toBe(0);
      expect((await lazy.next()).value!.step).toBe(1);
      expect(lazy.history).toEqual({ epochs: [], steps: 1, ended: "left" });
      expect(await errorOf(() => trainer.fit(three))).toBeInstanceOf(BusyError);
      expect((await lazy).steps).toBe(3);
      expect(await lazy).toBe(await lazy);
      expect((await lazy.next()).done).toBe(true);
      await using left = trainer.fit(three);
      await left.next();
      await left.return();
      expect((await left).ended).toBe("left");
      expect(trainer.steps).toBe(4);
      trainer.dispose();
    });

    test("what a callback throws ends it, and the next fit goes on", async () => {
      const { trainer } = begin();
      const fail = () => {
        throw new Error("enough");
      };
      expect(String(await errorOf(() => trainer.fit(three, { onStep: fail })))).toContain("enough");
      expect(String(await errorOf(() => trainer.fit(three, { onEpoch: fail })))).toContain("enough");
      expect(trainer.steps).toBe(4);
      expect((await trainer.fit(three)).steps).toBe(3);
      trainer.dispose();
    });

    test("options that mean nothing are refused before anything runs", async () => {
      const { trainer } = begin();
      const cases: readonly (readonly [FitOptions, RegExp])[] = [
        [{ epochs: 0 }, /fit: epochs is 0/],
        [{ epochs: 1.5 }, /fit: epochs is 1\.5/],
        [{ patience: 0, validation: held }, /fit: patience is 0/],
        [{ patience: 1 }, /fit: patience needs batches to measure on; give them as validation/],
        [{ restoreBest: true }, /fit: restoreBest needs/],
        [{ metrics: { accuracy: accuracy() } }, /fit: metrics needs/],
        [{ validation: held, metrics: wrong([accuracy()]) }, /fit: metrics are .*, expected a record/],
        [{ validation: held, metrics: wrong({ a: "accuracy" }) }, /fit: metrics\.a is "accuracy", expected a metric/],
      ];
      for (const [options, says] of cases) {
        const error = await errorOf(() => trainer.fit(three, options));
        expect(error).toBeInstanceOf(OptionError);
        expect(String(error)).toMatch(says);
      }
      expect(trainer.steps).toBe(0);
      trainer.dispose();
    });
  });
});
