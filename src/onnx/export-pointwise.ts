import type { Tensor } from "../graph/tensor.ts";
import type { OperationName } from "../kernels/operation-kinds.ts";
import { type DType, LEAST_WHOLE, MOST_WHOLE } from "../tensor-data.ts";
import { type GraphWriter, type NodeOptions, Refusal } from "./export-graph.ts";
import type { TracedNode } from "./export-trace.ts";

type Operand = Tensor | number;

/** Operations that are one ONNX operator of the same operands. */
const plain: Readonly<Partial<Record<OperationName, string>>> = {
  add: "Add",
  sub: "Sub",
  mul: "Mul",
  div: "Div",
  neg: "Neg",
  abs: "Abs",
  sign: "Sign",
  floor: "Floor",
  max: "Max",
  min: "Min",
  pow: "Pow",
  sqrt: "Sqrt",
  exp: "Exp",
  log: "Log",
  sin: "Sin",
  cos: "Cos",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  relu: "Relu",
  erf: "Erf",
  softplus: "Softplus",
};

const comparisons: Readonly<Partial<Record<OperationName, string>>> = {
  eq: "Equal",
  ne: "Equal",
  lt: "Less",
  le: "LessOrEqual",
  gt: "Greater",
  ge: "GreaterOrEqual",
};

interface Attributes {
  readonly operation: OperationName;
  /** Operands that are plain numbers; undefined where it is the next tensor. */
  readonly numbers: readonly (number | undefined)[];
}

/** An operation on numbers, one by one. */
export function writePointwise(g: GraphWriter, { node, attributes }: TracedNode): void {
  const all = attributes as readonly Attributes[];
  const { operation, numbers } = all[0]!;
  if (!all.every((one) => one.numbers.every((n, i) => Object.is(n, numbers[i]))))
    throw new Refusal("a number in it depends on the length of an open axis", "give that axis a number");
  const [y] = node.outputs as [Tensor];
  const tensors = [...node.inputs] as Tensor[];
  const operands: Operand[] = numbers.map((n) => n ?? tensors.shift()!);
  const as = (operand: Operand, dtype: DType): string =>
    typeof operand === "number" ? g.scalar(operand, dtype) : g.as(operand, dtype);
  const to: NodeOptions = { to: y };
  const inside: NodeOptions = { label: node.label };
  const one = plain[operation];
  if (one) {
    g.node(
      one,
      operands.map((operand) => as(operand, y.dtype)),
      to,
    );
    return;
  }
  const comparison = comparisons[operation];
  if (comparison) {
    const isWhole = operands.every((x) => (typeof x === "number" ? isI32(x) : x.dtype === "i32"));
    const found = g.node(
      comparison,
      operands.map((x) => as(x, isWhole ? "i32" : "f32")),
      inside,
    );
    g.defineBool(y, operation === "ne" ? g.node("Not", [found], inside) : found);
    return;
  }
  const [x] = operands as [Tensor];
  switch (operation) {
    case "where":
      g.node("Where", [g.bool(x), as(operands[1]!, y.dtype), as(operands[2]!, y.dtype)], to);
      return;
    case "clamp":
      g.node("Clip", [g.as(x, y.dtype), limit(g, operands[1]!, y.dtype), limit(g, operands[2]!, y.dtype)], to);
      return;
    case "silu":
      g.node("Mul", [g.as(x, "f32"), g.node("Sigmoid", [g.as(x, "f32")], inside)], to);
      return;
    case "gelu": {
      const erf = g.node("Erf", [g.node("Mul", [g.as(x, "f32"), g.scalar(Math.SQRT1_2)], inside)], inside);
      const half = g.node("Mul", [g.as(x, "f32"), g.scalar(0.5)], inside);
      g.node("Mul", [half, g.node("Add", [erf, g.scalar(1)], inside)], to);
      return;
    }
    case "expand":
      g.node("Expand", [g.value(x), g.shape(g.lengths(y))], to);
      return;
    case "float":
    case "int":
      g.define(y, g.as(x, y.dtype));
      return;
    case "detach":
      g.define(y, g.value(x));
      return;
    default:
      throw new Refusal(`the operation ${operation}`, "it is part of a gradient, which an ONNX graph does not have");
  }
}

const isI32 = (n: number): boolean => Number.isInteger(n) && n >= LEAST_WHOLE && n <= MOST_WHOLE;

/** A limit of Clip; none where nothing is beyond it. */
function limit(g: GraphWriter, operand: Operand, dtype: DType): string | undefined {
  if (typeof operand !== "number") return g.as(operand, dtype);
  return Number.isFinite(operand) ? g.scalar(operand, dtype) : undefined;
}

interface Sum {
  readonly axes: readonly number[];
  readonly factor: number;
}

/** `factor * sum` over axes; a mean where the factor is 1 divided by how many there are. */
export function writeSum(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const all = attributes as readonly Sum[];
  const { axes } = all[0]!;
  const keepdims = { int: y.shape.length === x.shape.length ? 1 : 0 };
  const counts = attributes.map((_, k) => axes.reduce((product, axis) => product * g.lengths(x)[axis]![k]!, 1));
  const from = g.as(x, "f32");
  const label = node.label;
  const scaled = (reduced: (to: NodeOptions) => string, factor: number) => {
    // Of 1 / count, rounded.
    if (Math.abs(factor - 1) < 1e-12) reduced({ to: y });
    else g.node("Mul", [reduced({ label }), g.scalar(factor)], { to: y });
  };
  const sum = ({ to }: NodeOptions) =>
    g.node("ReduceSum", [from, g.ints(axes)], { attributes: { keepdims }, to, label });
  const mean = ({ to }: NodeOptions) =>
    g.node("ReduceMean", [from], { attributes: { axes: { ints: axes }, keepdims }, to, label });
  const share = all.map(({ factor }, k) => factor * counts[k]!);
  const isMean = share.every((one) => Math.abs(one - share[0]!) < 1e-9 * Math.abs(share[0]!));
  const isSum = all.every(({ factor }) => factor === all[0]!.factor);
  if (axes.length === 0) scaled(({ to }) => g.node("Identity", [from], { to, label }), all[0]!.factor);
  else if (all[0]!.factor === 1 && isSum) scaled(sum, 1);
  else if (isMean && (!isSum || Math.abs(share[0]! - 1) < 1e-12)) scaled(mean, share[0]!);
  else if (isSum) scaled(sum, all[0]!.factor);
  else
    throw new Refusal("it divides by a number that depends on the length of an open axis", "give that axis a number");
}
