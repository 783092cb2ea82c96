// Operators of every number by itself: https://onnx.ai/onnx/operators/. Inputs are broadcast.
import { ShapeError } from "../../errors.ts";
import { functional as F, type Tensor } from "../../index.ts";
import { expanded, pointwiseHost } from "../host-array.ts";
import type { Call, Operator, Operators } from "../operator.ts";
import type { ElementType } from "../proto.ts";
import { asType, deviceOf, tensorOf } from "../values.ts";

type Operand = Tensor | number;
const MANY = [1, Number.POSITIVE_INFINITY] as const;

/** Of one number; the result has its type. */
const unary = (
  host: (x: number, call: Call) => number,
  device: (x: Tensor, call: Call) => Tensor,
  attributes: Operator["attributes"] = {},
): Operator => ({
  inputs: 1,
  attributes,
  host(call) {
    const { type } = call.host(0);
    return [pointwiseHost([call.host(0)], type, (x) => asType(type, host(x, call)))];
  },
  device: (call) => [deviceOf(call.input(0).type, device(call.tensor(0), call))],
});

/** Both operands as tensors or numbers, at least one of them a tensor. */
function pair(call: Call): [Operand, Operand] {
  const [a, b] = [call.operand(0), call.operand(1)];
  return typeof a === "number" && typeof b === "number" ? [call.tensor(0), b] : [a, b];
}

/** Of two numbers. */
const binary = (
  host: (a: number, b: number) => number,
  device: (a: Operand, b: Operand) => Tensor,
  result?: ElementType,
): Operator => ({
  inputs: 2,
  host(call) {
    const type = result ?? call.host(0).type;
    return [pointwiseHost([call.host(0), call.host(1)], type, (a, b) => asType(type, host(a, b)))];
  },
  device(call) {
    const [a, b] = pair(call);
    return [deviceOf(result ?? call.input(0).type, device(a, b))];
  },
});

