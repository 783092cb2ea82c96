import { checkOptions } from "../../errors.ts";
import { adamaxKernel, adamKernel, lionKernel, nadamKernel, radamKernel } from "../../kernels/optimizer.ts";
import { belowOne, checked, checkedPair, flag, type Optimizer, optimizer, positive } from "../optimizers.ts";

export interface AdamOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Decay of the two moments; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0 for adam, 0.01 for adamW. */
  readonly weightDecay?: number;
  /** Keep the largest second moment; default false. */
  readonly amsgrad?: boolean;
}

/** Decay of the two moments, both below 1. */
const checkedBetas = (what: string, betas: unknown) => checkedPair(what, "betas", betas, [belowOne, belowOne]);

function adamLike(what: "adam" | "adamW", options: AdamOptions): Optimizer {
  checkOptions(what, options, ["lr", "betas", "eps", "weightDecay", "amsgrad"]);
  const { betas = [0.9, 0.999], ...given } = options;
  const all = { lr: 1e-3, eps: 1e-8, weightDecay: what === "adam" ? 0 : 0.01, amsgrad: false, ...given };
  checked(what, all, { lr: positive, eps: positive, weightDecay: positive });
  const [beta1, beta2] = checkedBetas(what, betas);
  const { lr, eps, weightDecay, amsgrad } = all;
  return optimizer({
    name: what,
    lr,
    options: { ...all, beta1, beta2 },
    moments: amsgrad ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"],
    kernel: adamKernel,
    params: { weightDecay, beta1, beta2, eps, decoupled: flag(what === "adamW"), amsgrad: flag(amsgrad) },
    hyper: (step, rate) => [rate, 1 - beta1 ** step, 1 - beta2 ** step],
  });
}

/** Adam (Kingma and Ba 2015), as torch.optim.Adam. @throws OptionError for unknown options and values out of range */
export const adam = (options: AdamOptions = {}): Optimizer => adamLike("adam", options);

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW. @throws OptionError as `adam` */
export const adamW = (options: AdamOptions = {}): Optimizer => adamLike("adamW", options);

export interface AdamaxOptions {
  /** Default 2e-3. */
  readonly lr?: number;
  /** Decay of the first moment and of the largest gradient; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to each gradient's size; default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
}

/**
 * Adamax, Adam with the infinity norm (Kingma and Ba 2015, section 7.1), as torch.optim.Adamax.
 * @throws OptionError for unknown options and values out of range
 */
export function adamax(options: AdamaxOptions = {}): Optimizer {
  checkOptions("adamax", options, ["lr", "betas", "eps", "weightDecay"]);
  const { betas = [0.9, 0.999], ...given } = options;
  const all = { lr: 2e-3, eps: 1e-8, weightDecay: 0, ...given };
  checked("adamax", all, { lr: positive, eps: positive, weightDecay: positive });
  const [beta1, beta2] = checkedBetas("adamax", betas);
  const { lr, eps, weightDecay } = all;
  return optimizer({
    name: "adamax",
    lr,
    options: { ...all, beta1, beta2 },
    moments: ["exp_avg", "exp_inf"],
    kernel: adamaxKernel,
    params: { weightDecay, beta1, beta2, eps },
    hyper: (step, rate) => [rate, 1 - beta1 ** step],
  });
}

export interface NAdamOptions {
  /** Default 2e-3. */
  readonly lr?: number;
  /** Decay of the two moments; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /**
   * How fast the momentum rises from half of betas[0] to all of it; default 4e-3. Keras's Nadam, and the paper with its 0.96^t,
   * have 1.
   */
  readonly momentumDecay?: number;
  /** Decay the weights as adamW, in place of adding to the gradient; default false. */
  readonly decoupledWeightDecay?: boolean;
}

/** The momentum of a step of Nadam. */
const nadamMomentum = (beta1: number, momentumDecay: number, step: number) =>
  beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));

/** The momentums of all steps so far, multiplied; past 2^-60 no more of them can be seen in 1 minus it. */
function nadamProduct(beta1: number, momentumDecay: number, step: number): number {
  let product = 1;
  for (let s = 1; s <= step && product > 2 ** -60; s++) product *= nadamMomentum(beta1, momentumDecay, s);
  return product;
}

