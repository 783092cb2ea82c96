import { type Chunk, hLayout, type Recurrence, runsBackwards, stateLayout, stepAt } from "../../kernels/recurrence.ts";
import { copyStrided, type Four } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { RecurrentNode } from "./recurrent-node.ts";

/** The states after the last step of both directions, which lie in two slots, put together: `[2,B,P]` and `[S-1,2,B,H]`. */
export function finalStatesOfBoth(
  { label, outputs }: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  h: View,
  chunks: readonly Chunk[],
): void {
  const { T, B, D, H, P } = r;
  const S = r.cell.states.length;
  const [, hn, cellStatesN] = outputs as [Tensor, Tensor, Tensor];
  const copy = (from: View, to: View, lengths: Four, strides: Four, toStrides?: Four) =>
    e.emit(
      copyStrided(e.target, {
        label: `${label} final state`,
        from,
        to,
        lengths,
        strides,
        ...(toStrides && { toStrides }),
      }),
    );
  if (e.isUsed(hn)) {
    const size = B * D * P;
    const slotOf = (d: number) => hLayout(r).first + (runsBackwards(r, d) ? 0 : T - 1);
    const strides = [0, (slotOf(1) - slotOf(0)) * size + P, D * P, 1] as const;
    copy(part(h, slotOf(0) * size, size), e.allocate(hn, `${label} final state`), [1, D, B, P], strides);
  }
  if (S === 1 || !e.isUsed(cellStatesN)) return;
  // Directions may lie in chunks of their own.
  const last = (d: number): View => {
    const chunk = chunks.findLast(({ direction, directions }) => d >= direction && d < direction + directions)!;
    const { slot } = stateLayout(r, chunk);
    return part(chunk.states, stepAt(r, chunk, T - 1, d).after * slot, slot);
  };
  const to = e.allocate(cellStatesN, `${label} final state`);
  const [first, second] = [last(0), last(1)];
  if (first.buffer === second.buffer) {
    copy(first, to, [S - 1, D, B, H], [B * D * H, second.offset - first.offset + H, D * H, 1]);
    return;
  }
  const rows = B * H;
  for (const [d, from] of [first, second].entries())
    copy(from, part(to, d * rows, to.length - d * rows), [1, 1, S - 1, rows], [0, 0, rows, 1], [0, 0, D * rows, 1]);
}
