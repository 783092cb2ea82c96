/** Batches and training options that are refused, before anything is sent to the device. */
import { describe, expect, test } from "vitest";
import * as api from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf, expectErrors, mistake, quoted, wrong } from "../support/mistakes.ts";

const { CharModel, Linear, adam } = api;

const { onEach, runtimes } = await runtimesForTests();

onEach(({ kind }) => {
  const runtime = runtimes[kind];

  const V = 5;
  const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 3, hiddenSize: 4 });
  const tokens = (T: number, B: number) => ({
    shape: [T, B],
    data: Int32Array.from({ length: T * B }, (_, i) => i % V),
  });
  const good = (): api.Batch => ({ x: tokens(3, 2), target: tokens(3, 2) });
  const trainer = (options: Partial<api.TrainerOptions> = {}) =>
    runtime.trainer(model, { optimizer: adam(), ...options });
  const trainOn = (batch: unknown, options: Partial<api.TrainerOptions> = {}) =>
    trainer(options).fit([good(), wrong(batch)]);
  const withX = (x: unknown) => () => trainOn({ ...good(), x });
  const withTarget = (target: unknown) => () => trainOn({ ...good(), target });
  const data = (n: number, value = 0) => new Int32Array(n).fill(value);

  describe("batches", () => {
    expectErrors([
      mistake("no tensor", api.ShapeError, /batch.x is missing: expected \{ shape, data \}/, withX(undefined)),
      mistake(
        "a plain array",
        api.ShapeError,
        /batch.x has data \[0, 1, 2, 3, 4, 0\]: expected/,
        withX({ shape: [3, 2], data: [0, 1, 2, 3, 4, 0] }),
      ),
      mistake("a bare typed array", api.ShapeError, /batch.target is an Int32Array: expected/, withTarget(data(6))),
      mistake(
        "tokens as floats",
        api.ShapeError,
        /Embedding "embedding": tokens are f32 \[3,2\], expected i32 tokens/,
        withX({ shape: [3, 2], data: new Float32Array(6) }),
      ),
      mistake(
        "one axis",
        api.ShapeError,
        /GRU "rnn": x has shape \[6,3\], expected \[T,B,3\] \(inputSize 3\)/,
        withX({ shape: [6], data: data(6) }),
      ),
      mistake(
        "three axes",
        api.ShapeError,
        /GRU "rnn": x has shape \[3,2,1,3\], expected \[T,B,3\]/,
        withX({ shape: [3, 2, 1], data: data(6) }),
      ),
      mistake(
        "too few tokens for the shape",
        api.ShapeError,
        /batch.x has 5 values, but shape \[3,2\] needs 6/,
        withX({ shape: [3, 2], data: data(5) }),
      ),
      mistake(
        "too many tokens for the shape",
        api.ShapeError,
        /batch.target has 7 values, but shape \[3,2\] needs 6/,
        withTarget({ shape: [3, 2], data: data(7) }),
      ),
      mistake("no steps", api.ShapeError, /batch.x has shape \[0,2\], expected every axis to be at least 1/, () =>
        trainOn({ x: tokens(0, 2), target: tokens(0, 2) }),
      ),
      mistake("no rows", api.ShapeError, /batch.x has shape \[3,0\], expected every axis/, () =>
        trainOn({ x: tokens(3, 0), target: tokens(3, 0) }),
      ),
      mistake(
        "a shape that is no shape",
        api.ShapeError,
        /batch.x has shape \[3,NaN\], expected every axis/,
        withX({ shape: [3, Number.NaN], data: data(6) }),
      ),
      mistake(
        "targets of another shape",
        api.ShapeError,
        /crossEntropy: target is i32 \[2,3\], expected i32 \[3,2\] for logits \[3,2,5\]/,
        withTarget(tokens(2, 3)),
      ),
      mistake(
        "targets as floats",
        api.ShapeError,
        /crossEntropy: target is f32 \[3,2\]/,
        withTarget({ shape: [3, 2], data: new Float32Array(6) }),
      ),
      mistake(
        "a token beyond the vocabulary",
        api.DataError,
        /x\[0\] is token 5, "embedding" takes tokens 0 to 4; encode the text with the model's own vocabulary/,
        withX({ shape: [3, 2], data: data(6, V) }),
      ),
      mistake("a token below 0", api.DataError, /x\[0\] is token -1/, withX({ shape: [3, 2], data: data(6, -1) })),
      mistake(
        "a target beyond the vocabulary",
        api.DataError,
        /target\[0\] is label 9, "loss" takes labels 0 to 4 \(or -100, ignored\)/,
        withTarget({ shape: [3, 2], data: data(6, 9) }),
      ),
      mistake(
        "a target that another loss ignores",
        api.DataError,
        /target\[0\] is label -100, "loss" takes labels 0 to 4 \(or -1, ignored\)/,
        () =>
          trainOn(
            { ...good(), target: { shape: [3, 2], data: data(6, -100) } },
            { loss: api.crossEntropy({ ignoreIndex: -1 }) },
          ),
      ),
      mistake(
        "another number of rows while the state is carried",
        api.ShapeError,
        /the carried state h is \[1,2,4\], this batch needs \[1,3,4\]; keep the number of rows, or train with carryState: false/,
        () => trainOn({ x: tokens(3, 3), target: tokens(3, 3) }, { carryState: true }),
      ),
      mistake(
        "a row to reset that is not there",
        api.ShapeError,
        /resetState: row 2 of h \[1,2,4\], expected 0 to 1/,
        () => trainOn({ ...good(), resetState: [0, 2] }, { carryState: true }),
      ),
      mistake(
        "rows to reset that are no rows",
        api.OptionError,
        /batch.resetState is 1, expected true, false or a list of row numbers/,
        () => trainOn({ ...good(), resetState: 1 }),
      ),
      mistake("no batch at all", api.DataError, /fit: there is no batch to train on/, () => trainer().fit([])),
      mistake("no batch to measure", api.DataError, /evaluate: there is no batch to measure on/, () =>
        runtime.evaluate(model, []),
      ),
      mistake("a token beyond the vocabulary to measure", api.DataError, /x\[0\] is token 7/, () =>
        runtime.evaluate(model, [{ ...good(), x: { shape: [3, 2], data: data(6, 7) } }]),
      ),
      mistake("nothing to measure", api.ShapeError, /batch.target is missing/, () =>
        runtime.evaluate(model, [wrong({ x: tokens(3, 2) })]),
      ),
      mistake("no steps to measure", api.ShapeError, /batch.x has shape \[0,2\]/, () =>
        runtime.evaluate(model, [{ x: tokens(0, 2), target: tokens(0, 2) }]),
      ),
    ]);

    test("steps before the bad batch are reported, and training goes on after it", async () => {
      const training = trainer();
      const steps: number[] = [];
      const caught = await errorOf(async () => {
        for await (const { step } of training.fit([
          good(),
          good(),
          { ...good(), x: { shape: [3, 2], data: data(6, V) } },
        ]))
          steps.push(step);
      });
      expect(caught).toBeInstanceOf(api.DataError);
      expect(steps).toEqual([1, 2]);
      for await (const { step } of training.fit([good()])) steps.push(step);
      expect(steps).toEqual([1, 2, 3]);
    });
  });

  describe("training options", () => {
    expectErrors([
      mistake(
        "no optimizer",
        api.OptionError,
        /trainer: optimizer is undefined, expected one such as adam\(\{ lr: 1e-3 \}\)/,
        () => runtime.trainer(model, wrong({})),
      ),
      mistake(
        "a name in place of an optimizer",
        api.OptionError,
        /trainer: optimizer is "adam", expected one such/,
        () => runtime.trainer(model, wrong({ optimizer: "adam" })),
      ),
      mistake(
        "an unknown option",
        api.OptionError,
        /trainer: unknown option "clip"; options are optimizer, loss, clipNorm/,
        () => trainer(wrong({ clip: 1 })),
      ),
      ...[0, -1, Number.NaN, "1"].map((clip) =>
        mistake(`clipNorm ${clip}`, api.OptionError, new RegExp(`trainer: clipNorm is ${quoted(clip)}, expected`), () =>
          trainer({ clipNorm: wrong(clip) }),
        ),
      ),
      mistake("clipValue 0", api.OptionError, /trainer: clipValue is 0/, () => trainer({ clipValue: 0 })),
      mistake("an unknown option of fit", api.OptionError, /fit: unknown option "epoch"/, () =>
        trainer().fit([], wrong<api.FitOptions>({ epoch: 1 })),
      ),
      mistake("steps below 0", api.OptionError, /fit: steps is -1/, () => trainer().fit([good()], { steps: -1 })),
      mistake("steps that are no number", api.OptionError, /fit: steps is NaN/, () =>
        trainer().fit([good()], { steps: Number.NaN }),
      ),
      mistake("an unknown option of evaluate", api.OptionError, /evaluate: unknown option "steps"/, () =>
        runtime.evaluate(model, [], wrong({ steps: 1 })),
      ),
      mistake("a seed below 0", api.OptionError, /initialize: seed is -1/, () =>
        runtime.initialize(model, { seed: -1 }),
      ),
      mistake(
        "a seed beyond 32 bits",
        api.OptionError,
        /seed is 4294967296, expected a whole number from 0 to 4294967295/,
        () => runtime.initialize(model, { seed: 2 ** 32 }),
      ),
      mistake("an unknown option of initialize", api.OptionError, /initialize: unknown option "sed"/, () =>
        runtime.initialize(model, wrong({ sed: 1 })),
      ),
      mistake(
        "a model without logits",
        api.ShapeError,
        /Linear.forward returned a tensor; expected a record of outputs, such as \{ logits, state \}/,
        () =>
          runtime
            .trainer(new Linear({ inFeatures: 2, outFeatures: 2 }), { optimizer: adam() })
            .fit([{ ...good(), x: { shape: [3, 2], data: new Float32Array(6) } }]),
      ),
    ]);
  });
});
