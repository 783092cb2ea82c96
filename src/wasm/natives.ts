import type { Native } from "./native.ts";
import { optimizerNatives } from "./optimizers.ts";
import { productNatives } from "./product.ts";

/** The natives by the kernels' names. Every other kernel runs its twin, over the same memory. */
export const natives = new Map<string, Native>(
  Object.entries({ ...productNatives, ...optimizerNatives } as Record<string, unknown>) as [string, Native][],
);
