import type { sample } from "../kernels/sample.ts";
import { direct } from "./direct.ts";
import type { NativeOf } from "./native.ts";

const draw: NativeOf<typeof sample> = ({ logits, settings, tokens }, { B, V, step }, { wasm, workspace }) => {
  const weights = workspace(8 * (V + 3));
  return () => wasm.sample(logits, settings, tokens, B, V, step, weights);
};

/** What is done row by row. */
export const rowNatives = {
  "hold-rows": direct("holdRows"),
  "layer-norm": direct("layerNorm"),
  "layer-norm-backward": direct("layerNormBackward"),
  "mask-rows": direct("maskRows"),
  "row-gather": direct("rowGather"),
  sample: draw,
};
