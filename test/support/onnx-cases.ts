/** Graphs of one node each, for every operator and what its versions differ in. */
import type { ElementType } from "../../src/onnx/proto.ts";
import {
  type AttributeValue,
  drawn,
  drawnIndices,
  type GraphSpec,
  int64,
  node,
  numbers,
  type OnnxNumbers,
  scalar,
} from "./onnx-graphs.ts";

export interface OnnxCase {
  readonly name: string;
  readonly graph: GraphSpec;
  /** What the graph is run on. */
  readonly inputs: Readonly<Record<string, OnnxNumbers>>;
}

/** An input of a node: numbers that it is run on, numbers that lie in the file, or one that is left out. */
type Given = OnnxNumbers | { readonly known: OnnxNumbers } | undefined;
const known = (value: OnnxNumbers) => ({ known: value });

interface More {
  readonly opset?: number;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly outputs?: number;
}

let count = 0;
/** A graph of one node. */
export function one(
  opType: string,
  inputs: readonly Given[],
  { opset = 17, attributes = {}, outputs = 1 }: More = {},
): OnnxCase {
  const letters = "abcdefgh";
  const given: Record<string, OnnxNumbers> = {};
  const initializers: Record<string, OnnxNumbers> = {};
  const names = inputs.map((input, i) => {
    if (!input) return "";
    const name = letters[i]!;
    if ("known" in input) initializers[name] = input.known;
    else given[name] = input;
    return name;
  });
  const made = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return {
    name: `${++count} ${opType} ${opset}`,
    inputs: given,
    graph: {
      opset,
      inputs: Object.fromEntries(Object.entries(given).map(([name, { type, shape }]) => [name, { type, shape }])),
      initializers,
      nodes: [node(opType, names, made, attributes)],
      outputs: made,
    },
  };
}

const x = (...shape: number[]) => drawn(`x${shape}`, shape);
const positive = (...shape: number[]) => drawn(`p${shape}`, shape, 0.2, 3);
const whole = (type: ElementType, ...values: number[]) => numbers(type, values);
const f = (value: number) => ({ float: value });

const unary = [
  "Abs",
  "Neg",
  "Exp",
  "Floor",
  "Ceil",
  "Sign",
  "Sin",
  "Cos",
  "Tan",
  "Sinh",
  "Cosh",
  "Erf",
  "Sigmoid",
  "Tanh",
  "Relu",
  "LeakyRelu",
  "ThresholdedRelu",
  "Elu",
  "Selu",
  "Celu",
  "HardSigmoid",
  "Softplus",
  "Softsign",
  "Identity",
  "HardSwish",
];

