/** Convolutions and pooling, with what their attributes can say. */
import { type OnnxCase, one } from "./onnx-cases.ts";
import { type AttributeValue, drawn } from "./onnx-graphs.ts";

type Attributes = Readonly<Record<string, AttributeValue>>;
const x = (...shape: number[]) => drawn(`x${shape}`, shape);
const w = (...shape: number[]) => ({ known: drawn(`w${shape}`, shape, -1, 1) });

const conv = (input: number[], weight: number[], attributes: Attributes = {}, bias = false) =>
  one("Conv", [x(...input), w(...weight), bias ? w(weight[0]!) : undefined], { attributes, opset: 11 });
const transposed = (input: number[], weight: number[], attributes: Attributes = {}, outputs?: number) =>
  one("ConvTranspose", [x(...input), w(...weight), outputs ? w(outputs) : undefined], { attributes, opset: 11 });
const pool = (input: number[], attributes: Attributes, opset = 19) =>
  ["MaxPool", "AveragePool"].map((opType) => one(opType, [x(...input)], { attributes, opset }));

export const windowCases: readonly OnnxCase[] = [
  conv([2, 3, 9], [4, 3, 3], { kernel_shape: [3] }, true),
  conv([2, 4, 9], [6, 2, 3], { group: 2, pads: [2, 1], strides: [2], dilations: [2] }),
  conv([1, 3, 8], [3, 1, 3], { group: 3, auto_pad: "SAME_UPPER", strides: [2] }),
  conv([1, 2, 8], [3, 2, 4], { auto_pad: "SAME_LOWER", dilations: [1] }),
  conv([1, 2, 8], [3, 2, 4], { auto_pad: "VALID" }),
  conv([2, 3, 6, 7], [4, 3, 3, 2], { pads: [1, 0, 2, 1], strides: [2, 1] }, true),
  conv([1, 2, 6, 7], [2, 2, 3, 3], { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  transposed([2, 3, 5], [3, 4, 3], { strides: [2], pads: [1, 0], output_padding: [1] }, 4),
  transposed([1, 4, 5], [4, 2, 3], { group: 2, dilations: [2] }),
  transposed([1, 2, 5], [2, 2, 4], { strides: [3], output_shape: [15] }),
  transposed([1, 2, 5], [2, 2, 4], { strides: [2], auto_pad: "SAME_UPPER" }),
  transposed([1, 2, 5], [2, 2, 5], { strides: [2], auto_pad: "SAME_LOWER" }),
  transposed([1, 3, 4, 5], [3, 2, 3, 3], { strides: [2, 1], pads: [1, 1, 0, 1] }, 2),
  ...pool([2, 3, 9], { kernel_shape: [3] }),
  ...pool([2, 3, 9], { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1 }),
  ...pool([1, 2, 8], { kernel_shape: [3], strides: [2], auto_pad: "SAME_UPPER" }),
  ...pool([1, 2, 8, 7], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] }),
  ...pool([1, 2, 8], { kernel_shape: [2], dilations: [2] }),
  one("AveragePool", [x(1, 2, 8)], {
    attributes: { kernel_shape: [3], pads: [1, 1], count_include_pad: 1 },
    opset: 11,
  }),
  one("GlobalMaxPool", [x(2, 3, 4)]),
  one("GlobalAveragePool", [x(2, 3, 4, 5)]),
];
