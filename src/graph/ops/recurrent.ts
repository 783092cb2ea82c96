import { cellNamed, workOf } from "../../cells/index.ts";
import { InternalError } from "../../errors.ts";
import { product } from "../../kernels/matmul.ts";
import { stepBackward, stepForward, type WorkPart } from "../../kernels/recurrent-dispatch.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, type Op, part } from "../op.ts";
import { apply, type Node, type Tensor } from "../tensor.ts";
import { gradientViews, weightGradient } from "./weight-gradient.ts";

interface Attributes {
  readonly cell: string;
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly D: number;
  /** Gates, work slots and states of the cell. */
  readonly G: number;
  readonly W: number;
  readonly S: number;
}

/** What forward leaves for backward. */
interface Saved {
  readonly h: View;
  readonly rest: View;
  readonly work: readonly WorkPart[];
}

type RecurrentNode = Node & { readonly attributes: Attributes };
type Inputs = readonly [
  x: Tensor,
  wih: Tensor,
  whh: Tensor,
  bih: Tensor | undefined,
  bhh: Tensor | undefined,
  h0: Tensor | undefined,
  rest0: Tensor | undefined,
];

const inputsOf = (node: RecurrentNode): Inputs => node.inputs as Inputs;

/** How many steps one part of `work` holds, and in which order the parts are worked on: one part unless a buffer would be too large. */
function partsOf(
  e: Emitter,
  { T, B, D, W, H }: Attributes,
): { first: number; count: number; from: number; to: number }[] {
  const fit = (directions: number) => Math.floor(e.target.maxBufferSize / (B * directions * W * H * 4));
  if (fit(D) >= T) return [{ first: 0, count: D, from: 0, to: T }];
  const steps = Math.max(1, fit(1));
  const parts = [];
  for (let d = 0; d < D; d++) {
    for (let from = 0; from < T; from += steps) parts.push({ first: d, count: 1, from, to: Math.min(T, from + steps) });
  }
  return parts;
}

/** First time of a part: the reverse direction works on the end of the sequence first. */
const startOf = ({ first, from, to }: { first: number; from: number; to: number }, T: number) =>
  first === 1 ? T - to : from;

/** Times that a part holds. */
const lengthOf = (work: WorkPart, { B, W, H }: Attributes) => work.view.length / (B * work.count * W * H);

function forward(node: RecurrentNode, e: Emitter): Saved {
  const { cell, T, B, I, H, D, G, W, S } = node.attributes;
  const [x, wih, whh, bih, bhh, h0, rest0] = inputsOf(node);
  const [y, hn, restn] = node.outputs as [Tensor, Tensor, Tensor];
  const { label } = node;
  const slot = B * D * H;
  const padded = Math.ceil(H / 4) * 4;
  const save = e.needsGradient(y) || e.needsGradient(hn);

  const weight = e.once(whh, "columns", () => {
    const to = e.scratch(`${label} packed R`, D * H * G * padded);
    e.emit(
      copyStrided(e.target, {
        label: `${label} pack R`,
        from: e.view(whh),
        to,
        lengths: [D, H, G, H],
        strides: [G * H * H, 1, H * H, H],
        padded,
      }),
    );
    return to;
  });
  const h = e.scratch(`${label} h`, (T + D) * slot);
  const rest = e.scratch(`${label} states`, Math.max(1, S - 1) * (S > 1 ? (T + D) * slot : 4));
  const initial = h0 && { h: e.view(h0), rest: rest0 ? e.view(rest0) : e.view(h0) };

  const work: WorkPart[] = [];
  for (const p of partsOf(e, node.attributes)) {
    const steps = p.to - p.from;
    const start = startOf(p, T);
    const view = e.scratch(`${label} gates`, steps * B * p.count * W * H);
    e.emit(
      product(e.target, {
        label: `${label} input projection`,
        size: { M: steps * B, N: G * H, K: I, batches: p.count },
        a: { view: part(e.view(x), start * B * I, steps * B * I), row: I, column: 1 },
        b: { view: part(e.view(wih), p.first * G * H * I, p.count * G * H * I), row: 1, column: I, batch: G * H * I },
        c: { view, row: p.count * W * H, batch: W * H },
        ...(bih && { bias: { view: part(e.view(bih), p.first * G * H, p.count * G * H), batch: G * H } }),
      }),
    );
    const held: WorkPart = { view, first: p.first, count: p.count, start };
    work.push(held);
    for (let t = p.from; t < p.to; t++) {
      e.emit(
        stepForward(e.target, {
          ...{ label: `${label} step ${t}`, cell, t, sizes: { T, B, D, H }, work: held, save, weight },
          ...{ bias: bhh && e.view(bhh), initial, h, rest },
        }),
      );
    }
  }

  e.define(y, part(h, slot, T * slot));
  // One direction: the last slot is the final state as it stands. Two: it lies in two slots and is put together.
  const final = (from: View, states: number, tensor: Tensor, name: string) => {
    if (!e.isUsed(tensor)) return;
    if (D === 1 && states === 1) {
      e.define(tensor, part(from, T * slot, slot));
      return;
    }
    const strides = [(T + D) * slot, D === 1 ? 0 : (1 - T) * slot + H, D * H, 1] as const;
    const source = part(from, T * slot, slot);
    e.emit(
      copyStrided(e.target, {
        label: `${label} ${name}`,
        from: source,
        to: e.place(tensor, `${label} ${name}`),
        lengths: [states, D, B, H],
        strides,
      }),
    );
  };
  final(h, 1, hn, "final h");
  if (S > 1) final(rest, S - 1, restn, "final states");
  return { h, rest, work };
}

