import { recurrentGradientTwins } from "../kernels/recurrent-gradient-twins.ts";
import { recurrentTwins } from "../kernels/recurrent-twins.ts";

/** Twins that are much code, by the names of their kernels: a bundle that runs on the GPU does not load them. */
export const largeTwins = { ...recurrentTwins, ...recurrentGradientTwins };