export const elementwiseCases: readonly OnnxCase[] = [
  ...unary.map((opType) => one(opType, [x(2, 7)])),
  ...["Log", "Sqrt", "Reciprocal"].map((opType) => one(opType, [positive(2, 7)])),
  one("Round", [whole("FLOAT", -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6)]),
  one("LeakyRelu", [x(9)], { attributes: { alpha: f(0.3) } }),
  one("Elu", [x(9)], { attributes: { alpha: f(0.5) } }),
  one("Celu", [x(9)], { attributes: { alpha: f(2) } }),
  one("Selu", [x(9)], { attributes: { alpha: f(1.5), gamma: f(1.2) } }),
  one("ThresholdedRelu", [x(9)], { attributes: { alpha: f(0.4) } }),
  one("HardSigmoid", [x(9)], { attributes: { alpha: f(0.4), beta: f(0.3) } }),
  one("Mish", [x(9)], { opset: 18 }),
  one("Gelu", [x(9)], { opset: 20 }),
  one("Gelu", [x(9)], { opset: 20, attributes: { approximate: "tanh" } }),
  one("IsNaN", [whole("FLOAT", 1, Number.NaN, -2)], { opset: 13 }),
  one("Not", [whole("BOOL", 0, 1, 1)]),
  one("PRelu", [x(2, 3, 4), known(positive(3, 1))]),
  ...["Add", "Sub", "Mul", "Div"].flatMap((opType) => [
    one(opType, [x(2, 3), positive(3)]),
    one(opType, [x(3), known(positive(2, 1))], { opset: 7 }),
    one(opType, [whole("INT64", 7, -7, 9, 8), known(whole("INT64", 2, 2, -4, 3))]),
  ]),
  one("Pow", [positive(2, 3), known(scalar(2))]),
  one("Pow", [positive(2, 3), known(scalar(0.5))]),
  one("Pow", [positive(3), x(3)]),
  one("Mod", [whole("INT64", 7, -7, 7, -7), whole("INT64", 3, 3, -3, -3)]),
  one("Mod", [whole("FLOAT", 7.5, -7.5, 7.5), whole("FLOAT", 3, 3, -3)], { attributes: { fmod: 1 } }),
  ...["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"].map((opType) =>
    one(opType, [whole("FLOAT", 1, 2, 3), whole("FLOAT", 3, 2, 1)]),
  ),
  one("Equal", [whole("INT64", 1, 2, 3), known(scalar(2, "INT64"))]),
  ...["And", "Or", "Xor"].map((opType) => one(opType, [whole("BOOL", 0, 0, 1, 1), whole("BOOL", 0, 1, 0, 1)])),
  ...["Sum", "Mean", "Max", "Min"].map((opType) => one(opType, [x(2, 3), x(3), positive(2, 1)])),
  one("Max", [x(4)]),
  one("Min", [whole("INT64", 4, 5), known(whole("INT64", 5, 3))]),
  one("Where", [whole("BOOL", 1, 0, 1), x(2, 3), known(scalar(-1))]),
  one("Where", [known(whole("BOOL", 1, 0, 1)), x(3), positive(3)]),
  one("Clip", [x(9)], { opset: 7, attributes: { min: f(-0.5), max: f(0.75) } }),
  one("Clip", [x(9), known(scalar(-0.5)), known(scalar(0.75))], { opset: 13 }),
  one("Clip", [x(9), undefined, known(scalar(0.75))], { opset: 11 }),
  one("Clip", [x(9)], { opset: 13 }),
  one("Clip", [whole("INT64", -5, 3, 9), known(scalar(0, "INT64"))]),
  one("Dropout", [x(3)], { opset: 7 }),
  one("Dropout", [x(2, 3), known(scalar(0.5))], { outputs: 2 }),
  one("Cast", [whole("FLOAT", -1.7, 0, 2.9)], { attributes: { to: 7 } }),
  one("Cast", [whole("FLOAT", -1.7, 0, 2.9)], { attributes: { to: 9 } }),
  one("Cast", [whole("INT64", -1, 0, 2)], { attributes: { to: 1 } }),
  one("Cast", [whole("BOOL", 0, 1)], { attributes: { to: 6 } }),
  one("CastLike", [whole("INT64", -1, 0, 2), x(1)]),
];

const axes = (...values: number[]) => ({ axes: values });

