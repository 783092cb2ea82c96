import { functional as F, type Tensor } from "../index.ts";
import { type Layer, type LayerSource, numberOf, pointwise, requireOption, swapTime } from "./layer.ts";

/** What stands in the padding of a maximum: less than every number of f32 that a model computes. */
const LEAST = -3e38;

/** Pooling of all steps. The mean is that of the real ones; the largest is that of all, as in Keras. */
function overall(kind: "mean" | "max") {
  return (source: LayerSource): Layer => {
    requireOption(source, "data_format", ["channels_last", null]);
    const keepdims = source.config.keepdims === true;
    return {
      call([x]) {
        const real = x!.mask && { mask: swapTime(x!.mask) };
        const y = kind === "mean" ? F.meanPool(swapTime(x!.tensor), real) : x!.tensor.max(1);
        return { outputs: [{ tensor: keepdims ? y.unsqueeze(1) : y }] };
      },
    };
  };
}

/** Pooling of windows: the step k of all windows at once, for each k. */
function windowed(kind: "mean" | "max") {
  return (source: LayerSource): Layer => {
    requireOption(source, "data_format", ["channels_last", null]);
    requireOption(source, "padding", ["valid", "same"]);
    const size = numberOf(source, "pool_size", 2);
    const stride = numberOf(source, source.config.strides === null ? "pool_size" : "strides", size);
    const same = source.config.padding === "same";
    const f = (x: Tensor): Tensor => {
      const T = x.shape[1]!;
      const count = same ? Math.ceil(T / stride) : Math.floor((T - size) / stride) + 1;
      const all = same ? Math.max(0, (count - 1) * stride + size - T) : 0;
      const before = Math.floor(all / 2);
      const padded = F.pad(
        x,
        [
          [before, all - before],
          [0, 0],
        ],
        { value: kind === "max" ? LEAST : 0 },
      );
      const steps = Array.from({ length: size }, (_, k) => F.slice(padded, k, count, 1, stride));
      if (kind === "max") return steps.reduce((a, b) => a.maximum(b));
      const inside = (window: number, k: number) => {
        const t = window * stride + k - before;
        return t >= 0 && t < T;
      };
      const shares = Array.from({ length: count }, (_, w) => 1 / steps.filter((_step, k) => inside(w, k)).length);
      return steps.reduce((a, b) => a.add(b)).mul(F.constant(shares, { shape: [1, count, 1] }));
    };
    return pointwise(f, false)();
  };
}

/** Pooling over time. */
export const poolingLayers: Readonly<Record<string, (source: LayerSource) => Layer>> = {
  GlobalAveragePooling1D: overall("mean"),
  GlobalMaxPooling1D: overall("max"),
  AveragePooling1D: windowed("mean"),
  MaxPooling1D: windowed("max"),
};
