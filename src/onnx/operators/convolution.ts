// Convolutions and pooling on one axis or two.
import { ShapeError } from "../../errors.ts";
import { functional as F, type Shape, type Tensor } from "../../index.ts";
import type { Call, Operators } from "../operator.ts";
import { checkShape, deviceOf } from "../values.ts";

type Pair = readonly [before: number, after: number];

/** A window's places are counted on the host. */
const MOST_PLACES = 2 ** 24;
const MOST_IN_WINDOW = 2 ** 16;

/** How windows lie on each axis. */
interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

function windowsOf(call: Call, lengths: Shape, kernel: Shape): Windows {
  const ones = lengths.map(() => 1);
  const windows = { kernel, stride: call.numbers("strides", ones), dilation: call.numbers("dilations", ones) };
  if (lengths.length < 1 || lengths.length > 2)
    throw new ShapeError(`x has ${lengths.length + 2} axes, expected [N,C,L] or [N,C,H,W]`);
  return windows;
}

/** An amount that SAME_UPPER and SAME_LOWER divide alike; what is left over goes to the end they name. */
const halves = (total: number, atEnd: boolean): Pair => {
  const half = Math.floor(total / 2);
  return atEnd ? [half, total - half] : [total - half, half];
};

/** What is put around x. */
function around(call: Call, lengths: Shape, { kernel, stride, dilation }: Windows): Pair[] {
  const mode = call.text("auto_pad", "NOTSET");
  const pads = call.numbers("pads", undefined);
  return lengths.map((length, i) => {
    if (mode === "VALID" || (mode === "NOTSET" && !pads)) return [0, 0];
    if (mode === "NOTSET") return [pads![i]!, pads![i + lengths.length]!];
    const windows = Math.ceil(length / stride[i]!);
    const total = Math.max(0, (windows - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1 - length);
    return halves(total, mode === "SAME_UPPER");
  });
}

function convolution(call: Call): Tensor {
  const [x, weight] = [call.tensor(0), call.tensor(1)];
  const bias = call.inputs[2] && call.tensor(2);
  const lengths = x.shape.slice(2);
  const windows = windowsOf(call, lengths, weight.shape.slice(2));
  const { stride, dilation } = windows;
  const options = { stride, dilation, padding: around(call, lengths, windows), groups: call.number("group", 1) };
  return lengths.length === 1 ? F.conv1d(x, weight, bias, options) : F.conv2d(x, weight, bias, options);
}

/** What is cut off the ends of a transposed convolution's result. */
function cut(call: Call, lengths: Shape, { kernel, stride, dilation }: Windows, more: readonly number[]): Pair[] {
  const mode = call.text("auto_pad", "NOTSET");
  const asked = call.numbers("output_shape", undefined)?.slice(-lengths.length);
  const pads = call.numbers("pads", undefined);
  return lengths.map((length, i) => {
    const length1 = asked?.[i] ?? (mode.startsWith("SAME") ? length * stride[i]! : undefined);
    if (length1 === undefined) return pads && mode === "NOTSET" ? [pads[i]!, pads[i + lengths.length]!] : [0, 0];
    const whole = stride[i]! * (length - 1) + more[i]! + dilation[i]! * (kernel[i]! - 1) + 1;
    return halves(Math.max(0, whole - length1), mode === "SAME_UPPER");
  });
}

function transposedConvolution(call: Call): Tensor {
  const [x, weight] = [call.tensor(0), call.tensor(1)];
  const bias = call.inputs[2] && call.tensor(2);
  const lengths = x.shape.slice(2);
  const windows = windowsOf(call, lengths, weight.shape.slice(2));
  const { stride, dilation } = windows;
  const outputPadding = call.numbers(
    "output_padding",
    lengths.map(() => 0),
  );
  const padding = cut(call, lengths, windows, outputPadding);
  const options = { stride, dilation, padding, outputPadding, groups: call.number("group", 1) };
  return lengths.length === 1
    ? F.convTranspose1d(x, weight, bias, options)
    : F.convTranspose2d(x, weight, bias, options);
}

function pooling(call: Call, isMean: boolean): Tensor {
  const x = call.tensor(0);
  const lengths = x.shape.slice(2);
  const kernel = call.numbers("kernel_shape", []);
  checkShape(lengths, MOST_PLACES);
  checkShape(kernel, MOST_IN_WINDOW);
  const windows = windowsOf(call, lengths, kernel);
  const { stride, dilation } = windows;
  const ceilMode = call.number("ceil_mode", 0) === 1;
  const options = { stride, dilation, ceilMode, padding: around(call, lengths, windows) };
  const isFlat = lengths.length === 1;
  if (!isMean) return isFlat ? F.maxPool1d(x, kernel, options) : F.maxPool2d(x, kernel, options);
  const meanOptions = { ...options, countIncludePad: call.number("count_include_pad", 0) === 1 };
  return isFlat ? F.avgPool1d(x, kernel, meanOptions) : F.avgPool2d(x, kernel, meanOptions);
}

/** Axes behind the channels. */
const behind = (x: Tensor): number[] => x.shape.map((_, axis) => axis).slice(2);

const windowAttributes = {
  auto_pad: ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"],
  dilations: "ints",
  kernel_shape: "ints",
  pads: "ints",
  strides: "ints",
} as const;

export const convolutions: Operators = {
  Conv: {
    inputs: [2, 3],
    attributes: { ...windowAttributes, group: "int" },
    device: (call) => [deviceOf(call.input(0).type, convolution(call))],
  },
  ConvTranspose: {
    inputs: [2, 3],
    attributes: { ...windowAttributes, group: "int", output_padding: "ints", output_shape: "ints" },
    device: (call) => [deviceOf(call.input(0).type, transposedConvolution(call))],
  },
  MaxPool: {
    inputs: 1,
    attributes: { ...windowAttributes, ceil_mode: [0, 1], storage_order: [0] },
    device: (call) => [deviceOf(call.input(0).type, pooling(call, false))],
  },
  AveragePool: {
    inputs: 1,
    attributes: { ...windowAttributes, ceil_mode: [0, 1], count_include_pad: [0, 1] },
    device: (call) => [deviceOf(call.input(0).type, pooling(call, true))],
  },
  GlobalMaxPool: {
    inputs: 1,
    device: (call) => [deviceOf(call.input(0).type, call.tensor(0).max(behind(call.tensor(0)), { keepdim: true }))],
  },
  GlobalAveragePool: {
    inputs: 1,
    device: (call) => [deviceOf(call.input(0).type, call.tensor(0).mean(behind(call.tensor(0)), { keepdim: true }))],
  },
};
