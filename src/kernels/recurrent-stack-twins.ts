import type { ArrayOf, TwinOf } from "./kernel.ts";
import type { RecurrenceParams } from "./recurrence.ts";
import type { recurrentForward } from "./recurrent.ts";
import type { recurrentBackward } from "./recurrent-gradient.ts";
import { stepBackward } from "./recurrent-gradient-twins.ts";
import { Row } from "./recurrent-twin.ts";
import { stepForward } from "./recurrent-twins.ts";

// Twins of a stack of layers: those of one layer, layer after layer, each d steps behind the first one.

/** A row of layer `d`, whose time is counted with its distance. */
class LayerRow extends Row {
  override get maskTime(): number {
    return this.time - this.d;
  }

  override get direction(): number {
    return 0;
  }
}

const rowsOfLayer = (p: RecurrenceParams, d: number, control: ArrayOf<"i32">): LayerRow[] =>
  Array.from({ length: p.B }, (_, b) => new LayerRow(p, d, b, control));

/** The layers that have a step at a time. */
function layersAt(p: RecurrenceParams & { readonly T: number }): number[] {
  const layers = Array.from({ length: p.D }, (_, d) => d);
  return layers.filter((d) => p.time0 >= d && p.time0 < d + p.T);
}

const padded = (units: number): number => Math.ceil(units / 4) * 4;

export const stackForwardTwin: TwinOf<typeof recurrentForward> = (arrays, p, context) => {
  const { weight, bias, control, gates, h } = arrays;
  const { D, H, P, K } = p;
  const G = context.cell.gates.length;
  for (const d of layersAt(p)) {
    const rows = rowsOfLayer(p, d, control);
    const matrix = D + d - 1;
    for (const row of d > 0 ? rows : []) {
      const below = row.h(row.before) - P;
      for (let g = 0; g < G; g++) {
        for (let u = 0; u < H; u++) {
          let x = p.hasBias ? bias[(matrix * G + g) * H + u]! : 0;
          for (let k = 0; k < K; k++) x += h[below + k]! * weight[((matrix * K + k) * G + g) * padded(H) + u]!;
          gates[row.gates(row.time) + g * H + u] = x;
        }
      }
    }
    stepForward(arrays, p, context, rows);
  }
};

export const stackBackwardTwin: TwinOf<typeof recurrentBackward> = (arrays, p, context) => {
  const { weight, control, gates } = arrays;
  const { T, B, D, H, P } = p;
  const rows = context.cell.gates.length * H;
  const isFinish = context.constants.FINISH === true;
  for (const d of isFinish ? Array.from({ length: D }, (_, d) => d) : layersAt(p)) {
    const flowsBack = p.hasProduct === 1 && (isFinish || p.time0 + 1 < d + T);
    const of = {
      rows: rowsOfLayer(p, d, control),
      addTo(product: Float64Array, row: Row) {
        if (d + 1 === D) return;
        const above = row.gates(row.next) + p.W * H;
        for (let k = 0; k < rows; k++) {
          const at = ((D + d) * rows + k) * padded(H);
          for (let u = 0; u < H; u++) product[u]! += gates[above + k]! * weight[at + u]!;
        }
      },
      finishTime: () => d,
      output: (row: LayerRow) => (d + 1 === D ? row.maskTime * B * P + (row.of(P) - d * B * P) : undefined),
    };
    stepBackward(arrays, { ...p, count: flowsBack ? p.count : 0 }, context, of);
  }
};
