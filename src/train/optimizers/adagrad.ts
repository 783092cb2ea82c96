import { checkOptions, LARGEST, LEAST } from "../../errors.ts";
import { adadeltaKernel, adagradKernel, ftrlKernel, rmspropKernel } from "../../kernels/optimizer.ts";
import { checked, flag, fraction, type Optimizer, optimizer, positive } from "../optimizers.ts";

export interface RMSpropOptions {
  /** Default 1e-2. */
  readonly lr?: number;
  /** Decay of the mean of squares; default 0.99. */
  readonly alpha?: number;
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Divide by the variance in place of the mean of squares; default false. */
  readonly centered?: boolean;
}

/** RMSprop (Tieleman and Hinton 2012), as torch.optim.RMSprop. @throws OptionError for unknown options and values out of range */
export function rmsprop(options: RMSpropOptions = {}): Optimizer {
  checkOptions("rmsprop", options, ["lr", "alpha", "eps", "weightDecay", "momentum", "centered"]);
  const all = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, ...options };
  checked("rmsprop", all, { lr: positive, alpha: fraction, eps: positive, weightDecay: positive, momentum: positive });
  const { lr, alpha, eps, weightDecay, momentum, centered } = all;
  const velocity = momentum > 0 ? "momentum_buffer" : undefined;
  return optimizer({
    name: "rmsprop",
    lr,
    options: all,
    moments: centered ? ["square_avg", velocity, "grad_avg"] : velocity ? ["square_avg", velocity] : ["square_avg"],
    kernel: rmspropKernel,
    params: { weightDecay, alpha, eps, momentum, centered: flag(centered) },
    hyper: (_step, rate) => [rate],
  });
}

export interface AdagradOptions {
  /** Default 1e-2. */
  readonly lr?: number;
  /** Default 0. */
  readonly lrDecay?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** What the sums of squares start with; default 0. */
  readonly initialAccumulatorValue?: number;
  /** Default 1e-10. */
  readonly eps?: number;
}

/** Adagrad (Duchi, Hazan and Singer 2011), as torch.optim.Adagrad. @throws OptionError for unknown options and values out of range */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  checkOptions("adagrad", options, ["lr", "lrDecay", "weightDecay", "initialAccumulatorValue", "eps"]);
  const all = { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, ...options };
  checked("adagrad", all, {
    lr: positive,
    lrDecay: positive,
    weightDecay: positive,
    initialAccumulatorValue: positive,
    eps: positive,
  });
  const { lr, lrDecay, weightDecay, initialAccumulatorValue, eps } = all;
  return optimizer({
    name: "adagrad",
    lr,
    options: all,
    moments: ["sum"],
    initialMoments: [initialAccumulatorValue],
    kernel: adagradKernel,
    params: { weightDecay, eps },
    hyper: (step, rate) => [rate / (1 + (step - 1) * lrDecay)],
  });
}

export interface AdadeltaOptions {
  /** Default 1. */
  readonly lr?: number;
  /** Decay of the means of squares; default 0.9. */
  readonly rho?: number;
  /** Under both roots; default 1e-6. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
}

/** Adadelta (Zeiler 2012), as torch.optim.Adadelta. @throws OptionError for unknown options and values out of range */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  checkOptions("adadelta", options, ["lr", "rho", "eps", "weightDecay"]);
  const all = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, ...options };
  checked("adadelta", all, { lr: positive, rho: fraction, eps: positive, weightDecay: positive });
  const { lr, rho, eps, weightDecay } = all;
  return optimizer({
    name: "adadelta",
    lr,
    options: all,
    moments: ["square_avg", "acc_delta"],
    kernel: adadeltaKernel,
    params: { weightDecay, rho, eps },
    hyper: (_step, rate) => [rate],
  });
}

export interface FtrlOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Power of the sums of squares that divides the learning rate, at most 0; default -0.5. */
  readonly learningRatePower?: number;
  /** What the sums of squares start with, above 0; default 0.1. */
  readonly initialAccumulatorValue?: number;
  /** Holds weights at 0 until their gradients are worth it; default 0. */
  readonly l1RegularizationStrength?: number;
  /** Default 0. */
  readonly l2RegularizationStrength?: number;
  /** Added to the gradient, 2 times this times the weight, but not to the sums of squares; default 0. */
  readonly l2ShrinkageRegularizationStrength?: number;
  /** β of the paper: slows down learning while the sums of squares are small; default 0. */
  readonly beta?: number;
  /** Decoupled, as adamW; default 0. */
  readonly weightDecay?: number;
}

/**
 * FTRL-Proximal (McMahan et al. 2013, "Ad Click Prediction"), as keras.optimizers.Ftrl. Made for sparse linear models: weights
 * are computed anew from the gradients so far and the learning rate, so they lose what they started with in a few steps, and a
 * schedule scales them. A step at learning rate 0 does nothing.
 * @throws OptionError for unknown options and values out of range
 */
export function ftrl(options: FtrlOptions = {}): Optimizer {
  const defaults = {
    lr: 1e-3,
    learningRatePower: -0.5,
    initialAccumulatorValue: 0.1,
    l1RegularizationStrength: 0,
    l2RegularizationStrength: 0,
    l2ShrinkageRegularizationStrength: 0,
    beta: 0,
    weightDecay: 0,
  };
  checkOptions("ftrl", options, Object.keys(defaults));
  const all = { ...defaults, ...options };
  checked("ftrl", all, {
    lr: positive,
    learningRatePower: [-LARGEST, 0],
    initialAccumulatorValue: [LEAST, LARGEST],
    l1RegularizationStrength: positive,
    l2RegularizationStrength: positive,
    l2ShrinkageRegularizationStrength: positive,
    beta: positive,
    weightDecay: positive,
  });
  const { lr, learningRatePower, initialAccumulatorValue, beta, weightDecay } = all;
  return optimizer({
    name: "ftrl",
    lr,
    options: all,
    moments: ["accumulator", "linear"],
    initialMoments: [initialAccumulatorValue],
    kernel: ftrlKernel,
    params: {
      weightDecay,
      power: -learningRatePower,
      l1: all.l1RegularizationStrength,
      l2: all.l2RegularizationStrength,
      l2Shrinkage: all.l2ShrinkageRegularizationStrength,
      beta,
    },
    hyper: (_step, rate) => [rate],
  });
}
