import { gatherColumns } from "../../kernels/column-gather.ts";
import { scatterColumns } from "../../kernels/column-scatter.ts";
import { sumColumns } from "../../kernels/column-sums.ts";
import { zeroRows } from "../../kernels/mask.ts";
import { type Chunk, gateSlots, type Recurrence } from "../../kernels/recurrence.ts";
import { intermediateBackward } from "../../kernels/recurrent-intermediate.ts";
import { projectBackward, projectForward } from "../../kernels/recurrent-projection.ts";
import { type Emitter, part } from "../op.ts";
import { groupedTokens } from "./grouped-tokens.ts";
import { type FromChunk, inputsOf, type RecurrentNode } from "./recurrent-node.ts";
import type { GradientViews } from "./weight-gradient.ts";

/** Gradients by W and b_ih where x are tokens; they were cleared before, or hold other contributions. */
function tokenGradient(
  node: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  { gates, direction, directions, start }: Chunk,
  N: number,
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
  const columns = { N, D: directions, M, V, row: directions * W * H, batch: W * H };
  e.emit(scatterColumns(e.target, label, columns, { ...tokens, outputGradient: gates, gradient }));
  if (!into.bias) return;
  const sums = { N, D: directions, C: M, row: columns.row, batch: columns.batch, accumulate: true };
  e.emit(sumColumns(e.target, label, sums, { a: gates, to: part(into.bias, direction * M, directions * M) }));
}

/** Gradients by the cell's learned vectors. */
function learnedVectors(node: RecurrentNode, e: Emitter, { cell, H }: Recurrence): FromChunk | undefined {
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

/** What recurrent layers need only with tokens, a projection, an intermediate product, learned vectors, or zeros in masked steps. */
export const recurrentCommands = {
  gatherColumns,
  tokenGradient,
  projectForward,
  projectBackward,
  intermediateBackward,
  learnedVectors,
  zeroRows,
};
