import { axisNatives } from "./axis.ts";
import { copyNatives } from "./copy.ts";
import { ctcNatives } from "./ctc.ts";
import { lossNatives } from "./losses.ts";
import type { Native } from "./native.ts";
import { optimizerNatives } from "./optimizers.ts";
import { pointwiseNatives } from "./pointwise.ts";
import { productNatives } from "./product.ts";
import { recurrentNatives } from "./recurrent.ts";
import { recurrentGradientNatives } from "./recurrent-gradient.ts";
import { rowNatives } from "./rows.ts";
import { sequenceNatives } from "./sequences.ts";
import { softmaxNatives } from "./softmax.ts";
import { sumNatives } from "./sums.ts";
import { tokenNatives } from "./tokens.ts";

const all: Readonly<Record<string, unknown>> = {
  ...axisNatives,
  ...copyNatives,
  ...ctcNatives,
  ...lossNatives,
  ...optimizerNatives,
  ...pointwiseNatives,
  ...productNatives,
  ...recurrentGradientNatives,
  ...recurrentNatives,
  ...rowNatives,
  ...sequenceNatives,
  ...softmaxNatives,
  ...sumNatives,
  ...tokenNatives,
};

/** The natives by the kernels' names. Every other kernel runs its twin, over the same memory. */
export const natives: ReadonlyMap<string, Native> = new Map(Object.entries(all) as [string, Native][]);
