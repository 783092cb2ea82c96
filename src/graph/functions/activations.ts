import { checkNumber } from "../../errors.ts";
import type { Tensor } from "../tensor.ts";
import { abs, add, clamp, div, exp, gt, mul, neg, softplus, sub, tanh, toFloat, where } from "./arithmetic.ts";
import { expectAny } from "./checks.ts";

// Activations that are put together of other functions; a chain of them is one dispatch.

/** `x` where it is above 0, else `alpha · (exp(x) - 1)`; alpha is by default 1; as [torch.nn.functional.elu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.elu.html). @throws ShapeError, OptionError */
export function elu(x: Tensor, { alpha = 1 }: { readonly alpha?: number } = {}): Tensor {
  checkNumber("elu", "alpha", alpha);
  const below = clamp(toFloat(expectAny("elu: x", x)), { max: 0 });
  return where(gt(x, 0), toFloat(x), mul(alpha, sub(exp(below), 1)));
}

/**
 * `elu` with an alpha and a scale that keep mean 0 and variance 1: Klambauer et al., "Self-Normalizing Neural Networks",
 * [arXiv 1706.02515](https://arxiv.org/abs/1706.02515); as [torch.nn.functional.selu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.selu.html).
 * @throws ShapeError for anything but a tensor
 */
export const selu = (x: Tensor): Tensor =>
  mul(1.0507009873554805, elu(expectAny("selu: x", x), { alpha: 1.6732632423543772 }));

/** `x` where it is above 0, else `negativeSlope · x`, by default 0.01; as [torch.nn.functional.leaky_relu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.leaky_relu.html). @throws ShapeError, OptionError */
export function leakyRelu(x: Tensor, { negativeSlope = 0.01 }: { readonly negativeSlope?: number } = {}): Tensor {
  checkNumber("leakyRelu", "negativeSlope", negativeSlope);
  return where(gt(expectAny("leakyRelu: x", x), 0), x, mul(negativeSlope, x));
}

/** `x / 6 + 1 / 2`, cut to 0 and 1; as [torch.nn.functional.hardsigmoid](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardsigmoid.html). @throws ShapeError for anything but a tensor */
export const hardSigmoid = (x: Tensor): Tensor =>
  clamp(add(mul(expectAny("hardSigmoid: x", x), 1 / 6), 0.5), { min: 0, max: 1 });

/** `x · hardSigmoid(x)`; as [torch.nn.functional.hardswish](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hardswish.html). @throws ShapeError for anything but a tensor */
export const hardSwish = (x: Tensor): Tensor => mul(expectAny("hardSwish: x", x), hardSigmoid(x));

/** `x · tanh(softplus(x))`; as [torch.nn.functional.mish](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mish.html). @throws ShapeError for anything but a tensor */
export const mish = (x: Tensor): Tensor => mul(expectAny("mish: x", x), tanh(softplus(x)));

/** `x / (1 + |x|)`; as [torch.nn.functional.softsign](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softsign.html). @throws ShapeError for anything but a tensor */
export const softsign = (x: Tensor): Tensor => div(expectAny("softsign: x", x), add(1, abs(x)));

/** The logarithm of the sigmoid, without overflow; as [torch.nn.functional.logsigmoid](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html). @throws ShapeError for anything but a tensor */
export const logSigmoid = (x: Tensor): Tensor => neg(softplus(neg(expectAny("logSigmoid: x", x))));
