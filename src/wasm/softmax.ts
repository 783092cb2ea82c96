import type { maskedSoftmax } from "../kernels/masked-softmax.ts";
import { direct } from "./direct.ts";
import type { NativeOf } from "./native.ts";

const softmax: NativeOf<typeof maskedSoftmax> = ({ scores, mask, weights }, p, { wasm, workspace }) => {
  const { R, B, S, hasMask, scale } = p;
  const masks = hasMask ? workspace(4 * B * (S + 3)) : 0;
  return () => wasm.maskedSoftmax(scores, mask, weights, R, B, S, hasMask, scale, masks);
};

export const softmaxNatives = {
  "masked-softmax": softmax,
  "masked-softmax-backward": direct("maskedSoftmaxBackward"),
};
