import { type Chunk, gateSlots, type Recurrence, stateLayout } from "../../kernels/recurrence.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { type FromChunk, inputsOf, type RecurrentNode, type Rows } from "./recurrent-node.ts";
import type { GradientViews, weightGradient } from "./weight-gradient.ts";

/** The rows of a chunk's intermediate vectors. */
export function intermediateRows(r: Recurrence, chunk: Chunk): Rows {
  const { B, H } = r;
  const { directions, times, states } = chunk;
  const { first, intermediateAt } = stateLayout(r, chunk);
  const row = directions * H;
  return { view: part(states, intermediateAt + first * B * row, times * B * row), row, column: 1, batch: H };
}

/** Gradient by the projection W_hr. `give` as in recurrent-heads. */
export function projectionWeights(
  node: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  into: GradientViews,
  give: typeof weightGradient,
): FromChunk {
  const { whr } = inputsOf(node) as { readonly whr: Tensor };
  const { H, P } = r;
  const W = gateSlots(r);
  return ({ chunk, rows, stride, more }) => {
    const { direction, directions, gates } = chunk;
    give(e, {
      label: `${node.label} W_hr gradient`,
      weight: whr,
      bias: undefined,
      into,
      firstBatch: direction,
      more,
      batches: { weight: P * H, bias: 0 },
      size: { M: P, N: H, K: rows, batches: directions },
      a: { view: part(gates, (W - 1) * H, gates.length - (W - 1) * H), row: 1, column: stride, batch: W * H },
      b: intermediateRows(r, chunk),
    });
  };
}
