import { checkNumber, checkOptions, checkSwitch, LEAST, OptionError, ShapeError, shown } from "../errors.ts";
import { expectNumbers, Tensor } from "../graph/tensor.ts";
import { type Shape, sameShape, showShape } from "../tensor-data.ts";
import { constant, gather, logSoftmax, matmul, maximum, transpose, where } from "./functional.ts";
import { checkReduction, type Loss, type LossAndCount, maskOf, type RealTargets, type Reduction } from "./loss.ts";

// Losses that are written with the functions of tensors, as anyone may write one: they have a gradient by the target too.

/**
 * The mean (or sum) of losses, one for each target, over those that count.
 * @param losses f32 of any shape: all of them where nothing is masked
 * @param shapes which shapes a mask may have: that of the losses, or without its last axes, whose numbers then count together
 */
function reduced(
  what: string,
  losses: Tensor,
  reduction: Reduction,
  real: RealTargets | undefined,
  shapes: readonly Shape[] = [losses.shape],
): LossAndCount {
  const mask = maskOf(what, real, shapes);
  const total = mask
    ? where(mask.reshape([...mask.shape, ...losses.shape.slice(mask.shape.length).map(() => 1)]), losses, 0)
    : losses;
  if (reduction === "sum") return { loss: total.sum(), count: constant([1], { shape: [] }) };
  if (!mask) return { loss: total.mean(), count: constant([losses.size], { shape: [] }) };
  const count = mask.sum();
  return { loss: total.sum().div(maximum(count, 1).mul(losses.size / mask.size)), count };
}

function expectAlike(what: string, output: Tensor, target: Tensor): void {
  const { shape } = expectNumbers(`${what}: the output`, output, "f32 numbers");
  if (!sameShape(expectNumbers(`${what}: target`, target, `f32 ${showShape(shape)}`).shape, shape))
    throw new ShapeError(`${what}: target has shape ${showShape(target.shape)}, the output ${showShape(shape)}`);
}

/** The shapes of masks of numbers: each number, or each row of the last axis. */
const rows = ({ shape }: Tensor): Shape[] => (shape.length > 0 ? [shape, shape.slice(0, -1)] : [shape]);

export interface QuantileOptions {
  /** Which quantiles the output estimates, each between 0 and 1: one number, or one for each entry of its last axis. Default 0.5. */
  readonly quantiles?: number | readonly number[];
  /** Default "mean". */
  readonly reduction?: Reduction;
}

/**
 * The loss of quantile regression (Koenker and Bassett 1978, "Regression Quantiles"): of the error e = y - x,
 * max(q·e, (q - 1)·e). Output and target f32 of one shape; with several quantiles the output is `[..., Q]` and the target `[...]`.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function quantile(options: QuantileOptions = {}): Loss {
  checkOptions("quantile", options, ["quantiles", "reduction"]);
  const { quantiles = 0.5 } = options;
  const all = typeof quantiles === "number" ? [quantiles] : quantiles;
  if (!Array.isArray(all) || all.length === 0)
    throw new OptionError(`quantile: quantiles are ${shown(quantiles)}, expected a number or a list of them`);
  all.forEach((q, i) => {
    checkNumber("quantile", `quantiles[${i}]`, q, 0, 1);
  });
  const reduction = checkReduction("quantile", options.reduction);
  return {
    name: "quantile",
    apply(output, target, real) {
      expectNumbers("quantile: the output", output, "f32 numbers");
      const isList = typeof quantiles !== "number";
      if (isList && output.shape.at(-1) !== all.length)
        throw new ShapeError(
          `quantile: the output has shape ${showShape(output.shape)}, expected [..., ${all.length}] for ${all.length} quantiles`,
        );
      const goal = isList && target instanceof Tensor ? target.unsqueeze(-1).expand(output.shape) : target;
      expectAlike("quantile", output, goal);
      const q = isList ? constant(all) : all[0]!;
      const error = goal.sub(output);
      return reduced(
        "quantile",
        maximum(error.mul(q), error.mul(isList ? (q as Tensor).sub(1) : all[0]! - 1)),
        reduction,
        real,
        rows(output),
      );
    },
  };
}

export interface PoissonNLLOptions {
  /** The output is the logarithm of the rate; default true. */
  readonly logInput?: boolean;
  /** Add Stirling's approximation of log(y!) for targets above 1; default false. */
  readonly full?: boolean;
  /** Keeps log(x + eps) finite where the output is the rate itself; default 1e-8. */
  readonly eps?: number;
  /** Default "mean". */
  readonly reduction?: Reduction;
}

