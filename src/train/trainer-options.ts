import { checkOptions, OptionError, shown } from "../errors.ts";
import type { AnyLoss } from "./any-loss.ts";
import type { Optimizer } from "./optimizers.ts";
import type { ParameterGroup } from "./parameter-groups.ts";
import type { Schedule } from "./schedules.ts";

export interface TrainerOptions {
  readonly optimizer: Optimizer;
  /**
   * What to minimise: a {@link Loss} of the model's `logits` and the batch's target, or a function of all that the model
   * returned and the target. Default `crossEntropy()`.
   */
  readonly loss?: AnyLoss;
  /** Scale the gradient down to this global norm, as torch.nn.utils.clip_grad_norm_; default: no limit. */
  readonly clipNorm?: number;
  /** Cut every gradient to ± this, before the norm is taken; default: no limit. */
  readonly clipValue?: number;
  /** Factor on the learning rate by step; default constant. */
  readonly schedule?: Schedule;
  /** Parameters with a learning rate or a weight decay of their own, or that are not trained; the first group that matches holds. */
  readonly groups?: readonly ParameterGroup[];
  /**
   * Batches that `fit` makes one step of, as if they were one batch: their gradients are averaged by how many targets count in
   * each, where the loss tells it, and alike where it does not, such as in a loss function that returns a sum; and added up for a
   * {@link Loss} whose reduction is "sum". A training that is resumed goes on with the batches from `accumulate · trainer.steps` on.
   * Default 1.
   */
  readonly accumulate?: number;
  /**
   * Keep an exponential moving average of the weights, `decay · average + (1 - decay) · weights` after each step, which begins
   * with the weights after the first step, as torch.optim.swa_utils.get_ema_multi_avg_fn. Validation in `fit`, `trainer.evaluate`
   * and `trainer.averages` use it; the model itself has the weights.
   */
  readonly ema?: { readonly decay: number };
  /**
   * Truncated back-propagation through time: the state goes on from batch to batch, cut from the gradient. Default: where the
   * batches say `resetState`, as those of `Windows` do; batches that say nothing of it each start at zero.
   */
  readonly carryState?: boolean;
  /**
   * What recurrent layers keep for the backward pass. "save": states and gates of all steps. "recompute": h, and the cell states
   * where a chunk begins of √T steps, or of an eighth of them where that is less; the steps of a chunk are computed again when the
   * backward pass comes to it, for one more forward pass (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). An
   * LSTM of 64 steps then keeps a third. Losses and gradients are the same but for the order in which numbers are added.
   * Default "save".
   */
  readonly memory?: "save" | "recompute";
  /**
   * What steps read `weight_hh` of recurrent layers as; default "f32". "f16" halves what each step forward and backward reads: R is
   * rounded to 11 bits before the first step of a batch. The weights themselves, all sums and all gradients are f32, so that small
   * updates add up and no gradient has to be scaled to fit (Micikevicius et al. 2018, "Mixed Precision Training"). Gradients are those
   * by the rounded weights. Not on `wasm`.
   */
  readonly weightDtype?: "f32" | "f16";
  /** Of dropout's and zoneout's noise, which depends on it and on the step alone; default 0. */
  readonly seed?: number;
}

const OPTIONS = [
  "optimizer",
  "loss",
  "clipNorm",
  "clipValue",
  "schedule",
  "groups",
  "accumulate",
  "ema",
  "carryState",
  "memory",
  "weightDtype",
  "seed",
];

/** What is wrong with options that have no optimizer. */
export const withoutOptimizer = (options: Partial<TrainerOptions> | undefined): OptionError =>
  new OptionError(`trainer: optimizer is ${shown(options?.optimizer)}, expected one such as adam({ lr: 1e-3 })`);

/** @throws OptionError for an unknown option, or no optimizer */
export function checkTrainerOptions(options: TrainerOptions): void {
  checkOptions("trainer", options, OPTIONS);
  if (!options.optimizer?.kernel) throw withoutOptimizer(options);
}
