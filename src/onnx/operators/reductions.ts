// Operators along axes.
import { functional as F, type Tensor } from "../../index.ts";
import { axisOf, reducedHost } from "../host-array.ts";
import type { Call, Operator, Operators } from "../operator.ts";
import { asType, deviceOf, reshaped, type Value } from "../values.ts";

/** The axes of a reduction: an attribute in older versions, an input in newer ones. */
function axesOf(call: Call, { shape }: Value): number[] {
  const given = call.listOr(1, "axes") ?? [];
  if (given.length === 0) return call.number("noop_with_empty_axes", 0) === 1 ? [] : shape.map((_, axis) => axis);
  return [...new Set(given.map((axis) => axisOf(axis, shape.length)))].sort((a, b) => a - b);
}

const reduction = (
  host: (numbers: readonly number[]) => number,
  device: (x: Tensor, axes: readonly number[]) => Tensor,
): Operator => ({
  inputs: [1, 2],
  attributes: { axes: "ints", keepdims: [1, 0], noop_with_empty_axes: [0, 1] },
  host(call) {
    const x = call.host(0);
    const axes = axesOf(call, x);
    if (axes.length === 0) return [x];
    const y = reducedHost(x, axes, x.type, (all) => asType(x.type, host(all)));
    return [call.number("keepdims", 1) === 1 ? reshaped(y, kept(x, axes)) : y];
  },
  device(call) {
    const x = call.input(0);
    const axes = axesOf(call, x);
    if (axes.length === 0 || x.shape.length === 0) return [x];
    const y = device(call.tensor(0), axes);
    const shape = call.number("keepdims", 1) === 1 ? kept(x, axes) : x.shape.filter((_, axis) => !axes.includes(axis));
    return [deviceOf(x.type, y.reshape(shape))];
  },
});

const kept = ({ shape }: Value, axes: readonly number[]) => shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
const total = (all: readonly number[]) => all.reduce((sum, x) => sum + x, 0);
/** Not Math.max(...all), which takes only so many. */
const largest = (all: readonly number[]) => all.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);

const extreme = (find: (x: Tensor, axis: number) => Tensor): Operator => ({
  inputs: 1,
  attributes: { axis: "int", keepdims: [1, 0], select_last_index: [0, 1] },
  device(call) {
    const x = call.tensor(0);
    const axis = call.axis(0);
    const fromEnd = call.number("select_last_index", 0) === 1;
    const found = fromEnd ? F.sub(x.shape[axis]! - 1, find(x.flip(axis), axis)) : find(x, axis);
    return [deviceOf("INT64", call.number("keepdims", 1) === 1 ? found.unsqueeze(axis) : found)];
  },
});

/** Before version 13 all axes from `axis` on are one. */
const softmax = (device: (x: Tensor, axis: number) => Tensor): Operator => ({
  inputs: 1,
  attributes: { axis: "int" },
  device(call) {
    const x = call.tensor(0);
    const { type } = call.input(0);
    if (call.opset >= 13) return [deviceOf(type, device(x, call.axis(-1)))];
    const given = call.number("axis", 1);
    const axis = given < 0 ? given + x.shape.length : given;
    const rows = x.shape.slice(0, axis).reduce((all, n) => all * n, 1);
    return [deviceOf(type, device(x.reshape([rows, x.size / rows]), 1).reshape(x.shape))];
  },
});

function topK(call: Call): readonly Value[] {
  const k = call.single(1) ?? call.number("k", 0);
  const largest = call.number("largest", 1) === 1;
  const { values, indices } = call.tensor(0).topK(k, { axis: call.axis(-1), largest });
  return [deviceOf(call.input(0).type, values), deviceOf("INT64", indices)];
}

function cumulativeSum(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = axisOf(call.single(1)!, x.shape.length);
  const fromEnd = call.number("reverse", 0) === 1;
  const sum = (fromEnd ? x.flip(axis) : x).cumSum(axis);
  const shifted = call.number("exclusive", 0) === 1 ? sum.sub(fromEnd ? x.flip(axis) : x) : sum;
  return fromEnd ? shifted.flip(axis) : shifted;
}

export const reductions: Operators = {
  ReduceSum: reduction(total, (x, axes) => x.sum(axes)),
  ReduceMean: reduction(
    (all) => total(all) / all.length,
    (x, axes) => x.mean(axes),
  ),
  ReduceMax: reduction(largest, (x, axes) => x.max(axes)),
  ReduceMin: reduction(
    (all) => -largest(all.map((x) => -x)),
    (x, axes) => x.min(axes),
  ),
  ReduceProd: reduction(
    (all) => all.reduce((product, x) => product * x, 1),
    (x, axes) => F.prod(x, axes),
  ),
  ReduceSumSquare: reduction(
    (all) => total(all.map((x) => x * x)),
    (x, axes) => x.mul(x).sum(axes),
  ),
  ReduceL1: reduction(
    (all) => total(all.map(Math.abs)),
    (x, axes) => x.abs().sum(axes),
  ),
  ReduceL2: reduction(
    (all) => Math.sqrt(total(all.map((x) => x * x))),
    (x, axes) => x.mul(x).sum(axes).sqrt(),
  ),
  ReduceLogSum: reduction(
    (all) => Math.log(total(all)),
    (x, axes) => x.sum(axes).log(),
  ),
  ReduceLogSumExp: reduction(
    (all) => Math.log(total(all.map((x) => Math.exp(x - largest(all))))) + largest(all),
    (x, axes) => x.logSumExp(axes),
  ),
  ArgMax: extreme((x, axis) => x.argmax(axis)),
  ArgMin: extreme((x, axis) => x.argmin(axis)),
  TopK: {
    inputs: [1, 2],
    outputs: [1, 2],
    attributes: { axis: "int", k: "int", largest: [1, 0], sorted: [1, 0] },
    device: topK,
  },
  Softmax: softmax(F.softmax),
  LogSoftmax: softmax(F.logSoftmax),
  CumSum: {
    inputs: 2,
    attributes: { exclusive: [0, 1], reverse: [0, 1] },
    device: (call) => [deviceOf(call.input(0).type, cumulativeSum(call))],
  },
};
