/** Losses, batches and models that do not fit together, refused before anything is sent to the device. */
import { describe } from "vitest";
import * as api from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";
import { expectErrors, mistake, quoted, wrong } from "../support/mistakes.ts";

const { addLosses, bceWithLogits, crossEntropy, ctc, huber, Linear, l1, Module, mse, sgd, smoothL1 } = api;
const { OptionError, ShapeError, DataError } = api;

describe("options of losses", () => {
  const all = { crossEntropy, mse, l1, huber, smoothL1, bceWithLogits, ctc };
  expectErrors([
    ...Object.entries(all).flatMap(([name, make]) => [
      mistake(`an unknown option of ${name}`, OptionError, new RegExp(`^${name}: unknown option "size_average"`), () =>
        make(wrong({ size_average: true })),
      ),
      mistake(`another reduction of ${name}`, OptionError, /reduction is "none", expected "mean" or "sum"/, () =>
        make(wrong({ reduction: "none" })),
      ),
    ]),
    ...[-0.1, 1.5, Number.NaN, "0.1"].map((labelSmoothing) =>
      mistake(
        `labelSmoothing ${String(labelSmoothing)}`,
        OptionError,
        new RegExp(`crossEntropy: labelSmoothing is ${quoted(labelSmoothing)}, expected a finite number in \\[0, 1\\]`),
        () => crossEntropy({ labelSmoothing: wrong(labelSmoothing) }),
      ),
    ),
    mistake("weights below 0", OptionError, /crossEntropy: weight\[1\] is -1, expected a finite number in \[0/, () =>
      crossEntropy({ weight: [1, -1] }),
    ),
    mistake("no weights", OptionError, /crossEntropy: weight is \[\], expected a list of numbers/, () =>
      crossEntropy({ weight: [] }),
    ),
    mistake("one weight for all classes", OptionError, /weight is 2, expected a list of numbers/, () =>
      crossEntropy({ weight: wrong(2) }),
    ),
    mistake("a posWeight below 0", OptionError, /bceWithLogits: posWeight\[0\] is -2/, () =>
      bceWithLogits({ posWeight: -2 }),
    ),
    ...[0, -1, Number.POSITIVE_INFINITY].map((delta) =>
      mistake(`a delta of ${delta}`, OptionError, new RegExp(`huber: delta is ${delta}, expected`), () =>
        huber({ delta }),
      ),
    ),
    mistake(
      "a beta that f32 cannot hold",
      OptionError,
      /smoothL1: beta is 1e-40, expected a finite number in \[0, 3/,
      () => smoothL1({ beta: 1e-40 }),
    ),
    mistake(
      "a weight that f32 cannot hold",
      OptionError,
      /crossEntropy: weight\[0\] is 1e\+39, expected a finite/,
      () => crossEntropy({ weight: [1e39, 1] }),
    ),
    mistake("a beta below 0", OptionError, /smoothL1: beta is -1, expected/, () => smoothL1({ beta: -1 })),
    mistake("a blank below 0", OptionError, /ctc: blank is -1, expected a whole number of at least 0/, () =>
      ctc({ blank: -1 }),
    ),
    mistake("a switch that is none", OptionError, /ctc: zeroInfinity is 1, expected true or false/, () =>
      ctc({ zeroInfinity: wrong(1) }),
    ),
  ]);
});

const { onEach, runtimes } = await runtimesForTests();

type Symbols = Readonly<Record<string, api.Tensor>>;

onEach(({ kind }) => {
  const runtime = runtimes[kind];

  /** Logits `[3,2,4]` and numbers `[3,2,4]`, of x `[3,2,5]`. */
  class Two extends Module {
    readonly a = new Linear({ inFeatures: 5, outFeatures: 4 });
    readonly b = new Linear({ inFeatures: 5, outFeatures: 4 });
    forward(x: api.Tensor) {
      return { logits: this.a.forward(x), numbers: this.b.forward(x) };
    }
  }
  const model = new Two();
  const x = { shape: [3, 2, 5], data: new Float32Array(30) };
  const i32 = (shape: number[], value = 0) => ({
    shape,
    data: new Int32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });
  const f32 = (shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

  const train = (target: unknown, loss?: unknown, options: object = {}, on: api.Module = model) =>
    runtime
      .trainer(on, { optimizer: sgd(), ...(loss !== undefined && { loss: wrong(loss) }), ...options })
      .fit([wrong({ x, target })]);
  /** A loss function of the logits, the numbers and the parts of the target. */
  const by = (target: unknown, loss: (outputs: Symbols, target: Symbols) => unknown) => () => train(target, loss);
  const labels = i32([3, 2]);

  describe("losses of tensors that do not fit", () => {
    expectErrors([
      mistake("weights of another number of classes", ShapeError, /weight has 3 numbers, the logits 4 classes/, () =>
        train(labels, crossEntropy({ weight: [1, 1, 1] })),
      ),
      mistake(
        "logits that are tokens",
        ShapeError,
        /crossEntropy: logits is i32 \[3,2\], expected f32 \[\.\.\., V\]/,
        () => train(labels, (_: Symbols, target: api.Tensor) => crossEntropy().apply(target, target)),
      ),
      mistake(
        "a mask of another shape",
        ShapeError,
        /crossEntropy: mask has shape \[2,3\], expected \[3,2\]/,
        by({ labels, mask: i32([2, 3]) }, ({ logits }, { labels, mask }) =>
          crossEntropy().apply(logits!, labels!, { mask: mask! }),
        ),
      ),
      mistake(
        "a mask of numbers",
        ShapeError,
        /mse: mask holds f32, expected i32 \[3,2,4\] or \[3,2\]/,
        by({ y: f32([3, 2, 4]), mask: f32([3, 2]) }, ({ numbers }, { y, mask }) =>
          mse().apply(numbers!, y!, { mask: mask! }),
        ),
      ),
      mistake(
        "a mask entry of 2",
        DataError,
        /target\.mask\[0\] is mask entry 2, .* takes mask entries 0 to 1/,
        by({ y: f32([3, 2, 4]), mask: i32([3, 2], 2) }, ({ numbers }, { y, mask }) =>
          mse().apply(numbers!, y!, { mask: mask! }),
        ),
      ),
      mistake(
        "a mask in place of its record",
        ShapeError,
        /the targets that count are a tensor, expected \{ mask, lengths \}/,
        by({ labels, mask: i32([3, 2]) }, ({ logits }, { labels, mask }) =>
          crossEntropy().apply(logits!, labels!, wrong(mask)),
        ),
      ),
      mistake(
        "another word for the mask",
        OptionError,
        /crossEntropy: unknown option "weights"; options are mask, lengths/,
        by({ labels, mask: i32([3, 2]) }, ({ logits }, { labels, mask }) =>
          crossEntropy().apply(logits!, labels!, wrong({ weights: mask })),
        ),
      ),
      mistake(
        "lengths of another batch",
        ShapeError,
        /huber: lengths has shape \[3\], expected \[B\] = \[2\]/,
        by({ y: f32([3, 2, 4]), lengths: i32([3]) }, ({ numbers }, { y, lengths }) =>
          huber().apply(numbers!, y!, { lengths: lengths! }),
        ),
      ),
      mistake(
        "a length beyond the steps",
        DataError,
        /target\.lengths\[0\] is length 4, .* takes lengths 0 to 3/,
        by({ y: f32([3, 2, 4]), lengths: i32([2], 4) }, ({ numbers }, { y, lengths }) =>
          l1().apply(numbers!, y!, { lengths: lengths! }),
        ),
      ),
      mistake(
        "a mask that says more than the lengths",
        DataError,
        /target\.mask\[2\] is 1, a real step: step 1 of sequence 0, but target\.lengths\[0\] is 1/,
        by({ labels, mask: i32([3, 2], 1), lengths: i32([2], 1) }, ({ logits }, { labels, mask, lengths }) =>
          crossEntropy().apply(logits!, labels!, { mask: mask!, lengths: lengths! }),
        ),
      ),
      mistake("a target of another shape", ShapeError, /mse: target has shape \[3,2\], the output \[3,2,4\]/, () =>
        train(f32([3, 2]), mse()),
      ),
      mistake("a target of tokens", ShapeError, /l1: target is i32 \[3,2,4\], expected f32 \[3,2,4\]/, () =>
        train(i32([3, 2, 4]), l1()),
      ),
      mistake("posWeights of another number", ShapeError, /posWeight has 3 numbers, the output \[3,2,4\]/, () =>
        train(f32([3, 2, 4]), bceWithLogits({ posWeight: [1, 2, 3] })),
      ),
      mistake(
        "a target that is trained too",
        ShapeError,
        /mse: the target depends on parameters that are trained/,
        by(labels, ({ logits, numbers }) => mse().apply(logits!, numbers!)),
      ),
      mistake("labels of another batch", ShapeError, /ctc: target has shape \[3,2\], expected \[B,S\] with B = 2/, () =>
        train(labels, ctc()),
      ),
      mistake("a blank that is no class", ShapeError, /ctc: blank is 4, and the logits have the classes 0 to 3/, () =>
        train(i32([2, 2]), ctc({ blank: 4 })),
      ),
      mistake(
        "a label that is no class",
        DataError,
        /target\[0\] is label 4, "ctc" takes labels 0 to 3 \(or -1, ignored\)/,
        () => train(i32([2, 2], 4), ctc()),
      ),
      mistake(
        "more labels than there are",
        DataError,
        /target\.lengths\[0\] is length 3, "ctc" takes lengths 0 to 2/,
        by({ labels: i32([2, 2], 1), lengths: i32([2], 3) }, ({ logits }, { labels, lengths }) =>
          ctc().apply(logits!, labels!, { targetLengths: lengths! }),
        ),
      ),
      mistake(
        "labels of CTC without their number",
        DataError,
        /^target\[1\] is -1, no class: label 1 of sequence 0, of which all 2 count, because no lengths say otherwise; give/,
        () => train({ shape: [2, 2], data: Int32Array.of(1, -1, 2, 2) }, ctc()),
      ),
      mistake(
        "the blank among the labels",
        DataError,
        /^target\.labels\[2\] is 0, the blank: label 0 of sequence 1, of which target\.lengths\[1\] is 1; give the number/,
        by(
          { labels: { shape: [2, 2], data: Int32Array.of(1, -1, 0, -1) }, lengths: i32([2], 1) },
          ({ logits }, { labels, lengths }) => ctc().apply(logits!, labels!, { targetLengths: lengths! }),
        ),
      ),
      mistake(
        "lengths of CTC by another name",
        OptionError,
        /ctc: unknown option "lengths"; options are inputLengths, targetLengths/,
        by({ labels: i32([2, 2], 1), lengths: i32([2], 1) }, ({ logits }, { labels, lengths }) =>
          ctc().apply(logits!, labels!, wrong({ lengths })),
        ),
      ),
      ...[null, 3].map((lengths) =>
        mistake(
          `${lengths} in place of CTC's lengths`,
          ShapeError,
          /ctc: the lengths are no record, expected/,
          by({ labels: i32([2, 2], 1) }, ({ logits }, { labels }) => ctc().apply(logits!, labels!, wrong(lengths))),
        ),
      ),
    ]);
  });

  describe("models of several losses", () => {
    expectErrors([
      mistake("a name in place of a loss", OptionError, /trainer: loss is "mse", expected a loss such as/, () =>
        train(labels, "mse"),
      ),
      mistake("a name to measure by", OptionError, /evaluate: loss is "mse", expected a loss such as/, () =>
        runtime.evaluate(model, [wrong({ x, target: labels })], { loss: wrong("mse") }),
      ),
      mistake("a seed below 0", OptionError, /seed is -1, expected a whole number from 0/, () =>
        train(labels, undefined, { seed: -1 }),
      ),
      mistake("a record for a loss of one target", ShapeError, /target is a record of labels, and cross-entropy/, () =>
        train({ labels }),
      ),
      mistake("a loss for each step", ShapeError, /the loss is f32 \[3,2,4\], expected one number, f32 \[\]/, () =>
        train(labels, ({ logits }: Symbols) => logits),
      ),
      mistake("no loss", ShapeError, /the loss is undefined, expected one number/, () =>
        train(labels, () => undefined),
      ),
      mistake(
        "a list of losses",
        ShapeError,
        /the loss function returned a list of \d; add them up with addLosses/,
        () => train(labels, ({ logits }: Symbols, target: api.Tensor) => [crossEntropy().apply(logits!, target).loss]),
      ),
      mistake("a count of its own kind", ShapeError, /the count is 6, expected one number, f32/, () =>
        train(labels, ({ logits }: Symbols, target: api.Tensor) => ({
          ...crossEntropy().apply(logits!, target),
          count: 6,
        })),
      ),
      mistake("nothing to add up", ShapeError, /addLosses: there is no loss/, () => train(labels, () => addLosses([]))),
      mistake("more weights than losses", OptionError, /addLosses: weights are \[1, 2\], expected 1 numbers/, () =>
        train(labels, ({ logits }: Symbols, target: api.Tensor) =>
          addLosses([crossEntropy().apply(logits!, target).loss], [1, 2]),
        ),
      ),
      mistake("logits among the losses", ShapeError, /addLosses: losses\[1\] has shape \[3,2,4\], expected one/, () =>
        train(labels, ({ logits }: Symbols, target: api.Tensor) =>
          addLosses([crossEntropy().apply(logits!, target).loss, logits!]),
        ),
      ),
      mistake("an output by another name", ShapeError, /Named.forward returned no logits; expected \{ logits/, () => {
        class Named extends Module {
          readonly layer = new Linear({ inFeatures: 5, outFeatures: 4 });
          forward(input: api.Tensor) {
            return { y: this.layer.forward(input) };
          }
        }
        return train(labels, undefined, {}, new Named());
      }),
      mistake("an input that is no tensor", ShapeError, /batch\.x\.lengths is \[3, 2\]: expected/, () =>
        runtime.trainer(model, { optimizer: sgd() }).fit([wrong({ x: { x, lengths: [3, 2] }, target: labels })]),
      ),
      mistake(
        "an input with too few values",
        ShapeError,
        /batch\.target\.mask has 5 values, but shape \[3,2\] needs 6/,
        () => train({ labels, mask: { shape: [3, 2], data: new Int32Array(5) } }),
      ),
      mistake("an empty record", ShapeError, /batch\.target is {}: expected/, () => train({})),
      mistake(
        "a shared weight of another shape",
        OptionError,
        /Linear: weight is \[4,5\], expected .* = \[5,4\]/,
        () => new Linear({ inFeatures: 4, outFeatures: 5, weight: model.a.weight }),
      ),
    ]);
  });
});
