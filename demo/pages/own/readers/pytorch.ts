/** What torch.save wrote: no pickle is executed. */
import { readPyTorch } from "webgpu-rnn/pytorch";
import { chained } from "../chained.ts";
import type { Reader } from "../file.ts";

/** Bytes of an element; four of those that are not here. */
const sizes: Readonly<Record<string, number>> = {
  ...{ float16: 2, bfloat16: 2, float64: 8, int64: 8, int16: 2, int8: 1, uint8: 1, bool: 1 },
};

const read: Reader = async (bytes, options) => {
  const { name } = options;
  const { stateDicts } = readPyTorch(bytes, name);
  // A checkpoint may hold several, of which the model's is the largest.
  const [path, weights] = Object.entries(stateDicts).sort(
    ([, a], [, b]) => Object.keys(b).length - Object.keys(a).length,
  )[0] ?? ["", {}];
  const { model, layers, others } = chained(weights, options);
  const tensors = Object.entries(weights).map(([key, { shape, dtype, data }]) => ({
    ...{ name: key, type: dtype, shape, bytes: data.length * (sizes[dtype] ?? 4) },
  }));
  return {
    facts: { name, bytes: bytes.length, kind: "pytorch", detail: path, tensors, layers, others, isWhole: false },
    ...(model && { model }),
  };
};

export default read;
