import { gatherColumns } from "../../kernels/column-gather.ts";
import { scatterColumns } from "../../kernels/column-scatter.ts";
import { sumColumns } from "../../kernels/column-sums.ts";
import { zeroRows } from "../../kernels/mask.ts";
import { gateSlots, type Recurrence } from "../../kernels/recurrence.ts";
import { intermediateBackward } from "../../kernels/recurrent-intermediate.ts";
import { projectBackward, projectForward } from "../../kernels/recurrent-projection.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { joinFinalStates } from "./final-states.ts";
import { groupedTokens } from "./grouped-tokens.ts";
import { f16Backward, packedWith } from "./packed-weights.ts";
import { blockGradients, blocksSideBySide } from "./recurrent-heads.ts";
import { intermediateRows, projectionWeights } from "./recurrent-intermediate-gradients.ts";
import { type ChunkRows, type FromChunk, inputsOf, type RecurrentNode } from "./recurrent-node.ts";
import { stackForward } from "./recurrent-stack.ts";
import { stackGradients } from "./recurrent-stack-gradients.ts";
import type { GradientViews } from "./weight-gradient.ts";

/** Gradients by W and b_ih where x are tokens; they were cleared before, or hold other contributions. */
function tokenGradient(
  node: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  { chunk: { gates, direction, directions, start }, rows: N, stride: row }: ChunkRows,
  into: GradientViews,
): void {
  const { x } = inputsOf(node);
  const { H, cell, B } = r;
  const V = node.attributes.I;
  const M = cell.gates.length * H;
  const W = gateSlots(r);
  const label = `${node.label} W gradient`;
  const tokens = groupedTokens(e, x, { V, from: start * B, N });
  const gradient = part(into.weight, direction * M * V, directions * M * V);
  const columns = { N, D: directions, M, V, row, batch: W * H };
  e.emit(scatterColumns(e.target, label, columns, { ...tokens, outputGradient: gates, gradient }));
  if (!into.bias) return;
  const sums = { N, D: directions, C: M, row, batch: columns.batch, accumulate: true };
  e.emit(sumColumns(e.target, label, sums, { a: gates, to: part(into.bias, direction * M, directions * M) }));
}

/** Gradients by the cell's learned vectors. */
export function learnedVectors(node: RecurrentNode, e: Emitter, { cell, H }: Recurrence): FromChunk | undefined {
  const { learned } = inputsOf(node);
  if (!learned || !e.needsGradient(learned)) return undefined;
  const C = cell.learned.length * H;
  const from = (cell.gates.length + cell.separate.length) * H;
  const { view: to, accumulate } = e.gradientInto(learned);
  return ({ chunk, rows, stride, more }) => {
    const { direction, directions, gates } = chunk;
    const sums = { N: rows, D: directions, C, row: stride, batch: stride / directions, accumulate: accumulate || more };
    const views = { a: part(gates, from, gates.length - from), to: part(to, direction * C, directions * C) };
    e.emit(sumColumns(e.target, `${node.label} own gradient`, sums, views));
  };
}

/** The seed and the mask in one buffer, which all layers of a plan share. */
const seedAndMask = (e: Emitter, seed: Tensor, mask: Tensor): View =>
  e.once(mask, `with seed ${seed.id}`, () => {
    const both = e.scratch("seed and mask", 1 + mask.size, "i32");
    const put = (tensor: Tensor, at: number) =>
      e.emit({ type: "copy", label: "seed and mask", from: e.view(tensor), to: part(both, at, tensor.size) });
    put(seed, 0);
    put(mask, 1);
    return both;
  });

/**
 * What recurrent layers need only with tokens, a projection, an intermediate product, learned vectors, zeros in masked steps, packed
 * weights, heads, two directions, noise beside a mask, or other layers on top of them.
 */
export const recurrentCommands = {
  gatherColumns,
  tokenGradient,
  projectForward,
  projectBackward,
  projectionWeights,
  intermediateRows,
  intermediateBackward,
  learnedVectors,
  zeroRows,
  blocksSideBySide,
  blockGradients,
  stackForward,
  stackGradients,
  packedWith,
  f16Backward,
  joinFinalStates,
  seedAndMask,
};
