import { type RealSteps, sequenceMask } from "../graph/ops/mask.ts";
import { poolSteps } from "../graph/ops/pool.ts";
import { expectTensor, type Tensor } from "../graph/tensor.ts";

// Layers without weights, as functions of symbolic tensors: what torch.nn.functional is to torch.nn, and torch's own functions of
// tensors, which are methods too: `x.mul(2).add(y).mean(0)`.
export * from "../graph/functions/activations.ts";
export * from "../graph/functions/arithmetic.ts";
export * from "../graph/functions/convolution.ts";
export * from "../graph/functions/indexing.ts";
export * from "../graph/functions/layout.ts";
export * from "../graph/functions/pooling.ts";
export * from "../graph/functions/products.ts";
export * from "../graph/functions/reductions.ts";

function poolOf(what: string, kind: "mean" | "max" | "last", x: Tensor, real: RealSteps | undefined): Tensor {
  expectTensor(`${what}: x`, x, [null, null, null], "[T,B,C]");
  const [T, B] = x.shape as [number, number, number];
  return poolSteps(`${kind}-pool`, kind, x, sequenceMask(what, real, T, B));
}

/**
 * The mean of each sequence's real steps: `[T,B,C]` to `[B,C]`, as
 * [GlobalAveragePooling1D](https://keras.io/api/layers/pooling_layers/global_average_pooling1d/) of Keras with a mask. A sequence
 * without any real step gives 0.
 * @param x f32 `[T,B,C]`
 * @param real which steps are real; default all
 * @throws ShapeError for other shapes or element types
 */
export const meanPool = (x: Tensor, real?: RealSteps): Tensor => poolOf("meanPool", "mean", x, real);

/**
 * The largest of each sequence's real steps, unit by unit: `[T,B,C]` to `[B,C]`, as
 * [GlobalMaxPooling1D](https://keras.io/api/layers/pooling_layers/global_max_pooling1d/) of Keras, real steps only. The gradient goes
 * to the first of equal ones. A sequence without any real step gives 0.
 * @param x f32 `[T,B,C]`
 * @param real which steps are real; default all
 * @throws ShapeError for other shapes or element types
 */
export const maxPool = (x: Tensor, real?: RealSteps): Tensor => poolOf("maxPool", "max", x, real);

/**
 * The last of each sequence's real steps: `[T,B,C]` to `[B,C]`; of a forward layer's output what its final state is, as
 * Keras layers [without return_sequences](https://keras.io/api/layers/recurrent_layers/lstm/). A sequence without any real step
 * gives 0.
 * @param x f32 `[T,B,C]`
 * @param real which steps are real; default all
 * @throws ShapeError for other shapes or element types
 */
export const lastPool = (x: Tensor, real?: RealSteps): Tensor => poolOf("lastPool", "last", x, real);
