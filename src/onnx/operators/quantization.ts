// Weights of 8 bits (and of 4): they are f32 from the import on.
import { ShapeError } from "../../errors.ts";
import { functional as F } from "../../index.ts";
import { axisOf, pointwiseHost } from "../host-array.ts";
import type { Call, Operators } from "../operator.ts";
import { deviceOf, type HostValue, reshaped } from "../values.ts";

/** (x - zero point)·scale, with one scale for all or one for each entry of an axis. */
function dequantized(call: Call): HostValue {
  const x = call.host(0);
  const scale = call.host(1);
  const axis = scale.shape.length === 0 || scale.data.length === 1 ? 0 : axisOf(call.number("axis", 1), x.shape.length);
  if (scale.data.length > 1 && (scale.shape.length !== 1 || scale.data.length !== x.shape[axis]))
    throw new ShapeError(`the scale has shape [${scale.shape}] for axis ${axis} of [${x.shape}]`);
  const along = (value: HostValue) =>
    reshaped(
      value,
      x.shape.map((_, at) => (at === axis && value.data.length > 1 ? value.data.length : 1)),
    );
  const zero = call.inputs[2] ? [along(call.host(2))] : [];
  return pointwiseHost([x, along(scale), ...zero], scale.type, (value, by, from = 0) => (value - from) * by);
}

export const quantization: Operators = {
  DequantizeLinear: {
    inputs: [2, 3],
    attributes: { axis: "int", block_size: [0] },
    known: [1, 2],
    host: (call) => [dequantized(call)],
    device(call) {
      const scale = call.single(1);
      const zero = call.inputs[2] ? call.single(2)! : 0;
      return [deviceOf(call.host(1).type, F.mul(F.toFloat(call.tensor(0)).sub(zero), scale!))];
    },
  },
};
