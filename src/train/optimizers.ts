import { checkNumber, checkOptions, checkSwitch, OptionError, shown } from "../errors.ts";
import type { Update } from "../graph/update-parameters.ts";
import { dispatch, gridFor, type Kernel } from "../kernels/kernel.ts";
import { NO_CLIP_VALUE } from "../kernels/norm.ts";
import { adagradKernel, adamKernel, momentNames, rmspropKernel, sgdKernel } from "../kernels/optimizer.ts";

/** An optimizer as data: which kernel, its constants, what it keeps, and what the host sends it each step. */
export interface Optimizer {
  readonly name: string;
  readonly lr: number;
  /** The options with their defaults filled in. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** What it keeps for each parameter, by slot; slots that are not in use are undefined. */
  readonly moments: readonly (string | undefined)[];
  /** What the moments start with; default 0. */
  readonly initialMoment: number;
  /** @internal */
  readonly kernel: Kernel;
  /** @internal */
  readonly params: Readonly<Record<string, number>>;
  /** What the kernel reads in step `step` (1 is the first) at learning rate `lr`. */
  hyper(step: number, lr: number): number[];
}

type Plain = Omit<Optimizer, "initialMoment"> & { readonly initialMoment?: number };
const optimizer = (plain: Plain): Optimizer => ({ initialMoment: 0, ...plain });

const flag = (value: boolean) => (value ? 1 : 0);

function checked(
  what: string,
  options: Readonly<Record<string, unknown>>,
  ranges: Readonly<Record<string, readonly [number, number]>>,
): void {
  for (const [name, [low, high]] of Object.entries(ranges)) checkNumber(what, name, options[name], low, high);
  for (const [name, value] of Object.entries(options)) {
    if (!(name in ranges) && name !== "betas") checkSwitch(what, name, value);
  }
}

const positive = [0, Number.MAX_VALUE] as const;
const fraction = [0, 1] as const;

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

function adamLike(what: "adam" | "adamW", options: AdamOptions): Optimizer {
  checkOptions(what, options, ["lr", "betas", "eps", "weightDecay", "amsgrad"]);
  const { betas = [0.9, 0.999], ...given } = options;
  const all = { lr: 1e-3, eps: 1e-8, weightDecay: what === "adam" ? 0 : 0.01, amsgrad: false, ...given };
  checked(what, all, { lr: positive, eps: positive, weightDecay: positive });
  if (!Array.isArray(betas) || betas.length !== 2)
    throw new OptionError(`${what}: betas is ${shown(betas)}, expected two numbers`);
  const [beta1, beta2] = betas.map((beta, i) => checkNumber(what, `betas[${i}]`, beta, 0, 1 - 2 ** -24)) as [
    number,
    number,
  ];
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
    initialMoment: initialAccumulatorValue,
    kernel: adagradKernel,
    params: { weightDecay, eps },
    hyper: (step, rate) => [rate / (1 + (step - 1) * lrDecay)],
  });
}

/** How the scheduler runs an optimizer. */
export const updateOf = (
  chosen: Optimizer,
  clip: { clipNorm?: number | undefined; clipValue?: number | undefined },
): Update => {
  const slots = momentNames.filter((name) => chosen.kernel.bindings.some((binding) => binding.name === name));
  return {
    moments: slots.map((_, slot) => chosen.moments[slot] !== undefined),
    hyperLength: chosen.hyper(1, chosen.lr).length,
    clipNorm: clip.clipNorm,
    clipValue: clip.clipValue,
    command: (target, P, clipValue, { moments, ...views }) =>
      dispatch(chosen.kernel, {
        label: chosen.name,
        views: { ...views, ...Object.fromEntries(slots.map((name, slot) => [name, moments[slot]!])) },
        params: { P, clipValue: clipValue ?? NO_CLIP_VALUE, ...chosen.params },
        grid: gridFor(P, 64, target.maxWorkgroups),
      }),
  };
};
