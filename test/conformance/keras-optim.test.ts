/**
 * Keras's tests of its optimizers: ten weights that start at 1, five steps with given gradients. Its formulas differ from
 * PyTorch's, which are ours, in where epsilon stands:
 * - Adam divides by sqrt(v) + epsilon before v's bias is corrected ("epsilon hat" of Kingma and Ba 2015, section 2);
 *   PyTorch after it. `keras` below moves the correction, exactly.
 * - Adagrad divides by sqrt(sum + epsilon): a sum that starts with epsilon more, and no epsilon, exactly.
 * - RMSprop divides by sqrt(variance + epsilon), which none of our options does; at these gradients it is a difference of
 *   2e-5 in the weights, far below the suite's tolerance.
 * - Adamax adds epsilon to the largest gradient, PyTorch to each gradient before the largest is taken: the same where, as
 *   here, no gradient is smaller than the one before it.
 * - Nadam's momentum rises with 0.96^t, PyTorch's with 0.96^(t * momentum_decay): a momentumDecay of 1, exactly.
 * - SGD's `nesterov` without a momentum does nothing; ours refuses it.
 */
import { expect } from "vitest";
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamW,
  type Batch,
  ftrl,
  Linear,
  lion,
  Module,
  nadam,
  type Optimizer,
  rmsprop,
  sgd,
  type Tensor,
} from "../../src/index.ts";
import { camelCase, describeSuite } from "./vectors.ts";

interface Case {
  readonly optimizer: string;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly golden: readonly (readonly number[])[];
  readonly rtol: number;
  readonly atol: number;
}

/** Adam with the second moment's correction taken into the learning rate. */
function keras(ours: Optimizer): Optimizer {
  const { beta1, beta2 } = ours.options as { beta1: number; beta2: number };
  return { ...ours, hyper: (step, lr) => [lr, (1 - beta1 ** step) / Math.sqrt(1 - beta2 ** step), 1] };
}

/** Keras's options and defaults as ours. */
const optimizers: Readonly<Record<string, (options: Record<string, number>) => Optimizer>> = {
  Adam: ({ amsgrad }) => keras(adam({ lr: 1e-3, eps: 1e-7, amsgrad: Boolean(amsgrad) })),
  AdamW: ({ learning_rate, weight_decay, epsilon }) =>
    keras(adamW({ lr: learning_rate!, weightDecay: weight_decay!, eps: epsilon! })),
  Adagrad: ({ learning_rate, initial_accumulator_value, epsilon }) =>
    adagrad({ lr: learning_rate!, initialAccumulatorValue: initial_accumulator_value! + epsilon!, eps: 0 }),
  RMSprop: ({ centered }) => rmsprop({ lr: 1e-3, alpha: 0.9, eps: 1e-7, centered: Boolean(centered) }),
  SGD: () => sgd({ lr: 0.01 }),
  Adadelta: ({ learning_rate, rho, epsilon }) => adadelta({ lr: learning_rate!, rho: rho!, eps: epsilon! }),
  Adamax: ({ learning_rate, beta_1, beta_2, epsilon }) =>
    adamax({ lr: learning_rate!, betas: [beta_1!, beta_2!], eps: epsilon! }),
  Nadam: ({ learning_rate, beta_1, beta_2, epsilon }) =>
    nadam({ lr: learning_rate!, betas: [beta_1!, beta_2!], eps: epsilon!, momentumDecay: 1 }),
  Lion: () => lion(),
  Ftrl: ({ learning_rate, ...options }) => ftrl({ lr: learning_rate!, ...camelCase(options) }),
};

/** Its output is the sum of weights times inputs, so that the inputs are the gradient. */
class Weights extends Module {
  readonly dense = new Linear({ inFeatures: 10, outFeatures: 1, bias: false });
  forward(x: Tensor) {
    return { y: this.dense.forward(x) };
  }
}

describeSuite<{ readonly cases: readonly Case[] }, Case>({
  file: "keras_optimizers",
  casesOf: ({ cases }) => cases,
  nameOf: ({ optimizer }) => optimizer,
  counts: { cases: 10, passed: 10, notApplicable: 0 },
  async run({ optimizer, options, golden, rtol, atol }, runtime) {
    const model = new Weights();
    runtime.loadStateDict(model, { "dense.weight": { shape: [1, 10], data: new Float32Array(10).fill(1) } });
    const trainer = runtime.trainer(model, {
      optimizer: optimizers[optimizer]!(options as Record<string, number>),
      loss: ({ y }: { y: Tensor }) => y,
    });
    const one = { shape: [1], data: new Float32Array(1) };
    const step = (gradient: (i: number) => number): Batch => ({
      x: { shape: [1, 10], data: Float64Array.from({ length: 10 }, (_, i) => gradient(i)) },
      target: one,
    });
    expect(golden.length).toBe(5);
    for (const [at, expected] of golden.entries()) {
      for await (const _ of trainer.fit([step((i) => (at === 0 ? 0.01 : 0.1 * (i + 1)))]));
      const { data } = (await runtime.stateDict(model))["dense.weight"]!;
      expected.forEach((want, i) => {
        expect(Math.abs(data[i]! - want), `weight ${i} after step ${at + 1}`).toBeLessThan(
          atol + rtol * Math.abs(want),
        );
      });
    }
    trainer.dispose();
  },
});