export const layoutCases: readonly OnnxCase[] = [
  one("Reshape", [x(2, 3, 4), known(int64(0, -1))]),
  one("Reshape", [x(2, 3, 4), known(int64(4, 3, 2))], { opset: 7 }),
  one("Squeeze", [x(1, 3, 1)], { opset: 11, attributes: axes(0) }),
  one("Squeeze", [x(1, 3, 1), known(int64(-1))]),
  one("Squeeze", [x(1, 3, 1)]),
  one("Unsqueeze", [x(2, 3)], { opset: 11, attributes: axes(0, 3) }),
  one("Unsqueeze", [x(2, 3), known(int64(-1, 1))]),
  one("Flatten", [x(2, 3, 4)]),
  one("Flatten", [x(2, 3, 4)], { attributes: { axis: 0 } }),
  one("Flatten", [x(2, 3, 4)], { attributes: { axis: -1 } }),
  one("Transpose", [x(2, 3, 4)]),
  one("Transpose", [x(2, 3, 4)], { attributes: { perm: [1, 2, 0] } }),
  one("Concat", [x(2, 3), positive(2, 1), known(x(2, 2))], { attributes: { axis: -1 } }),
  one("Concat", [whole("INT64", 1), known(int64(2, 3))], { attributes: { axis: 0 } }),
  one("Split", [x(2, 6)], { opset: 11, attributes: { axis: 1, split: [1, 2, 3] }, outputs: 3 }),
  one("Split", [x(2, 6)], { opset: 13, attributes: { axis: -1 }, outputs: 2 }),
  one("Split", [x(7), known(int64(3, 4))], { opset: 13, outputs: 2 }),
  one("Split", [x(7)], { opset: 18, attributes: { num_outputs: 3 }, outputs: 3 }),
  one("Slice", [x(4, 5)], { opset: 9, attributes: { starts: [1, -3], ends: [3, 1000], axes: [0, 1] } }),
  one("Slice", [x(4, 5), known(int64(1)), known(int64(2 ** 63)), known(int64(-1)), known(int64(2))], { opset: 10 }),
  one("Slice", [
    x(4, 5),
    known(int64(-1, 4)),
    known(int64(-(2 ** 63) + 2048, 0)),
    known(int64(0, 1)),
    known(int64(-1, -2)),
  ]),
  one("Slice", [x(4, 5), known(int64(1, 0)), known(int64(3, -1))]),
  one("Gather", [x(4, 3), known(scalar(-1, "INT64"))]),
  one("Gather", [x(4, 3), known(numbers("INT64", [0, 3, 1, 1], [2, 2]))]),
  one("Gather", [x(4, 3), known(int64(1, 2))], { attributes: { axis: 1 } }),
  one("Gather", [known(x(6, 3)), drawnIndices("g", [2, 2], 6)]),
  one("Gather", [x(4, 3), drawnIndices("h", [2], 3)], { attributes: { axis: 1 } }),
  one("GatherND", [x(3, 4), known(numbers("INT64", [0, 1, 2, -1], [2, 2]))]),
  one("GatherND", [x(3, 4, 2), drawnIndices("nd", [2, 1], 3)]),
  one("GatherND", [x(3, 4), drawnIndices("nd", [2, 2], 3)]),
  one("GatherElements", [x(3, 4), drawnIndices("e", [2, 4], 3)]),
  one("GatherElements", [x(3, 4), drawnIndices("k", [3, 2], 4)], { attributes: { axis: 1 } }),
  one("Expand", [x(3, 1), known(int64(2, 1, 4))]),
  one("Tile", [x(2, 3), known(int64(2, 2))]),
  one("Pad", [x(2, 3)], { opset: 7, attributes: { pads: [0, 1, 1, 2], value: f(0.5) } }),
  one("Pad", [x(2, 3), known(int64(1, 0, 0, 2)), known(scalar(-1))], { opset: 13 }),
  one("Pad", [x(2, 5), known(int64(1, 2, 1, 3))], { opset: 13, attributes: { mode: "reflect" } }),
  one("Pad", [x(2, 3), known(int64(1, 2, 0, 3))], { opset: 13, attributes: { mode: "edge" } }),
  one("Pad", [x(2, 3), known(int64(1, -1)), undefined, known(int64(-1))], { opset: 18 }),
  one("Constant", [], { attributes: { value: { tensor: drawn("c", [2, 2]) } } }),
  one("Constant", [], { attributes: { value_floats: { floats: [1, 2] } } }),
  one("Constant", [], { attributes: { value_int: 3 } }),
  one("ConstantOfShape", [known(int64(2, 2))]),
  one("ConstantOfShape", [known(int64(3))], { attributes: { value: { tensor: int64(7) } } }),
  one("Shape", [x(2, 3, 4)]),
  one("Shape", [x(2, 3, 4)], { attributes: { start: 1, end: -1 } }),
  one("Size", [x(2, 3)]),
  one("Range", [known(scalar(1)), known(scalar(3)), known(scalar(0.5))]),
  one("Range", [known(scalar(5, "INT64")), known(scalar(0, "INT64")), known(scalar(-2, "INT64"))]),
  one("Trilu", [x(3, 4)]),
  one("Trilu", [x(2, 3, 3), known(scalar(-1, "INT64"))], { attributes: { upper: 0 } }),
  one("NonZero", [known(numbers("FLOAT", [0, 1, 2, 0, 0, 3], [2, 3]))]),
  one("OneHot", [whole("INT64", 0, 2, 1), known(scalar(4, "INT64")), known(whole("FLOAT", -1, 2))]),
  one("OneHot", [numbers("INT64", [0, 2], [2]), known(scalar(3, "INT64")), known(whole("FLOAT", 0, 1))], {
    attributes: { axis: 0 },
  }),
];

const reductions = [
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceSumSquare",
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSum",
  "ReduceLogSumExp",
];

