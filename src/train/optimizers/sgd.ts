import { checkOptions, LARGEST, LEAST, OptionError } from "../../errors.ts";
import { asgdKernel, rpropKernel, sgdKernel } from "../../kernels/optimizer.ts";
import { checked, checkedPair, flag, type Optimizer, optimizer, positive } from "../optimizers.ts";

export interface SGDOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Default 0. */
  readonly dampening?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Default false; needs a momentum and no dampening. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent, as torch.optim.SGD. @throws OptionError for unknown options and values out of range */
export function sgd(options: SGDOptions = {}): Optimizer {
  checkOptions("sgd", options, ["lr", "momentum", "dampening", "weightDecay", "nesterov"]);
  const all = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, ...options };
  checked("sgd", all, { lr: positive, momentum: positive, dampening: positive, weightDecay: positive });
  if (all.nesterov && (all.momentum === 0 || all.dampening !== 0)) {
    throw new OptionError(
      `sgd: nesterov needs a momentum above 0 and dampening 0, got momentum ${all.momentum} and dampening ${all.dampening}`,
    );
  }
  const { lr, momentum, dampening, weightDecay } = all;
  return optimizer({
    name: "sgd",
    lr,
    options: all,
    moments: momentum > 0 ? ["momentum_buffer"] : [],
    kernel: sgdKernel,
    params: { weightDecay, momentum, dampening, nesterov: flag(all.nesterov) },
    hyper: (step, rate) => [rate, flag(step === 1)],
  });
}

export interface ASGDOptions {
  /** Default 1e-2. */
  readonly lr?: number;
  /** How fast weights decay and the learning rate falls; default 1e-4. */
  readonly lambd?: number;
  /** Power with which the learning rate falls; default 0.75. */
  readonly alpha?: number;
  /** From which step on weights are averaged; default 1e6. */
  readonly t0?: number;
  /** Default 0. */
  readonly weightDecay?: number;
}

/**
 * Averaged stochastic gradient descent (Polyak and Juditsky 1992), as torch.optim.ASGD: step t has the learning rate
 * lr / (1 + lambd·lr·(t - 1))^alpha. The averaged weights are the trainer's `optimizer.ax.<name>` in its state dict.
 * Where a schedule changes lr, it counts in the step that it is for; torch's own counts a step later.
 * @throws OptionError for unknown options and values out of range
 */
export function asgd(options: ASGDOptions = {}): Optimizer {
  checkOptions("asgd", options, ["lr", "lambd", "alpha", "t0", "weightDecay"]);
  const all = { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, ...options };
  checked("asgd", all, { lr: positive, lambd: positive, alpha: positive, t0: positive, weightDecay: positive });
  const { lr, lambd, alpha, t0, weightDecay } = all;
  return optimizer({
    name: "asgd",
    lr,
    options: all,
    moments: ["ax"],
    kernel: asgdKernel,
    params: { weightDecay, lambd },
    hyper: (step, rate) => [rate / (1 + lambd * rate * (step - 1)) ** alpha, 1 / Math.max(1, step - 1 - t0)],
  });
}

export interface RpropOptions {
  /** Step size that every weight begins with; default 1e-2. */
  readonly lr?: number;
  /** Factors of the step size where the gradient's sign changes, below 1, and where it stays, above 1; default [0.5, 1.2]. */
  readonly etas?: readonly [number, number];
  /** Smallest and largest step size; default [1e-6, 50]. */
  readonly stepSizes?: readonly [number, number];
}

/**
 * Resilient backpropagation (Riedmiller and Braun 1993), as torch.optim.Rprop: only the gradient's signs count, so the batch
 * should be the whole data. The learning rate is read in a weight's first step only, a schedule changes nothing after it.
 * @throws OptionError for unknown options and values out of range
 */
export function rprop(options: RpropOptions = {}): Optimizer {
  checkOptions("rprop", options, ["lr", "etas", "stepSizes"]);
  const { lr = 1e-2, etas = [0.5, 1.2], stepSizes = [1e-6, 50] } = options;
  checked("rprop", { lr }, { lr: positive });
  const [etaMinus, etaPlus] = checkedPair("rprop", "etas", etas, [
    [LEAST, 1 - 2 ** -24],
    [1 + 2 ** -23, LARGEST],
  ]);
  const [stepSizeMin, stepSizeMax] = checkedPair("rprop", "stepSizes", stepSizes, [
    [LEAST, LARGEST],
    [LEAST, LARGEST],
  ]);
  if (stepSizeMin > stepSizeMax)
    throw new OptionError(`rprop: stepSizes is [${stepSizeMin}, ${stepSizeMax}], expected the smallest one first`);
  const own = { etaMinus, etaPlus, stepSizeMin, stepSizeMax };
  return optimizer({
    name: "rprop",
    lr,
    options: { lr, ...own },
    moments: ["prev", "step_size"],
    kernel: rpropKernel,
    params: { weightDecay: 0, ...own },
    hyper: (_step, rate) => [rate],
  });
}