function backward(node: RecurrentNode, e: Emitter, { h, rest, work }: Saved): void {
  const { cell, T, B, I, H, D, G, W, S } = node.attributes;
  const [x, wih, whh, bih, bhh, h0, rest0] = inputsOf(node);
  const [y, hn, restn] = node.outputs as [Tensor, Tensor, Tensor];
  const { label } = node;
  const slot = B * D * H;
  const apart = W - G;
  const padded = Math.ceil(H / 4) * 4;
  const outputGradient = e.gradient(y);
  const finalH = e.gradient(hn);
  const finalRest = S > 1 ? e.gradient(restn) : undefined;
  if (!outputGradient && !finalH && !finalRest) return;

  // Rows of R are contiguous already, unless they must be padded to whole words.
  const weight =
    H === padded
      ? e.view(whh)
      : e.once(whh, "rows", () => {
          const to = e.scratch(`${label} packed rows of R`, D * G * H * padded);
          const lengths = [1, D * G, H, H] as const;
          e.emit(
            copyStrided(e.target, {
              label: `${label} pack rows of R`,
              from: e.view(whh),
              to,
              lengths,
              strides: [0, H * H, H, 1],
              padded,
            }),
          );
          return to;
        });

  const carry = e.scratch(`${label} carry`, S * slot);
  if (finalH || finalRest) {
    const put = (from: View | undefined, to: View) =>
      e.emit(
        from
          ? { type: "copy", label: `${label} final gradient`, from: { ...from, length: to.length }, to }
          : { type: "clear", label: `${label} final gradient`, to },
      );
    put(finalH, part(carry, 0, slot));
    if (S > 1) put(finalRest, part(carry, slot, (S - 1) * slot));
  }

  const wantsInitial = e.needsGradient(h0) || e.needsGradient(rest0);
  for (const held of [...work].reverse()) {
    const steps = lengthOf(held, node.attributes);
    const from = held.first === 1 ? T - held.start - steps : held.start;
    const step = (t: number, finish: boolean, flows: boolean) =>
      e.emit(
        stepBackward(e.target, {
          ...{
            label: finish ? `${label} finish` : `${label} back ${t}`,
            cell,
            t,
            sizes: { T, B, D, H },
            work: held,
            finish,
          },
          // At the end of a part, the carry holds all that flows in; inside, R's share comes from the step after.
          ...{ hasCarry: t < T - 1 || finish || finalH !== undefined || finalRest !== undefined, hasProduct: flows },
          ...{ weight, h, rest, outputGradient, carry },
        }),
      );
    for (let t = from + steps - 1; t >= from; t--) step(t, false, t < from + steps - 1);
    if (from > 0 || wantsInitial) step(from, true, true);
  }
  if (h0 && e.needsGradient(h0)) e.contribute(h0, part(carry, 0, slot));
  if (rest0 && e.needsGradient(rest0)) e.contribute(rest0, part(carry, slot, (S - 1) * slot));

  const xGradient = e.needsGradient(x) ? e.gradientInto(x) : undefined;
  const intoW = gradientViews(e, wih, bih);
  const intoR = gradientViews(e, whh, bhh);
  const done = new Set<number>();
  work.forEach((held) => {
    const rows = lengthOf(held, node.attributes) * B;
    const row = held.count * W * H;
    const more = done.has(held.first);
    done.add(held.first);
    const batches = { weight: G * H * I, bias: G * H };
    const gates = { view: held.view, row: 1, column: row, batch: W * H };
    const common = { firstBatch: held.first, more };
    if (intoW) {
      weightGradient(e, {
        ...{ ...common, label: `${label} W gradient`, weight: wih, bias: bih, into: intoW, batches },
        size: { M: G * H, N: I, K: rows, batches: held.count },
        a: gates,
        b: { view: part(e.view(x), held.start * B * I, rows * I), row: I, column: 1 },
      });
    }
    if (intoR) {
      // The state before time s lies in slot s for direction 0 and in slot s + 2 for direction 1.
      const at = (held.start + (held.first === 1 ? 2 : 0)) * slot + held.first * H;
      weightGradient(e, {
        ...{
          ...common,
          label: `${label} R gradient`,
          weight: whh,
          bias: bhh,
          into: intoR,
          batches: { weight: G * H * H, bias: G * H },
        },
        size: { M: G * H, N: H, K: rows, batches: held.count },
        a: { ...gates, ...(apart > 0 && { rowGap: { from: (G - apart) * H, shift: apart * H } }) },
        b: { view: part(h, at, rows * D * H), row: D * H, column: 1, batch: 2 * slot + H },
      });
    }
    if (xGradient) {
      e.emit(
        product(e.target, {
          label: `${label} input gradient`,
          size: { M: rows, N: I, K: held.count * G * H },
          a: {
            view: held.view,
            row,
            column: 1,
            ...(apart > 0 && held.count > 1 && { columnGap: { from: G * H, shift: apart * H } }),
          },
          b: { view: part(e.view(wih), held.first * G * H * I, held.count * G * H * I), row: I, column: 1 },
          c: { view: part(xGradient.view, held.start * B * I, rows * I), row: I },
          // With parts, the second direction adds to what the first one put there.
          accumulate: xGradient.accumulate || (held.count === 1 && held.first === 1),
        }),
      );
    }
  });
}

