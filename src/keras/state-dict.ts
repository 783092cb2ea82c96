import { importWeights, type StateDict } from "../index.ts";
import { convolutionKernel, transposed } from "./kernels.ts";
import type { KerasWeights, LayerWeights } from "./weights.ts";

/**
 * Weights of Keras's layers as a state dict of ours: what each layer is follows from its weights. An LSTM, GRU or SimpleRNN, in one
 * direction or two, becomes `NAME.weight_ih_l0` and so on; Dense, Conv1D and Embedding `NAME.weight` (and `NAME.bias`), turned as our
 * modules have them; a normalisation `NAME.weight` and `NAME.bias`, with `NAME.running_mean` and `NAME.running_var` where it has them.
 * What is none of these keeps Keras's names. Options are not among the weights: docs/weights.md says which ones matter.
 *
 * @param weights what `readKerasWeights` gave
 * @throws ShapeError or OptionError where weights of a recurrent layer do not fit each other
 */
export const kerasStateDict = (weights: KerasWeights): StateDict =>
  Object.assign({}, ...Object.entries(weights).map(([layer, own]) => ofLayer(layer, own)));

const cells = { 1: "rnn", 3: "gru", 4: "lstm" } as const;

function ofLayer(path: string, weights: LayerWeights): StateDict {
  const recurrent = weights.recurrent_kernel ?? weights["forward_layer/recurrent_kernel"];
  const [H = 0, columns = 0] = recurrent?.shape ?? [];
  const cell = cells[(columns / H) as keyof typeof cells];
  if (recurrent && cell) {
    const bias = weights.bias ?? weights["forward_layer/bias"];
    const resetAfter = cell === "gru" ? { resetAfter: bias?.shape.length !== 1 } : {};
    return importWeights("keras", cell, weights, { path, ...resetAfter });
  }
  const { kernel, bias, embeddings, gamma, beta, moving_mean, moving_variance, ...others } = weights;
  const turned = kernel && { 2: transposed, 3: convolutionKernel }[kernel.shape.length as 2 | 3]?.(kernel);
  const named = {
    ...(turned && { weight: turned }),
    ...(kernel && !turned && { kernel }),
    ...(embeddings && { weight: embeddings }),
    ...(gamma && { weight: gamma }),
    ...((bias ?? beta) && { bias: (bias ?? beta)! }),
    ...(moving_mean && { running_mean: moving_mean }),
    ...(moving_variance && { running_var: moving_variance }),
    ...others,
  };
  return Object.fromEntries(Object.entries(named).map(([name, tensor]) => [`${path}.${name}`, tensor]));
}
