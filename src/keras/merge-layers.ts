import { functional as F, type Tensor } from "../index.ts";
import { type Called, type Layer, type LayerSource, numberOf, type Value } from "./layer.ts";

/** Where all that have a mask are real. */
const everyMask = (masks: readonly (Tensor | undefined)[]): Tensor | undefined =>
  masks.reduce((all, mask) => (all && mask ? all.minimum(mask) : (all ?? mask)), undefined);

/** Inputs of one shape, or of shapes that repeat along axes of length 1, two at a time. */
const merge =
  (f: (a: Tensor, b: Tensor) => Tensor, finish = (sum: Tensor, _count: number) => sum) =>
  (): Layer => ({
    call(inputs): Called {
      const tensor = finish(inputs.map((input) => input.tensor).reduce(f), inputs.length);
      return { outputs: [{ tensor, mask: everyMask(inputs.map(({ mask }) => mask)) }] };
    },
  });

function concatenate(source: LayerSource): Layer {
  const axis = numberOf(source, "axis", -1);
  return {
    call(inputs): Called {
      const rank = inputs[0]!.tensor.shape.length;
      const at = axis < 0 ? axis + rank : axis;
      return {
        outputs: [
          {
            tensor: F.concat(
              inputs.map(({ tensor }) => tensor),
              at,
            ),
            mask: maskAlong(inputs, at),
          },
        ],
      };
    },
  };
}

/** The mask of what is joined along an axis: along time one after the other, else where all are real. */
function maskAlong(inputs: readonly Value[], axis: number): Tensor | undefined {
  if (inputs.every(({ mask }) => mask === undefined)) return undefined;
  if (axis !== 1) return everyMask(inputs.map(({ mask }) => mask));
  const ones = ({ tensor }: Value) => {
    const [B, T] = tensor.shape as [number, number];
    return F.constant(
      Array.from({ length: B * T }, () => 1),
      { shape: [B, T], dtype: "i32" },
    );
  };
  return F.concat(
    inputs.map((input) => input.mask ?? ones(input)),
    1,
  );
}

/** Layers of several inputs. */
export const mergeLayers: Readonly<Record<string, (source: LayerSource) => Layer>> = {
  Concatenate: concatenate,
  Add: merge((a, b) => a.add(b)),
  Subtract: merge((a, b) => a.sub(b)),
  Multiply: merge((a, b) => a.mul(b)),
  Average: merge(
    (a, b) => a.add(b),
    (sum, count) => sum.mul(1 / count),
  ),
  Maximum: merge((a, b) => a.maximum(b)),
  Minimum: merge((a, b) => a.minimum(b)),
};
