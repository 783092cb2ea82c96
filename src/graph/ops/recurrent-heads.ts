import { gateSlots, type Recurrence } from "../../kernels/recurrence.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { ChunkRows, Rows } from "./recurrent-node.ts";
import type { GradientViews, weightGradient } from "./weight-gradient.ts";

// What a layer needs only where R is divided into blocks, one for each head.

/** R by rows, its blocks side by side: `[D,G,H/heads,H]`. */
export function blocksSideBySide(e: Emitter, label: string, whh: Tensor, { cell, D, H, options }: Recurrence): View {
  const heads = options.numHeads;
  const block = H / heads;
  const lengths = [D * cell.gates.length, block, heads, block] as const;
  const strides = [H * block, block, block * block, 1] as const;
  return e.derived(whh, "blocks side by side", whh.size, (to) => [
    copyStrided(e.target, { label: `${label} blocks side by side`, from: e.view(whh), to, lengths, strides }),
  ]);
}

/**
 * Gradients by the blocks of R of `gates` gates from `from` on, which read from `b`. Blocks are the batches of a product; gates and directions,
 * whose strides are others, come one by one.
 * @param give `weightGradient`, which who trains has loaded: imported here it would cut what pages load into other files
 */
export function blockGradients(
  e: Emitter,
  { cell, H, options }: Recurrence,
  { chunk, rows, stride, more }: ChunkRows,
  call: {
    readonly label: string;
    readonly weight: Tensor;
    readonly bias: Tensor | undefined;
    readonly from: number;
    readonly gates: number;
    readonly b: Rows;
  },
  /** Where the gradients of a gate go. */
  at: (d: number, gate: number) => GradientViews,
  give: typeof weightGradient,
): void {
  const { direction, directions, gates: view } = chunk;
  const { from, gates, b, ...common } = call;
  const heads = options.numHeads;
  const G = cell.gates.length;
  const separate = cell.separate.length;
  const units = H / heads;
  for (let d = direction; d < direction + directions; d++) {
    for (let gate = from; gate < from + gates; gate++) {
      const z = d - direction;
      const slot = z * gateSlots({ cell, H, P: H }) + gate + (gate >= G - separate ? separate : 0);
      give(e, {
        ...common,
        more,
        into: at(d, gate),
        batches: { weight: units * units, bias: units },
        size: { M: units, N: units, K: rows, batches: heads },
        a: { view: part(view, slot * H, view.length - slot * H), row: 1, column: stride, batch: units },
        b: { ...b, view: part(b.view, z * b.batch, b.view.length), batch: units },
      });
    }
  }
}
