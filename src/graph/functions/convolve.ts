import { checkCount, checkOptions, OptionError, ShapeError, shown } from "../../errors.ts";
import { showShape } from "../../tensor-data.ts";
import { permute, reshape } from "../ops/layout.ts";
import { matmul } from "../ops/matmul.ts";
import { pointwise } from "../ops/pointwise.ts";
import { sumOfWindows, windows } from "../ops/windows.ts";
import { expectTensor, shownTensor, Tensor } from "../tensor.ts";
import {
  type Along,
  type Around,
  aroundAxes,
  countWindows,
  layoutOf,
  onTwoAxes,
  type PerAxis,
  perAxis,
  reachOf,
} from "./window-layout.ts";

// Convolutions on the last one or two axes, for functions and modules.

export interface ConvolutionOptions {
  /** Numbers from one window to the next; default 1. */
  readonly stride?: PerAxis;
  /** Zeros around x: for all ends, for each axis, or `[before, after]` for each axis; "same": as many as keep the lengths (stride 1 only). Default 0. */
  readonly padding?: Around | "same";
  /** Numbers from one to the next within a window; default 1. */
  readonly dilation?: PerAxis;
  /** Channels are divided into so many groups, which do not see each other; default 1. */
  readonly groups?: number;
}

export interface TransposedConvolutionOptions {
  /** Numbers of the result from one window to the next; default 1. */
  readonly stride?: PerAxis;
  /** What is cut off the result's ends: of all, of each axis, or `[before, after]` of each axis. Default 0. */
  readonly padding?: Around;
  /** How much longer the result is at the end of each axis, less than stride or dilation; default 0. */
  readonly outputPadding?: PerAxis;
  readonly dilation?: PerAxis;
  readonly groups?: number;
}

/** Who convolves: for messages, and for the plan. */
export interface Convolving {
  readonly title: string;
  readonly label: string;
  /** Axes behind the channels: 1 or 2. */
  readonly axes: number;
}

const AXES = [["L"], ["H", "W"]] as const;
const shapeInWords = (axes: number, ...first: string[]) => `[${[...first, ...AXES[axes - 1]!].join(",")}]`;
const kernelInWords = (axes: number, ...first: string[]) =>
  `[${[...first, ...(axes === 1 ? ["K"] : ["K1", "K2"])].join(",")}]`;

interface Checked {
  readonly groups: number;
  readonly along: readonly Along[];
  /** Channels of the result. */
  readonly O: number;
}

/** What both kinds ask of what they are given. */
function checked(
  { title, axes }: Convolving,
  { x, weight, bias }: Operands,
  options: ConvolutionOptions,
  transposed: boolean,
): Checked {
  const any = [null, null, ...new Array<null>(axes).fill(null)];
  expectTensor(`${title}: x`, x, any, shapeInWords(axes, "N", "C"));
  const kernel = transposed ? kernelInWords(axes, "C", "O/groups") : kernelInWords(axes, "O", "C/groups");
  expectTensor(`${title}: weight`, weight, any, kernel);
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  checkCount(title, "groups", groups);
  const C = x.shape[1]!;
  const [first, second] = weight.shape as [number, number];
  const O = transposed ? second * groups : first;
  if (C % groups !== 0 || O % groups !== 0)
    throw new OptionError(
      `${title}: groups is ${groups}, expected a divisor of ${C} and ${O}, the channels of x and of the result`,
    );
  const expected = transposed ? C : C / groups;
  if ((transposed ? first : second) !== expected)
    throw new ShapeError(
      `${title}: weight has shape ${showShape(weight.shape)}, expected ${kernel} with ${transposed ? "C" : "C/groups"} = ${expected}, for x ${showShape(x.shape)} in ${groups} group${groups > 1 ? "s" : ""}`,
    );
  if (
    bias !== undefined &&
    !(bias instanceof Tensor && bias.dtype === "f32" && bias.shape.length === 1 && bias.size === O)
  )
    throw new ShapeError(
      `${title}: bias is ${shownTensor(bias)}, expected f32 [${O}], a number for each channel of the result`,
    );
  const kernelSize = weight.shape.slice(2);
  const strides = perAxis(title, "stride", stride, axes);
  const dilations = perAxis(title, "dilation", dilation, axes);
  const around =
    padding === "same" ? sameLength(title, kernelSize, strides, dilations) : aroundAxes(title, padding, axes);
  const along = kernelSize.map((K, i): Along => {
    const [before, after] = around[i]!;
    return { S: x.shape[i + 2]!, K, stride: strides[i]!, dilation: dilations[i]!, before, after };
  });
  return { groups, along, O };
}