/**
 * Negative log-likelihood of counts under a Poisson distribution, exp(x) - y·x, as
 * [torch.nn.PoissonNLLLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.PoissonNLLLoss.html). Output and target f32 of
 * one shape.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function poissonNLL(options: PoissonNLLOptions = {}): Loss {
  checkOptions("poissonNLL", options, ["logInput", "full", "eps", "reduction"]);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  checkSwitch("poissonNLL", "logInput", logInput);
  checkSwitch("poissonNLL", "full", full);
  checkNumber("poissonNLL", "eps", eps, LEAST);
  const reduction = checkReduction("poissonNLL", options.reduction);
  return {
    name: "poisson-nll",
    apply(output, target, real) {
      expectAlike("poissonNLL", output, target);
      const plain = logInput ? output.exp().sub(target.mul(output)) : output.sub(target.mul(output.add(eps).log()));
      // Where a target is not above 1 the logarithm is of 1, so that nothing infinite is multiplied by 0.
      const large = where(target.gt(1), target, 1);
      const stirling = large
        .mul(large.log())
        .sub(large)
        .add(
          large
            .mul(2 * Math.PI)
            .log()
            .mul(0.5),
        );
      const losses = full ? plain.add(where(target.gt(1), stirling, 0)) : plain;
      return reduced("poissonNLL", losses, reduction, real, rows(output));
    },
  };
}

export interface KLDivOptions {
  /** The target holds logarithms of probabilities too; default false. */
  readonly logTarget?: boolean;
  /**
   * "batchmean": divided by the number of distributions, which is the divergence itself; "mean": by that of numbers; default
   * "batchmean" (torch: "mean", of which its documentation warns).
   */
  readonly reduction?: Reduction | "batchmean";
}

/**
 * The Kullback-Leibler divergence of the output's distribution from the target's (Kullback and Leibler 1951), y·(log y - x), as
 * [torch.nn.KLDivLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html): the output are **logarithms** of
 * probabilities, as `logSoftmax` gives them, f32 `[..., C]`, the target probabilities of the same shape.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function klDiv(options: KLDivOptions = {}): Loss {
  checkOptions("klDiv", options, ["logTarget", "reduction"]);
  const { logTarget = false, reduction = "batchmean" } = options;
  checkSwitch("klDiv", "logTarget", logTarget);
  if (reduction !== "batchmean") checkReduction("klDiv", reduction);
  return {
    name: "kl-div",
    apply(output, target, real) {
      expectAlike("klDiv", output, target);
      if (output.shape.length === 0) throw new ShapeError("klDiv: the output is a scalar, expected [..., C]");
      // 0·log 0 is 0.
      const some = logTarget ? target : where(target.gt(0), target, 1);
      const losses = logTarget
        ? target.exp().mul(target.sub(output))
        : where(target.gt(0), some.mul(some.log().sub(output)), 0);
      if (reduction === "batchmean") return reduced("klDiv", losses.sum(-1), "mean", real);
      return reduced("klDiv", losses, reduction, real, rows(output));
    },
  };
}

export interface FocalOptions {
  /** How much less targets weigh that are well predicted; at least 0, default 2. With 0 it is cross-entropy. */
  readonly gamma?: number;
  /** A weight of at least 0 for each class; default: all 1. */
  readonly alpha?: readonly number[];
  /** Targets that do not count; default -100. */
  readonly ignoreIndex?: number;
  /** Default "mean": over the targets that count. */
  readonly reduction?: Reduction;
}