export const axisCases: readonly OnnxCase[] = [
  ...reductions.flatMap((opType) => [
    one(opType, [positive(2, 3, 4)], { opset: 11, attributes: { axes: [-1], keepdims: 0 } }),
    one(opType, [positive(2, 3, 4), known(int64(0, 2))], { opset: 18 }),
    one(opType, [positive(2, 3)], { opset: 18, attributes: { keepdims: 0 } }),
  ]),
  one("ReduceSum", [x(2, 3), known(int64(1))], { opset: 13 }),
  one("ReduceMax", [whole("INT64", 4, 9, 2)], { opset: 18 }),
  one("ReduceSum", [whole("INT64", 4, 9, 2)], { opset: 13 }),
  one("ReduceSum", [x(2, 3)], { opset: 13, attributes: { noop_with_empty_axes: 1 } }),
  one("ArgMax", [x(3, 4)]),
  one("ArgMax", [numbers("FLOAT", [1, 3, 3, 2], [1, 4])], {
    attributes: { axis: 1, keepdims: 0, select_last_index: 1 },
  }),
  one("ArgMin", [x(3, 4)], { attributes: { axis: -1 } }),
  one("TopK", [x(2, 6)], { opset: 9, attributes: { k: 2 }, outputs: 2 }),
  one("TopK", [x(2, 6), known(int64(3))], { opset: 11, attributes: { largest: 0 }, outputs: 2 }),
  one("TopK", [x(6, 2), known(int64(2))], { opset: 11, attributes: { axis: 0 }, outputs: 2 }),
  ...["Softmax", "LogSoftmax"].flatMap((opType) => [
    one(opType, [x(2, 3, 4)], { opset: 11 }),
    one(opType, [x(2, 3, 4)], { opset: 11, attributes: { axis: 2 } }),
    one(opType, [x(2, 3, 4)], { opset: 13 }),
    one(opType, [x(2, 3, 4)], { opset: 13, attributes: { axis: 1 } }),
  ]),
  one("CumSum", [x(3, 4), known(scalar(1, "INT64"))]),
  one("CumSum", [x(3, 4), known(scalar(0, "INT64"))], { attributes: { exclusive: 1, reverse: 1 } }),
];

export const productCases: readonly OnnxCase[] = [
  one("MatMul", [x(2, 3), known(x(3, 4))]),
  one("MatMul", [x(2, 5, 3), x(2, 3, 4)]),
  one("MatMul", [x(3), x(2, 3, 4)]),
  one("MatMul", [x(2, 3), known(x(3))]),
  one("Gemm", [x(2, 3), known(x(4, 3)), known(x(4))], { attributes: { transB: 1 } }),
  one("Gemm", [x(3, 2), known(x(3, 4)), known(x(2, 1))], { attributes: { transA: 1, alpha: f(0.5), beta: f(2) } }),
  one("Gemm", [x(2, 3), known(x(3, 4))], { opset: 11 }),
  one("Gemm", [x(2, 3), known(x(3, 4)), known(scalar(0.5))], { opset: 7 }),
  one("Einsum", [x(2, 3), x(4, 3)], { attributes: { equation: "ij,kj->ik" } }),
  one("BatchNormalization", [x(2, 3, 4), ...[x(3), x(3), x(3), positive(3)].map(known)], {
    attributes: { epsilon: f(0.01) },
  }),
  one("BatchNormalization", [x(2, 3), ...[x(3), x(3), x(3), positive(3)].map(known)], { opset: 9 }),
  one("LayerNormalization", [x(2, 3, 4), known(x(4)), known(positive(4))]),
  one("LayerNormalization", [x(2, 3, 4), known(x(3, 4))], { attributes: { axis: 1, epsilon: f(0.1) } }),
  one("InstanceNormalization", [x(2, 3, 5), known(x(3)), known(positive(3))]),
  one("GroupNormalization", [x(2, 4, 3), known(x(4)), known(positive(4))], {
    opset: 21,
    attributes: { num_groups: 2 },
  }),
  one("RMSNormalization", [x(2, 3, 4), known(positive(4))], { opset: 23 }),
  one("DequantizeLinear", [known(whole("INT8", -128, 0, 127)), known(scalar(0.1)), known(scalar(3, "INT8"))]),
  one("DequantizeLinear", [known(whole("UINT8", 0, 128, 255)), known(scalar(0.1))], { opset: 10 }),
  one(
    "DequantizeLinear",
    [
      known(numbers("INT8", [-128, 0, 127, 5, 6, 7], [2, 3])),
      known(whole("FLOAT", 0.1, 0.2, 0.3)),
      known(whole("INT8", 0, 1, 2)),
    ],
    { attributes: { axis: -1 } },
  ),
  one("DequantizeLinear", [known(numbers("INT8", [-128, 0, 127, 5, 6, 7], [2, 3])), known(whole("FLOAT", 0.1, 0.2))], {
    attributes: { axis: 0 },
  }),
];
