import type { Chunk, Recurrence } from "../../kernels/recurrence.ts";
import { copyStrided, type Four } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { finalH, type RecurrentNode, statesAfter } from "./recurrent-node.ts";

/** Puts together what two directions leave, which lies in two slots: h `[D,B,P]` and the cell states `[S-1,D,B,H]`. */
export function joinFinalStates(
  node: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  h: View,
  chunks: readonly Chunk[],
): void {
  const { B, D, H, P } = r;
  const label = `${node.label} final state`;
  const [, hn, cellStatesN] = node.outputs as [Tensor, Tensor, Tensor];
  const copy = (from: View, to: View, lengths: Four, strides: Four, toStrides?: Four) =>
    e.emit(copyStrided(e.target, { label, from, to, lengths, strides, ...(toStrides && { toStrides }) }));
  if (e.isUsed(hn)) {
    const [first, second] = [finalH(r, h, 0), finalH(r, h, 1)];
    copy(first, e.allocate(hn, label), [1, D, B, P], [0, second.offset - first.offset + P, D * P, 1]);
  }
  const S = r.cell.states.length;
  if (S === 1 || !e.isUsed(cellStatesN)) return;
  const to = e.allocate(cellStatesN, label);
  const lastOf = (d: number) =>
    chunks.findLast(({ direction, directions }) => d >= direction && d < direction + directions)!;
  const [first, second] = [statesAfter(r, lastOf(0), 0), statesAfter(r, lastOf(1), 1)];
  if (first.buffer === second.buffer) {
    copy(first, to, [S - 1, D, B, H], [B * D * H, second.offset - first.offset + H, D * H, 1]);
    return;
  }
  const rows = B * H;
  for (const [d, from] of [first, second].entries())
    copy(from, part(to, d * rows, to.length - d * rows), [1, 1, S - 1, rows], [0, 0, rows, 1], [0, 0, D * rows, 1]);
}