/**
 * The focal loss (Lin et al. 2017, "Focal Loss for Dense Object Detection"), -alpha·(1 - p)^gamma·log p with p the probability of the
 * target's class. Logits `[..., V]`, targets i32 `[...]`.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function focal(options: FocalOptions = {}): Loss {
  checkOptions("focal", options, ["gamma", "alpha", "ignoreIndex", "reduction"]);
  const { gamma = 2, alpha, ignoreIndex = -100 } = options;
  checkNumber("focal", "gamma", gamma, 0);
  alpha?.forEach((weight, i) => {
    checkNumber("focal", `alpha[${i}]`, weight, 0);
  });
  const reduction = checkReduction("focal", options.reduction);
  return {
    name: "focal",
    apply(logits, target, real) {
      const expected = expectNumbers("focal: logits", logits, "f32 [..., V]").shape.slice(0, -1);
      if (!(target instanceof Tensor) || target.dtype !== "i32" || !sameShape(target.shape, expected))
        throw new ShapeError(
          `focal: target is ${target instanceof Tensor ? `${target.dtype} ${showShape(target.shape)}` : shown(target)}, expected i32 ${showShape(expected)} for logits ${showShape(logits.shape)}`,
        );
      const V = logits.shape.at(-1)!;
      if (alpha && alpha.length !== V)
        throw new ShapeError(
          `focal: alpha has ${alpha.length} numbers, the logits ${V} classes; give one for each class`,
        );
      const counts = target.ne(ignoreIndex);
      // An ignored target names no class; any will do.
      const classes = where(counts, target, 0).unsqueeze(-1);
      const log = gather(logSoftmax(logits), classes).squeeze(-1);
      const missed = log.exp().neg().add(1).clamp({ min: 0 });
      const weighted = gamma === 0 ? log : log.mul(missed.pow(gamma));
      const losses = alpha ? weighted.mul(gather(constant(alpha).expand(logits.shape), classes).squeeze(-1)) : weighted;
      const given = maskOf("focal", real, [expected]);
      return reduced("focal", losses.neg(), reduction, { mask: given ? counts.mul(given) : counts });
    },
  };
}

export interface CosineOptions {
  /** Keeps the length of a vector of zeros from being divided by; default 1e-8. */
  readonly eps?: number;
  /** Default "mean". */
  readonly reduction?: Reduction;
}

/** Vectors of length 1 along the last axis. */
const normalized = (x: Tensor, eps: number): Tensor =>
  x.div(
    x
      .mul(x)
      .sum(-1, { keepdim: true })
      .add(eps * eps)
      .sqrt(),
  );

/**
 * 1 minus the cosine of the angle between output and target, vectors along the last axis: what
 * [torch.nn.CosineEmbeddingLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineEmbeddingLoss.html) is for pairs that
 * belong together. f32 `[..., C]` of one shape.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function cosineLoss(options: CosineOptions = {}): Loss {
  checkOptions("cosineLoss", options, ["eps", "reduction"]);
  const eps = checkNumber("cosineLoss", "eps", options.eps ?? 1e-8, 1e-18);
  const reduction = checkReduction("cosineLoss", options.reduction);
  return {
    name: "cosine",
    apply(output, target, real) {
      expectAlike("cosineLoss", output, target);
      if (output.shape.length === 0) throw new ShapeError("cosineLoss: the output is a scalar, expected [..., C]");
      const similarity = normalized(output, eps).mul(normalized(target, eps)).sum(-1);
      return reduced("cosineLoss", similarity.neg().add(1), reduction, real);
    },
  };
}

export interface ContrastiveOptions {
  /** What similarities are divided by; above 0, default 0.07. */
  readonly temperature?: number;
}

/**
 * The contrastive loss of pairs, InfoNCE (van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding") in
 * both directions, as CLIP trains (Radford et al. 2021): row b of the output is to be more similar, by the cosine, to row b of the
 * target than to all others. f32 `[B,C]` both; the gradient goes to both.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function contrastive(options: ContrastiveOptions = {}): Loss {
  checkOptions("contrastive", options, ["temperature"]);
  const temperature = checkNumber("contrastive", "temperature", options.temperature ?? 0.07, LEAST);
  return {
    name: "contrastive",
    apply(output, target, real) {
      expectAlike("contrastive", output, target);
      if (output.shape.length !== 2 || real !== undefined)
        throw new ShapeError(
          `contrastive: the output is ${showShape(output.shape)}${real ? ", with a mask" : ""}, expected [B,C] without one: every row is compared with every other`,
        );
      const [a, b] = [normalized(output, 1e-8), normalized(target, 1e-8)];
      const similarity = matmul(a, transpose(b)).div(temperature);
      const own = a.mul(b).sum(-1).div(temperature);
      const both = similarity.logSumExp(0).add(similarity.logSumExp(1)).mul(0.5).sub(own);
      return reduced("contrastive", both, "mean", undefined);
    },
  };
}
