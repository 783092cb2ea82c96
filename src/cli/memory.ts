import { totalmem } from "node:os";
import type { CharModelOptions } from "../char-model/char-model.ts";
import { LimitError } from "../errors.ts";
import { showBytes } from "../plan/print-plan.ts";
import { bytesOf } from "../tensor-data.ts";

const gates = { lstm: 4, gru: 3, rnn_tanh: 1, rnn_relu: 1 } as const;

/** How many numbers a character model learns, without building it. */
export function countParameters({
  vocabSize: V,
  cell,
  embeddingDim: E,
  hiddenSize: H,
  numLayers: L,
}: Required<CharModelOptions>): number {
  const layer = (inputSize: number) => gates[cell] * H * (inputSize + H + 2);
  return V * E + layer(E) + (L - 1) * layer(H) + V * (H + 1);
}

/**
 * Refuses sizes that this machine cannot even hold the numbers of, before anything is allocated. What a GPU's own memory
 * and limits allow is found when the model is put there.
 * @param copies float32 copies of the model: weights, gradient, moments, and the initial values on their way
 * @throws LimitError saying how much is needed and what fits
 */
export function checkMemory(config: Required<CharModelOptions>, copies: number, available: number = totalmem()): void {
  const bytes = (hiddenSize: number) => countParameters({ ...config, hiddenSize }) * bytesOf("f32") * copies;
  const needed = bytes(config.hiddenSize);
  if (needed <= available) return;
  let [fits, tooLarge] = [0, config.hiddenSize];
  while (tooLarge - fits > 1) {
    const middle = Math.floor((fits + tooLarge) / 2);
    if (bytes(middle) <= available) fits = middle;
    else tooLarge = middle;
  }
  const wayOut =
    fits > 0 ? `with these other sizes, a hidden size of ${fits} would fit` : "choose smaller sizes or fewer layers";
  throw new LimitError(
    `a ${config.cell} with hidden size ${config.hiddenSize}, embedding ${config.embeddingDim} and ${config.numLayers} layers has ` +
      `${countParameters(config).toExponential(3)} numbers and needs ${showBytes(needed)}, and this machine has ${showBytes(available)}; ${wayOut}`,
  );
}
