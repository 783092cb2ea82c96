/** The optimizers' flags of `train`: what they make, and that each of them is an option of the optimizer. */
import { Command } from "commander";
import { expect, test } from "vitest";
import { addTrainOptions, optimizerOf, type TrainFlags } from "../../src/cli/train-options.ts";
import { makeOptimizer, optimizerNames } from "../../src/index.ts";

const commandOf = () => addTrainOptions(new Command().exitOverride());
const specOf = (line: string) =>
  optimizerOf(commandOf().parse(line.split(" ").filter(Boolean), { from: "user" }).opts<TrainFlags>());

const cases = [
  ["", { name: "adam", lr: 5e-3 }],
  ["--optimizer adamw --amsgrad --eps 1e-6", { name: "adamW", lr: 5e-3, amsgrad: true, eps: 1e-6 }],
  ["--optimizer sgd --momentum 0.9 --nesterov", { name: "sgd", momentum: 0.9, nesterov: true }],
  ["--optimizer sgd --momentum 0.9 --dampening 0.5", { name: "sgd", momentum: 0.9, dampening: 0.5 }],
  ["--optimizer rmsprop --alpha 0.9 --centered", { name: "rmsprop", alpha: 0.9, centered: true }],
  ["--optimizer adagrad --lr-decay 0.1", { name: "adagrad", lrDecay: 0.1 }],
  ["--optimizer adamax --beta1 0.8 --weight-decay 0.1", { name: "adamax", betas: [0.8, 0.999], weightDecay: 0.1 }],
  ["--optimizer nadam --lr 0.1 --momentum-decay 1", { name: "nadam", lr: 0.1, momentumDecay: 1 }],
  ["--optimizer radam --decoupled-weight-decay", { name: "radam", decoupledWeightDecay: true }],
  ["--optimizer lion --beta1 0.8", { name: "lion", betas: [0.8, 0.99] }],
  ["--optimizer lion --beta2 0.8", { name: "lion", betas: [0.9, 0.8] }],
  ["--optimizer adadelta --rho 0.8", { name: "adadelta", rho: 0.8 }],
  [
    "--optimizer ftrl --learning-rate-power -0.2 --initial-accumulator-value 0.4 --beta 0.3",
    { name: "ftrl", learningRatePower: -0.2, initialAccumulatorValue: 0.4, beta: 0.3 },
  ],
  [
    "--optimizer ftrl --l1-regularization-strength 1 --l2-regularization-strength 2 --l2-shrinkage-regularization-strength 3",
    { name: "ftrl", l1RegularizationStrength: 1, l2RegularizationStrength: 2, l2ShrinkageRegularizationStrength: 3 },
  ],
  ["--optimizer asgd --lambd 0.1 --alpha 2 --t0 100", { name: "asgd", lambd: 0.1, alpha: 2, t0: 100 }],
  ["--optimizer rprop --eta-plus 1.5 --step-size-max 1", { name: "rprop", etas: [0.5, 1.5], stepSizes: [1e-6, 1] }],
  ["--optimizer rprop --eta-minus 0.2 --step-size-min 0.1", { name: "rprop", etas: [0.2, 1.2], stepSizes: [0.1, 50] }],
] as const;

test.each(cases)("%s", (line, expected) => {
  const spec = specOf(line);
  expect(spec).toEqual(expected);
  expect(makeOptimizer(spec).name).toBe(expected.name);
});

test("every optimizer can be asked for, with its own defaults but for adam's learning rate", () => {
  for (const name of optimizerNames) {
    const spec = specOf(`--optimizer ${name.toLowerCase()}`);
    expect(spec).toEqual(/^adam(W)?$/.test(name) ? { name, lr: 5e-3 } : { name });
  }
});

test("every flag of the optimizers stands in a case above", () => {
  const tried = cases.flatMap(([line]) => line.split(" "));
  const group = commandOf().options.filter((option) => option.helpGroupHeading?.startsWith("Optimizer"));
  const flags = group.map(({ long }) => long!).filter((long) => !long.startsWith("--clip"));
  expect(flags.length).toBe(28);
  expect(flags.filter((flag) => !tried.includes(flag))).toEqual([]);
});

test("an option of another optimizer is refused", () => {
  expect(() => makeOptimizer(specOf("--optimizer sgd --beta1 0.5"))).toThrow(/sgd: unknown option "betas"/);
  expect(() => makeOptimizer(specOf("--optimizer lion --eps 0.5"))).toThrow(/lion: unknown option "eps"/);
});