/**
 * Adam with Nesterov momentum (Dozat 2016), as torch.optim.NAdam.
 * @throws OptionError for unknown options and values out of range
 */
export function nadam(options: NAdamOptions = {}): Optimizer {
  checkOptions("nadam", options, ["lr", "betas", "eps", "weightDecay", "momentumDecay", "decoupledWeightDecay"]);
  const { betas = [0.9, 0.999], ...given } = options;
  const all = { lr: 2e-3, eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3, decoupledWeightDecay: false, ...given };
  checked("nadam", all, { lr: positive, eps: positive, weightDecay: positive, momentumDecay: positive });
  const [beta1, beta2] = checkedBetas("nadam", betas);
  const { lr, eps, weightDecay, momentumDecay, decoupledWeightDecay } = all;
  return optimizer({
    name: "nadam",
    lr,
    options: { ...all, beta1, beta2 },
    moments: ["exp_avg", "exp_avg_sq"],
    kernel: nadamKernel,
    params: { weightDecay, beta1, beta2, eps, decoupled: flag(decoupledWeightDecay) },
    hyper: (step, rate) => {
      const [now, next] = [step, step + 1].map((s) => nadamMomentum(beta1, momentumDecay, s)) as [number, number];
      const product = nadamProduct(beta1, momentumDecay, step);
      return [rate, (1 - now) / (1 - product), next / (1 - product * next), 1 - beta2 ** step];
    },
  });
}

export interface RAdamOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Decay of the two moments; default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Decay the weights as adamW, in place of adding to the gradient; default false. */
  readonly decoupledWeightDecay?: boolean;
}

/**
 * Adam with rectified variance (Liu et al. 2020), as torch.optim.RAdam: the first steps, of which the variance would be too
 * uncertain, are momentum alone (five of them at the default betas).
 * @throws OptionError for unknown options and values out of range
 */
export function radam(options: RAdamOptions = {}): Optimizer {
  checkOptions("radam", options, ["lr", "betas", "eps", "weightDecay", "decoupledWeightDecay"]);
  const { betas = [0.9, 0.999], ...given } = options;
  const all = { lr: 1e-3, eps: 1e-8, weightDecay: 0, decoupledWeightDecay: false, ...given };
  checked("radam", all, { lr: positive, eps: positive, weightDecay: positive });
  const [beta1, beta2] = checkedBetas("radam", betas);
  const { lr, eps, weightDecay, decoupledWeightDecay } = all;
  const most = 2 / (1 - beta2) - 1;
  return optimizer({
    name: "radam",
    lr,
    options: { ...all, beta1, beta2 },
    moments: ["exp_avg", "exp_avg_sq"],
    kernel: radamKernel,
    params: { weightDecay, beta1, beta2, eps, decoupled: flag(decoupledWeightDecay) },
    hyper: (step, rate) => {
      const correction = 1 - beta2 ** step;
      const length = most - (2 * step * beta2 ** step) / correction;
      const rectified = ((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length);
      return [rate, 1 - beta1 ** step, length > 5 ? Math.sqrt(rectified * correction) : 0];
    },
  });
}

export interface LionOptions {
  /** Default 1e-3, as Keras; the paper asks for 3 to 10 times less than AdamW's. */
  readonly lr?: number;
  /** Share of the momentum in the update, and its own decay; default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
  /** Decoupled, as adamW; default 0. The paper asks for 3 to 10 times more than AdamW's. */
  readonly weightDecay?: number;
}

/**
 * Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2), as keras.optimizers.Lion: every weight
 * moves by lr, in the direction of the momentum's sign.
 * @throws OptionError for unknown options and values out of range
 */
export function lion(options: LionOptions = {}): Optimizer {
  checkOptions("lion", options, ["lr", "betas", "weightDecay"]);
  const { betas = [0.9, 0.99], ...given } = options;
  const all = { lr: 1e-3, weightDecay: 0, ...given };
  checked("lion", all, { lr: positive, weightDecay: positive });
  const [beta1, beta2] = checkedBetas("lion", betas);
  const { lr, weightDecay } = all;
  return optimizer({
    name: "lion",
    lr,
    options: { ...all, beta1, beta2 },
    moments: ["exp_avg"],
    kernel: lionKernel,
    params: { weightDecay, beta1, beta2 },
    hyper: (_step, rate) => [rate],
  });
}
