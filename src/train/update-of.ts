import type { Update } from "../graph/update-parameters.ts";
import { dispatch, gridFor } from "../kernels/kernel.ts";
import { NO_CLIP_VALUE } from "../kernels/norm.ts";
import { momentNames } from "../kernels/optimizer.ts";
import type { Optimizer } from "./optimizers.ts";

/** How the scheduler runs an optimizer. */
export const updateOf = (
  chosen: Optimizer,
  clip: { clipNorm?: number | undefined; clipValue?: number | undefined },
): Update => {
  const slots = momentNames.filter((name) => chosen.kernel.bindings.some((binding) => binding.name === name));
  return {
    moments: slots.map((_, slot) => chosen.moments[slot] !== undefined),
    hyperLength: chosen.hyper(1, chosen.lr).length,
    clipNorm: clip.clipNorm,
    clipValue: clip.clipValue,
    command: (target, P, clipValue, { moments, ...views }) =>
      dispatch(chosen.kernel, {
        label: chosen.name,
        views: { ...views, ...Object.fromEntries(slots.map((name, slot) => [name, moments[slot]!])) },
        params: { P, clipValue: clipValue ?? NO_CLIP_VALUE, ...chosen.params },
        grid: gridFor(P, 64, target.maxWorkgroups),
      }),
  };
};