/** Of any number of inputs, two at a time. */
const variadic = (
  host: (a: number, b: number) => number,
  device: (a: Operand, b: Operand) => Tensor,
  scale: (count: number) => number = () => 1,
): Operator => ({
  inputs: MANY,
  host(call) {
    const { type } = call.host(0);
    const by = scale(call.inputs.length);
    return [
      pointwiseHost(
        call.inputs.map((_, i) => call.host(i)),
        type,
        (...all) => asType(type, all.reduce((a, b) => host(a, b)) * by),
      ),
    ];
  },
  device(call) {
    const by = scale(call.inputs.length);
    const all = call.inputs.map((_, i) => call.tensor(i)).reduce((a, b) => device(a, b));
    return [deviceOf(call.input(0).type, by === 1 ? all : all.mul(by))];
  },
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const alpha = (call: Call, byDefault: number) => call.number("alpha", byDefault);

/** To the nearest whole number, halves to the even one. */
function roundEven(x: number): number {
  const up = Math.floor(x + 0.5);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}
/** Abramowitz and Stegun, 7.1.5 and 7.1.14: the series near 0, else the continued fraction of its complement. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let [power, sum] = [a, a];
    for (let n = 1; n < 60; n++) {
      power *= -(a * a) / n;
      sum += power / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

const tanhGelu = (x: Tensor): Tensor =>
  x
    .mul(x)
    .mul(0.044715)
    .add(1)
    .mul(x)
    .mul(Math.sqrt(2 / Math.PI))
    .tanh()
    .add(1)
    .mul(x)
    .mul(0.5);

const limit = (call: Call, at: number, name: string): Operand | undefined =>
  call.inputs[at] ? call.operand(at) : call.number(name, undefined);

export const elementwise: Operators = {
  Abs: unary(Math.abs, F.abs),
  Neg: unary((x) => -x, F.neg),
  Exp: unary(Math.exp, F.exp),
  Log: unary(Math.log, F.log),
  Sqrt: unary(Math.sqrt, F.sqrt),
  Reciprocal: unary((x) => 1 / x, F.reciprocal),
  Floor: unary(Math.floor, F.floor),
  Ceil: unary(Math.ceil, F.ceil),
  Round: unary(roundEven, F.round),
  Sign: unary(Math.sign, F.sign),
  Sin: unary(Math.sin, F.sin),
  Cos: unary(Math.cos, F.cos),
  Tan: unary(Math.tan, (x) => x.sin().div(x.cos())),
  Sinh: unary(Math.sinh, (x) => x.exp().sub(x.neg().exp()).mul(0.5)),
  Cosh: unary(Math.cosh, (x) => x.exp().add(x.neg().exp()).mul(0.5)),
  Erf: unary(erf, F.erf),
  Sigmoid: unary(sigmoid, F.sigmoid),
  Tanh: unary(Math.tanh, F.tanh),
  Relu: unary((x) => Math.max(x, 0), F.relu),
  LeakyRelu: unary(
    (x, call) => (x < 0 ? alpha(call, 0.01) * x : x),
    (x, call) => F.leakyRelu(x, { negativeSlope: alpha(call, 0.01) }),
    { alpha: "float" },
  ),
  ThresholdedRelu: unary(
    (x, call) => (x > alpha(call, 1) ? x : 0),
    (x, call) => F.where(x.gt(alpha(call, 1)), x, 0),
    { alpha: "float" },
  ),
  Elu: unary(
    (x, call) => (x < 0 ? alpha(call, 1) * Math.expm1(x) : x),
    (x, call) => F.elu(x, { alpha: alpha(call, 1) }),
    { alpha: "float" },
  ),
  Selu: unary(
    (x, call) => call.number("gamma", SELU_GAMMA) * (x < 0 ? alpha(call, SELU_ALPHA) * Math.expm1(x) : x),
    (x, call) => F.elu(x, { alpha: alpha(call, SELU_ALPHA) }).mul(call.number("gamma", SELU_GAMMA)),
    { alpha: "float", gamma: "float" },
  ),
  Celu: unary(
    (x, call) => Math.max(x, 0) + Math.min(0, alpha(call, 1) * Math.expm1(x / alpha(call, 1))),
    (x, call) => F.elu(x.div(alpha(call, 1))).mul(alpha(call, 1)),
    { alpha: "float" },
  ),
  HardSigmoid: unary(
    (x, call) => Math.min(1, Math.max(0, alpha(call, 0.2) * x + call.number("beta", 0.5))),
    (x, call) => x.mul(alpha(call, 0.2)).add(call.number("beta", 0.5)).clamp({ min: 0, max: 1 }),
    { alpha: "float", beta: "float" },
  ),
  HardSwish: unary((x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)), F.hardSwish),
  Softplus: unary(softplus, F.softplus),
  Softsign: unary((x) => x / (1 + Math.abs(x)), F.softsign),
  Mish: unary((x) => x * Math.tanh(softplus(x)), F.mish),
  Gelu: unary(
    (x, call) =>
      call.text("approximate", "none") === "tanh"
        ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
        : 0.5 * x * (1 + erf(x / Math.SQRT2)),
    (x, call) => (call.text("approximate", "none") === "tanh" ? tanhGelu(x) : x.gelu()),
    { approximate: ["none", "tanh"] },
  ),
  Not: unary((x) => (x === 0 ? 1 : 0), F.logicalNot),
  IsNaN: {
    inputs: 1,
    host: (call) => [pointwiseHost([call.host(0)], "BOOL", (x) => Number(Number.isNaN(x)))],
    device: (call) => [deviceOf("BOOL", F.ne(call.tensor(0), call.tensor(0)))],
  },
  PRelu: binary(
    (x, slope) => (x < 0 ? slope * x : x),
    (x, slope) => F.add(F.maximum(x, 0), F.mul(F.minimum(x, 0), slope)),
  ),
  Add: binary((a, b) => a + b, F.add),
  Sub: binary((a, b) => a - b, F.sub),
  Mul: binary((a, b) => a * b, F.mul),
  // Whole numbers are divided towards 0; on a device with the 24 bits of f32.
  Div: binary((a, b) => a / b, F.div),
  Pow: binary((a, b) => a ** b, F.pow),
  Mod: binaryMod(),
  Equal: binary((a, b) => (a === b ? 1 : 0), F.eq, "BOOL"),
  Less: binary((a, b) => (a < b ? 1 : 0), F.lt, "BOOL"),
  LessOrEqual: binary((a, b) => (a <= b ? 1 : 0), F.le, "BOOL"),
  Greater: binary((a, b) => (a > b ? 1 : 0), F.gt, "BOOL"),
  GreaterOrEqual: binary((a, b) => (a >= b ? 1 : 0), F.ge, "BOOL"),
  And: binary((a, b) => (a && b ? 1 : 0), F.logicalAnd, "BOOL"),
  Or: binary((a, b) => (a || b ? 1 : 0), F.logicalOr, "BOOL"),
  Xor: binary((a, b) => (a !== b ? 1 : 0), F.ne, "BOOL"),
  Sum: variadic((a, b) => a + b, F.add),
  Mean: variadic(
    (a, b) => a + b,
    F.add,
    (count) => 1 / count,
  ),
  Max: variadic(Math.max, F.maximum),
  Min: variadic(Math.min, F.minimum),
  Where: {
    inputs: 3,
    host: (call) => [
      pointwiseHost([call.host(0), call.host(1), call.host(2)], call.host(1).type, (c, a, b) => (c ? a : b)),
    ],
    device(call) {
      const { type } = call.input(1);
      // A condition that is known leaves one of the two where it is the same everywhere.
      return [deviceOf(type, F.where(call.tensor(0), call.operand(1), call.operand(2)))];
    },
  },
  Clip: {
    inputs: [1, 3],
    attributes: { min: "float", max: "float" },
    known: [1, 2],
    host(call) {
      const low = call.single(1) ?? call.number("min", Number.NEGATIVE_INFINITY);
      const high = call.single(2) ?? call.number("max", Number.POSITIVE_INFINITY);
      return [pointwiseHost([call.host(0)], call.host(0).type, (x) => Math.min(high, Math.max(low, x)))];
    },
    device(call) {
      const [min, max] = [limit(call, 1, "min"), limit(call, 2, "max")];
      let x: Tensor = tensorOf(call.input(0));
      if (min !== undefined) x = F.maximum(x, min);
      if (max !== undefined) x = F.minimum(x, max);
      return [deviceOf(call.input(0).type, x)];
    },
  },
  Dropout: {
    inputs: [1, 3],
    outputs: [1, 2],
    attributes: { ratio: "float", seed: "int" },
    known: [1, 2],
    device(call) {
      if (call.inputs[2] && call.single(2) !== 0)
        throw new ShapeError("training_mode is not 0, and only inference is known");
      const x = call.input(0);
      return call.outputs < 2 ? [x] : [x, expanded({ type: "BOOL", shape: [], data: Uint8Array.of(1) }, x.shape)];
    },
  },
};

const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

function binaryMod(): Operator {
  const mod = binary((a, b) => a - Math.floor(a / b) * b, F.remainder);
  const fmod = binary(
    (a, b) => a % b,
    (a, b) => F.sub(a, F.mul(F.trunc(F.div(a, b)), b)),
  );
  const chosen = (call: Call) => (call.number("fmod", 0) === 1 ? fmod : mod);
  return {
    inputs: 2,
    attributes: { fmod: [0, 1] },
    host: (call) => chosen(call).host!(call),
    device: (call) => chosen(call).device(call),
  };
}
