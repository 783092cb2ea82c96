import type { TwinOf } from "./kernel.ts";
import type { maskedSoftmax, maskedSoftmaxBackward } from "./masked-softmax.ts";

const maskedSoftmaxTwin: TwinOf<typeof maskedSoftmax> = ({ scores, mask, weights }, { R, B, S, hasMask, scale }) => {
  for (let r = 0; r < R; r++) {
    const row = Array.from(scores.subarray(r * S, (r + 1) * S), (x, s) =>
      hasMask && mask[s * B + (r % B)] === 0 ? -Infinity : scale * x,
    );
    const largest = Math.max(...row);
    const total = row.reduce((sum, x) => sum + (x === -Infinity ? 0 : Math.exp(x - largest)), 0);
    row.forEach((x, s) => {
      weights[r * S + s] = x === -Infinity ? 0 : Math.exp(x - largest) / total;
    });
  }
};

const maskedSoftmaxBackwardTwin: TwinOf<typeof maskedSoftmaxBackward> = (
  { weights, weightGradient, scoreGradient },
  { R, S, accumulate, scale },
) => {
  for (let r = 0; r < R; r++) {
    let total = 0;
    for (let at = r * S; at < (r + 1) * S; at++) total += weights[at]! * weightGradient[at]!;
    for (let at = r * S; at < (r + 1) * S; at++) {
      const gradient = scale * weights[at]! * (weightGradient[at]! - total);
      scoreGradient[at] = gradient + (accumulate ? scoreGradient[at]! : 0);
    }
  }
};

/** The twins of the kernels in masked-softmax.ts, by their names. */
export const maskedSoftmaxTwins = {
  "masked-softmax": maskedSoftmaxTwin,
  "masked-softmax-backward": maskedSoftmaxBackwardTwin,
};
