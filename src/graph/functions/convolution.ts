import type { Tensor } from "../tensor.ts";
import {
  type ConvolutionOptions,
  type Convolving,
  convolve,
  convolveTransposed,
  type TransposedConvolutionOptions,
} from "./convolve.ts";

// Convolutions on the last one or two axes, in torch's layouts: [N,C,L] and [N,C,H,W].

export type { ConvolutionOptions, TransposedConvolutionOptions } from "./convolve.ts";
export type { Around, PerAxis } from "./window-layout.ts";

const by = (title: string, axes: number): Convolving => ({ title, label: title, axes });

/**
 * A convolution along the last axis, as [torch.nn.functional.conv1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html).
 * The module `Conv1d` takes `[T,B,C]`.
 * @param x f32 `[N,C,L]`
 * @param weight f32 `[O, C/groups, K]`
 * @param bias f32 `[O]`; default none
 * @returns `[N,O,P]`, P = ⌊(L + before + after − dilation·(K − 1) − 1) / stride⌋ + 1
 * @throws ShapeError for other shapes, or where x is shorter than a window; OptionError for an unknown option or a bad value
 */
export const conv1d = (x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor =>
  convolve(by("conv1d", 1), { x, weight, bias }, options);

/**
 * A convolution along the last two axes, as [torch.nn.functional.conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html).
 * @param x f32 `[N,C,H,W]`
 * @param weight f32 `[O, C/groups, K1, K2]`
 * @param bias f32 `[O]`; default none
 * @returns `[N,O,P1,P2]`, the lengths as those of {@link conv1d}
 * @throws as {@link conv1d}
 */
export const conv2d = (x: Tensor, weight: Tensor, bias?: Tensor, options: ConvolutionOptions = {}): Tensor =>
  convolve(by("conv2d", 2), { x, weight, bias }, options);

/**
 * A transposed convolution, which is the gradient of {@link conv1d} by its input, as
 * [torch.nn.functional.conv_transpose1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose1d.html).
 * @param x f32 `[N,C,L]`
 * @param weight f32 `[C, O/groups, K]`
 * @param bias f32 `[O]`; default none
 * @returns `[N,O,P]`, P = (L − 1)·stride − before − after + dilation·(K − 1) + 1 + outputPadding
 * @throws ShapeError for other shapes, or where nothing is left; OptionError for an unknown option or a bad value
 */
export const convTranspose1d = (
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: TransposedConvolutionOptions = {},
): Tensor => convolveTransposed(by("convTranspose1d", 1), { x, weight, bias }, options);

/**
 * A transposed convolution, which is the gradient of {@link conv2d} by its input, as
 * [torch.nn.functional.conv_transpose2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html).
 * @param x f32 `[N,C,H,W]`
 * @param weight f32 `[C, O/groups, K1, K2]`
 * @param bias f32 `[O]`; default none
 * @returns `[N,O,P1,P2]`, the lengths as those of {@link convTranspose1d}
 * @throws as {@link convTranspose1d}
 */
export const convTranspose2d = (
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: TransposedConvolutionOptions = {},
): Tensor => convolveTransposed(by("convTranspose2d", 2), { x, weight, bias }, options);