const op: Op<Attributes, Saved> = { name: "recurrent", forward, backward };

/** Weights of one recurrent layer; G gates, D directions stacked along the first axis. */
export interface RecurrentWeights {
  /** `[D, G*H, I]` */
  readonly wih: Tensor;
  /** `[D, G*H, H]` */
  readonly whh: Tensor;
  /** `[D, G*H]` */
  readonly bih: Tensor | undefined;
  /** `[D, G*H]` */
  readonly bhh: Tensor | undefined;
}

/**
 * One recurrent layer over a whole sequence, in one or two directions.
 * @param x `[T,B,I]`
 * @param initial `h [D,B,H]` and the cell's other states `rest [S-1,D,B,H]`; zeros when not given
 * @returns `y [T,B,D*H]` and the final states in the same shapes as the initial ones
 */
export function recurrent(
  label: string,
  cellName: string,
  x: Tensor,
  weights: RecurrentWeights,
  initial?: { readonly h: Tensor; readonly rest: Tensor | undefined },
): { y: Tensor; hn: Tensor; restn: Tensor } {
  const cell = cellNamed(cellName);
  const [T, B, I] = x.shape as [number, number, number];
  const [D, , H] = weights.whh.shape as [number, number, number];
  const S = cell.states.length;
  if (initial && S > 1 && !initial.rest) throw new InternalError(`${label}: initial h without the cell's other states`);
  const attributes: Attributes = { cell: cellName, T, B, I, H, D, G: cell.gates.length, W: workOf(cell).length, S };
  const inputs = [x, weights.wih, weights.whh, weights.bih, weights.bhh, initial?.h, initial?.rest];
  const shapes = [{ shape: [T, B, D * H] }, { shape: [D, B, H] }, { shape: [S - 1, D, B, H] }];
  const [y, hn, restn] = apply(op, label, inputs, shapes, attributes);
  return { y: y!, hn: hn!, restn: restn! };
}
