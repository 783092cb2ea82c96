import { checkNumber, checkOptions, LEAST, ShapeError } from "../errors.ts";
import { type PointwiseOptions, pointwise } from "../graph/ops/pointwise-loss.ts";
import { expectNumbers } from "../graph/tensor.ts";
import { sameShape, showShape } from "../tensor-data.ts";
import { checkReduction, checkWeights, hintOfAxes, type Loss, maskOf, type Reduction } from "./loss.ts";

/** Options of losses that compare number with number. */
export interface PointwiseLossOptions {
  /** Default "mean". */
  readonly reduction?: Reduction;
}

function pointwiseLoss(
  what: string,
  name: string,
  reduction: Reduction | undefined,
  options: Pick<PointwiseOptions, "kind"> & Partial<PointwiseOptions>,
): Loss {
  const mean = checkReduction(what, reduction) === "mean";
  const all = { delta: 1, scale: 1, posWeight: [1], mean, ...options };
  const { posWeight } = all;
  return {
    name,
    reduction: mean ? "mean" : "sum",
    apply(output, target, real) {
      expectNumbers(`${what}: the output`, output, "f32 numbers");
      const { shape } = output;
      if (!sameShape(expectNumbers(`${what}: target`, target, `f32 ${showShape(shape)}`).shape, shape)) {
        throw new ShapeError(
          `${what}: target has shape ${showShape(target.shape)}, the output ${showShape(shape)}${hintOfAxes(shape, target.shape)}`,
        );
      }
      if (posWeight.length > 1 && posWeight.length !== shape.at(-1)) {
        throw new ShapeError(
          `${what}: posWeight has ${posWeight.length} numbers, the output ${showShape(shape)}; give one, or one for each entry of the last axis`,
        );
      }
      const shapes = shape.length > 0 ? [shape, shape.slice(0, -1)] : [shape];
      return pointwise(name, { output, target, mask: maskOf(what, real, shapes) }, all);
    },
  };
}

/**
 * Squared error, (x - y)², as [torch.nn.MSELoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html).
 * Output and target f32 of one shape; a mean is over all numbers that count.
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function mse(options: PointwiseLossOptions = {}): Loss {
  checkOptions("mse", options, ["reduction"]);
  return pointwiseLoss("mse", "mse", options.reduction, { kind: "square" });
}

/**
 * Absolute error, |x - y|, as [torch.nn.L1Loss](https://docs.pytorch.org/docs/stable/generated/torch.nn.L1Loss.html); its
 * gradient at 0 is 0. Output and target f32 of one shape.
 * @throws OptionError and ShapeError as {@link mse}
 */
export function l1(options: PointwiseLossOptions = {}): Loss {
  checkOptions("l1", options, ["reduction"]);
  return pointwiseLoss("l1", "l1", options.reduction, { kind: "absolute" });
}

export interface HuberOptions extends PointwiseLossOptions {
  /** Above 0; default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss (Huber 1964), (x - y)²/2 below `delta` and delta·(|x - y| - delta/2) above, as
 * [torch.nn.HuberLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.HuberLoss.html). Output and target f32 of
 * one shape.
 * @throws OptionError and ShapeError as {@link mse}
 */
export function huber(options: HuberOptions = {}): Loss {
  checkOptions("huber", options, ["delta", "reduction"]);
  const delta = checkNumber("huber", "delta", options.delta ?? 1, LEAST);
  return pointwiseLoss("huber", "huber", options.reduction, { kind: "huber", delta });
}

export interface SmoothL1Options extends PointwiseLossOptions {
  /** At least 0; default 1. With 0 it is {@link l1}. */
  readonly beta?: number;
}

/**
 * Huber's loss with delta = `beta`, divided by beta (Girshick 2015, "Fast R-CNN"), as
 * [torch.nn.SmoothL1Loss](https://docs.pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html). Output and target f32
 * of one shape.
 * @throws OptionError and ShapeError as {@link mse}
 */
export function smoothL1(options: SmoothL1Options = {}): Loss {
  checkOptions("smoothL1", options, ["beta", "reduction"]);
  const beta = checkNumber("smoothL1", "beta", options.beta ?? 1, 0);
  const formula = beta === 0 ? { kind: "absolute" as const } : { kind: "huber" as const, delta: beta, scale: 1 / beta };
  return pointwiseLoss("smoothL1", "smooth-l1", options.reduction, formula);
}

export interface BCEWithLogitsOptions extends PointwiseLossOptions {
  /** How much more a target of 1 weighs than one of 0: a number, or one for each entry of the last axis. Default 1. */
  readonly posWeight?: number | readonly number[];
}

/**
 * Binary cross-entropy of logits in nats, -posWeight·y·log σ(x) - (1 - y)·log(1 - σ(x)) with targets y from 0 to 1, as
 * [torch.nn.BCEWithLogitsLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html). Logits and
 * targets f32 of one shape.
 * @throws OptionError and ShapeError as {@link mse}
 */
export function bceWithLogits(options: BCEWithLogitsOptions = {}): Loss {
  checkOptions("bceWithLogits", options, ["posWeight", "reduction"]);
  const { posWeight = 1 } = options;
  const weights = typeof posWeight === "number" ? [posWeight] : posWeight;
  checkWeights("bceWithLogits", "posWeight", weights);
  return pointwiseLoss("bceWithLogits", "bce-with-logits", options.reduction, {
    kind: "bceWithLogits",
    posWeight: weights,
  });
}
