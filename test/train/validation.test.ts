/** `fit` with a validation: what it measures, patience, the best weights, and how it ends. */
import { describe, expect, test } from "vitest";
import {
  type AnyBatch,
  accuracy,
  adam,
  DivergedError,
  type EpochSource,
  type FitOptions,
  type History,
  plateau,
  type Runtime,
  type StateDict,
  sgd,
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

    test("monitor says what is better; schedules are told the loss", async () => {
      const told: number[] = [];
      const { trainer } = begin({ schedule: { lrAt: () => 1, observe: (value) => told.push(value) } });
      const losses: number[] = [];
      const scores = [0.2, 0.7, 0.5, 0.6];
      const history = await trainer.fit(three, {
        epochs: 4,
        validation: held,
        metrics: { accuracy: accuracy() },
        monitor({ loss, metrics }) {
          losses.push(loss);
          expect(metrics.accuracy).toBeLessThanOrEqual(1);
          return -scores[told.length]!;
        },
        patience: 2,
      });
      expect([history.best, history.ended, told]).toEqual([2, "patience", losses]);
      const error = await errorOf(() => trainer.fit(three, { validation: held, monitor: wrong(() => "good") }));
      expect(String(error)).toMatch(/fit: monitor gave "good", expected a number/);
      trainer.dispose();
    });

    test("the best weights are put back after an abort and after divergence, not where the loop is left", async () => {
      for (const how of ["abort", "diverge", "leave"] as const) {
        const stop = new AbortController();
        const { model, trainer } = begin(
          wild([0.5, 5, how === "diverge" ? (kind === "gpu" ? 1e38 : Number.POSITIVE_INFINITY) : 5, 5]),
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
