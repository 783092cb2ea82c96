/** `fit` over epochs: what data may be, validation, patience, the best weights, and how it ends. */
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AnyBatch,
  accuracy,
  adam,
  type Batch,
  BusyError,
  DataError,
  DivergedError,
  type EpochReport,
  type EpochSource,
  type FitOptions,
  type History,
  OptionError,
  plateau,
  Runtime,
  type StateDict,
  sgd,
  type Trainer,
} from "../../src/node.ts";
import { adapterForTests } from "../support/environment.ts";
import { errorOf, wrong } from "../support/mistakes.ts";
import { modelOf, windows } from "../support/training-runs.ts";

const { device, found } = await adapterForTests();
const runtimes = { cpu: await Runtime.open({ backend: "cpu" }), gpu: device && (await Runtime.open({ device })) };
afterAll(() => {
  for (const runtime of Object.values(runtimes)) runtime?.dispose();
});

const three = windows(3, 3, 2);
const held = windows(2, 3, 2, (step) => ({ resetState: step === 0 }));

describe.each(["cpu", "gpu"] as const)("on the %s", (backend) => {
  beforeEach((context) => context.skip(backend === "gpu" && !device, found.reason));
  const runtime = runtimes[backend]!;

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

  describe("validation", () => {
    test("is what evaluate says after each epoch, and leaves the state that training carries alone", async () => {
      const plain = begin();
      const losses = await lossesOf(plain.trainer, [...three, ...three]);
      const { model, trainer } = begin();
      const measured: unknown[] = [];
      const seen: number[] = [];
      const metrics = { accuracy: accuracy() };
      const training = trainer.fit(three, {
        epochs: 2,
        validation: held,
        metrics,
        onEpoch: async ({ validation }) => {
          measured.push(validation);
          expect(validation).toEqual(await runtime.evaluate(model, held, { metrics }));
        },
      });
      for await (const { loss } of training) seen.push(loss);
      expect(seen).toEqual(losses);
      expect(measured).toHaveLength(2);
      const { epochs } = await training;
      // The names of the metrics are known.
      const values: readonly number[] = epochs.map(({ validation }) => validation!.metrics.accuracy);
      expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(await trainer.stateDict()).toEqual(await plain.trainer.stateDict());
      trainer.dispose();
      plain.trainer.dispose();
    });

    test("is told to schedules, also after an epoch that steps end", async () => {
      const told: number[] = [];
      const schedule = { lrAt: () => 1, observe: (loss: number) => told.push(loss) };
      const { trainer } = begin({ schedule });
      const validation = (epoch: number) => held.slice(0, epoch);
      const { epochs, ended } = await trainer.fit(() => [...three, ...three], { epochs: 9, steps: 8, validation });
      expect(told).toEqual(epochs.map(({ validation: { loss } = { loss: Number.NaN } }) => loss));
      expect([told.length, ended, epochs[0]!.validation!.tokens, epochs[1]!.validation!.tokens]).toEqual([
        2,
        "steps",
        6,
        12,
      ]);
      trainer.dispose();
      const falling = begin({
        optimizer: sgd({ lr: 1 }),
        schedule: plateau({ patience: 0, factor: 0.5, threshold: 0.99 }),
      });
      const rates: number[] = [];
      for await (const { lr } of falling.trainer.fit(three, { epochs: 3, validation: held })) rates.push(lr);
      expect(rates).toEqual([1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5]);
      falling.trainer.dispose();
    });

    /** Learning rates of epochs: those of 0 leave the weights, the others are far too large. */
    const wild = (rates: readonly number[]) => ({
      optimizer: sgd({ lr: 1 }),
      schedule: { lrAt: (step: number) => rates[Math.floor(step / three.length)]! },
    });

    test("patience counts epochs without a better loss, and the best weights are put back", async () => {
      const { model, trainer } = begin(wild([0.5, 5, 0, 5, 5]));
      let best: StateDict | undefined;
      const losses: number[] = [];
      const history: History = await trainer.fit(three, {
        epochs: 5,
        validation: held,
        patience: 2,
        restoreBest: true,
        onEpoch: async ({ epoch, validation }) => {
          losses.push(validation!.loss);
          if (epoch === 1) best = await runtime.stateDict(model);
        },
      });
      expect(losses[1]).toBeGreaterThan(losses[0]!);
      expect([history.ended, history.best, history.epochs.length, trainer.steps]).toEqual(["patience", 1, 3, 9]);
      expect(await runtime.stateDict(model)).toEqual(best);
      expect((await runtime.evaluate(model, held)).loss).toBe(losses[0]);
      trainer.dispose();
    });

    test("the best weights are put back after an abort and after divergence, not where the loop is left", async () => {
      for (const how of ["abort", "diverge", "leave"] as const) {
        const stop = new AbortController();
        const { model, trainer } = begin(
          wild([0.5, 5, how === "diverge" ? (backend === "gpu" ? 1e38 : Number.POSITIVE_INFINITY) : 5, 5]),
        );
        let best: StateDict | undefined;
        const training = trainer.fit(three, {
          epochs: 4,
          validation: held,
          restoreBest: true,
          signal: stop.signal,
          onEpoch: async ({ epoch }) => {
            if (epoch === 1) best = await runtime.stateDict(model);
          },
        });
        const error = await errorOf(async () => {
          for await (const { step } of training) {
            if (step !== 8) continue;
            if (how === "abort") stop.abort();
            if (how === "leave") break;
          }
        });
        const now = await runtime.stateDict(model);
        if (how === "leave") expect(now).not.toEqual(best);
        else expect(now).toEqual(best);
        if (how === "diverge") expect(error).toBeInstanceOf(DivergedError);
        else expect(error).toBeUndefined();
        trainer.dispose();
        if (how === "abort") {
          expect((await training).epochs.at(-1)!.validation).toBeUndefined();
          expect(training.history.ended).toBe("signal");
        }
      }
    });

    test("an abort between epochs, or during a validation, leaves that out", async () => {
      for (const at of ["onEpoch", "validation"] as const) {
        const stop = new AbortController();
        const { trainer } = begin();
        const { epochs, ended, steps } = await trainer.fit(three, {
          epochs: 3,
          signal: stop.signal,
          validation: function* () {
            yield held[0]!;
            if (at === "validation") stop.abort();
            yield held[1]!;
          },
          onEpoch: () => {
            if (at === "onEpoch") stop.abort();
          },
        });
        expect([epochs.length, ended, steps]).toEqual([1, "signal", 3]);
        expect(epochs[0]!.validation === undefined).toBe(at === "validation");
        expect((await trainer.fit(three)).steps).toBe(3);
        trainer.dispose();
      }
    });

    test("batches of the validation that fail end the fit after the epoch's reports", async () => {
      const { trainer } = begin();
      const bad: AnyBatch = { ...held[0]!, target: { shape: [2], data: new Int32Array(2) } };
      const seen: number[] = [];
      const error = await errorOf(async () => {
        for await (const { step } of trainer.fit(three, { epochs: 2, validation: [bad], ahead: 2 })) seen.push(step);
      });
      expect(String(error)).toContain("crossEntropy: target is");
      expect(seen).toEqual([1, 2, 3]);
      expect((await trainer.fit(three)).steps).toBe(3);
      trainer.dispose();
    });

    test("weights that are not trained any more, such as those of a model released meanwhile, end it too", async () => {
      const { model, trainer } = begin();
      const error = await errorOf(() =>
        trainer.fit(three, { epochs: 3, validation: held, onEpoch: () => runtime.release(model) }),
      );
      expect(String(error)).toMatch(/disposed/);
    });
  });
});