/** As many zeros as keep the lengths; the odd one stands at the end. */
function sameLength(
  what: string,
  kernelSize: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): [number, number][] {
  if (strides.some((n) => n !== 1))
    throw new OptionError(
      `${what}: padding "same" with stride ${shown(strides)}; it keeps the lengths with stride 1 only, give numbers`,
    );
  return kernelSize.map((K, i) => {
    const all = dilations[i]! * (K - 1);
    return [Math.floor(all / 2), all - Math.floor(all / 2)];
  });
}

interface Operands {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
}

const withBias = (label: string, y: Tensor, bias: Tensor | undefined): Tensor =>
  bias ? pointwise(label, "add", [y, reshape(bias, [bias.size, ...y.shape.slice(2).map(() => 1)])]) : y;

/** One product for each group, of the weights and the gathered windows. */
export function convolve(by: Convolving, operands: Operands, options: ConvolutionOptions): Tensor {
  checkOptions(by.title, options, ["stride", "padding", "dilation", "groups"]);
  const { groups, along, O } = checked(by, operands, options, false);
  const { x, weight, bias } = operands;
  const { label } = by;
  const counts = along.map((axis, i) => countWindows(by.title, axis, AXES[by.axes - 1]![i]!));
  const layout = layoutOf(along, counts);
  const gathered = windows(`${label} windows`, reshape(x, onTwoAxes(x.shape)), layout);
  const [rows, columns] = gathered.shape as [number, number];
  const y = matmul(
    label,
    reshape(weight, [groups, O / groups, rows / groups]),
    reshape(gathered, [groups, rows / groups, columns]),
  );
  const N = x.shape[0]!;
  const inOrder = permute(reshape(y, [O, N, columns / N]), [1, 0, 2], label);
  return withBias(label, reshape(inOrder, [N, O, ...counts]), bias);
}

/** The gradient of a convolution by its input, as a function: products, whose windows are added up where they lie. */
export function convolveTransposed(by: Convolving, operands: Operands, options: TransposedConvolutionOptions): Tensor {
  const { title, label, axes } = by;
  checkOptions(title, options, ["stride", "padding", "outputPadding", "dilation", "groups"]);
  const { outputPadding = 0, ...others } = options;
  const { groups, along, O } = checked(by, operands, others, true);
  const { x, weight, bias } = operands;
  const more = perAxis(title, "outputPadding", outputPadding, axes, 0);
  const lengths = along.map((axis, i) => {
    const { S, stride, dilation, before, after } = axis;
    if (more[i]! >= Math.max(stride, dilation))
      throw new OptionError(
        `${title}: outputPadding is ${shown(outputPadding)}, expected less than stride ${stride} or dilation ${dilation}`,
      );
    const length = (S - 1) * stride + reachOf(axis) + more[i]! - before - after;
    if (length < 1)
      throw new ShapeError(
        `${title}: of x ${showShape(x.shape)} the result has ${length + before + after} numbers along ${AXES[axes - 1]![i]!}, and padding ${shown([before, after])} cuts off all of them; choose less`,
      );
    return length;
  });
  const N = x.shape[0]!;
  const counts = along.map(({ S }) => S);
  const [rows, columns] = [x.shape[1]!, x.size / x.shape[1]!];
  const inOrder = permute(reshape(x, [N, rows, columns / N]), [1, 0, 2], label);
  const y = matmul(
    label,
    reshape(weight, [groups, rows / groups, weight.size / rows]),
    reshape(inOrder, [groups, rows / groups, columns]),
    true,
  );
  const shape = [N, O, ...lengths];
  const window = reshape(y, [y.size / columns, columns]);
  const summed = sumOfWindows(`${label} sum`, window, onTwoAxes(shape), layoutOf(along, counts));
  return withBias(label, reshape(summed, shape), bias);
}
