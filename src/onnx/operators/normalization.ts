// Normalisations.
import { ShapeError } from "../../errors.ts";
import { layerNorm } from "../../graph/ops/layer-norm.ts";
import type { Tensor } from "../../index.ts";
import { sizeOf } from "../../tensor-data.ts";
import type { Call, Operators, Preparation } from "../operator.ts";
import { deviceOf } from "../values.ts";

/** Its mean and variance are weights, so what is left is a factor and a summand for each channel. */
function foldedBatchNorm(call: Call): Preparation {
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((at) => call.host(at).data);
  const epsilon = call.number("epsilon", 1e-5);
  const factor = Float32Array.from(scale!, (s, c) => s / Math.sqrt(variance![c]! + epsilon));
  const summand = Float32Array.from(shift!, (b, c) => b - mean![c]! * factor[c]!);
  const shape = [factor.length];
  return {
    weights: [
      { name: call.names[1]!, shape, data: factor },
      { name: call.names[2]!, shape, data: summand },
    ],
  };
}

function batchNorm(call: Call): Tensor {
  const x = call.tensor(0);
  const shape = [-1, ...x.shape.slice(2).map(() => 1)];
  const [factor, summand] = call.prepared.weights;
  return x.mul(factor!.reshape(shape)).add(summand!.reshape(shape));
}

/** With mean 0 and variance 1 over axes. */
function normalized(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = x.sub(x.mean(axes, { keepdim: true }));
  return centred.div(centred.mul(centred).mean(axes, { keepdim: true }).add(epsilon).sqrt());
}

function layerNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axis(-1);
  const epsilon = call.number("epsilon", 1e-5);
  const scale = call.tensor(1);
  const bias = call.inputs[2] && call.tensor(2);
  const C = sizeOf(x.shape.slice(axis));
  if (scale.size === C && (bias === undefined || bias.size === C)) {
    const rows = x.reshape([x.size / C, C]);
    return layerNorm(call.title, rows, epsilon, scale.reshape([C]), bias?.reshape([C])).reshape(x.shape);
  }
  const axes = x.shape.map((_, at) => at).slice(axis);
  const scaled = normalized(x, axes, epsilon).mul(scale);
  return bias ? scaled.add(bias) : scaled;
}

function instanceNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  if (x.shape.length < 3) throw new ShapeError(`x has ${x.shape.length} axes, expected [N,C,...]`);
  const shape = [-1, ...x.shape.slice(2).map(() => 1)];
  const axes = x.shape.map((_, at) => at).slice(2);
  return normalized(x, axes, call.number("epsilon", 1e-5))
    .mul(call.tensor(1).reshape(shape))
    .add(call.tensor(2).reshape(shape));
}

/** With one scale and bias for each channel, as from version 21 on. */
function groupNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const [N, C] = x.shape as [number, number];
  const groups = x.reshape([N, call.number("num_groups", 1), -1]);
  const shape = [C, ...x.shape.slice(2).map(() => 1)];
  return normalized(groups, [2], call.number("epsilon", 1e-5))
    .reshape(x.shape)
    .mul(call.tensor(1).reshape(shape))
    .add(call.tensor(2).reshape(shape));
}

function rmsNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const axes = x.shape.map((_, at) => at).slice(call.axis(-1));
  const squares = x.mul(x).mean(axes, { keepdim: true });
  return x.div(squares.add(call.number("epsilon", 1e-5)).sqrt()).mul(call.tensor(1));
}

export const normalization: Operators = {
  BatchNormalization: {
    inputs: 5,
    attributes: { epsilon: "float", momentum: "float", training_mode: [0], spatial: [1] },
    known: [1, 2, 3, 4],
    prepare: foldedBatchNorm,
    device: (call) => [deviceOf(call.input(0).type, batchNorm(call))],
  },
  LayerNormalization: {
    inputs: [2, 3],
    attributes: { axis: "int", epsilon: "float", stash_type: "int" },
    device: (call) => [deviceOf(call.input(0).type, layerNormalization(call))],
  },
  InstanceNormalization: {
    inputs: 3,
    attributes: { epsilon: "float" },
    device: (call) => [deviceOf(call.input(0).type, instanceNormalization(call))],
  },
  GroupNormalization: {
    inputs: 3,
    attributes: { epsilon: "float", num_groups: "int", stash_type: "int" },
    since: 21,
    device: (call) => [deviceOf(call.input(0).type, groupNormalization(call))],
  },
  RMSNormalization: {
    inputs: 2,
    attributes: { axis: "int", epsilon: "float", stash_type: "int" },
    device: (call) => [deviceOf(call.input(0).type, rmsNormalization(call))],
  },
};
