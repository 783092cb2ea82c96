import { provideCellMaths } from "../cells/cells-on-cpu.ts";
import { axisTwins } from "../kernels/axis-twins.ts";
import { columnGatherTwins } from "../kernels/column-gather-twins.ts";
import { columnSumsTwins } from "../kernels/column-sums-twins.ts";
import { dropoutTwins } from "../kernels/dropout-twins.ts";
import { maskTwins } from "../kernels/mask-twins.ts";
import { maskedSoftmaxTwins } from "../kernels/masked-softmax-twins.ts";
import { matmulTwins } from "../kernels/matmul-twins.ts";
import { packedWeightsTwins } from "../kernels/packed-weights-twins.ts";
import { pointwiseLossTwins } from "../kernels/pointwise-loss-twins.ts";
import { pointwiseTwins } from "../kernels/pointwise-twins.ts";
import { recurrentGradientTwins } from "../kernels/recurrent-gradient-twins.ts";
import { recurrentTwins } from "../kernels/recurrent-twins.ts";
import { stridedCopyTwins } from "../kernels/strided-copy-twins.ts";

provideCellMaths();

/**
 * The twins of the kernels that most bundles have, by the kernels' names: they are files of their own, which a page with a GPU
 * does not load. Other kernels have theirs in their definition.
 */
export const twins = {
  ...axisTwins,
  ...columnGatherTwins,
  ...columnSumsTwins,
  ...dropoutTwins,
  ...maskTwins,
  ...maskedSoftmaxTwins,
  ...matmulTwins,
  ...packedWeightsTwins,
  ...pointwiseLossTwins,
  ...pointwiseTwins,
  ...recurrentTwins,
  ...recurrentGradientTwins,
  ...stridedCopyTwins,
};
