import { cellNamed } from "../../cells/index.ts";
import { InternalError } from "../../errors.ts";
import { gatherColumns } from "../../kernels/column-gather.ts";
import { zeroRows } from "../../kernels/mask.ts";
import { product } from "../../kernels/matmul.ts";
import {
  projectForward,
  type Recurrence,
  slotsOf,
  stateLayout,
  stepForward,
  type WorkPart,
  workSlots,
} from "../../kernels/recurrent-dispatch.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, type Op, part } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { maskRange, TOKEN } from "./number-kinds.ts";
import { recurrentGradients } from "./recurrent-gradients.ts";
import { type Attributes, inputsOf, type RecurrentNode, runsBackwards, type Saved } from "./recurrent-node.ts";

/** How many steps one part of `work` holds, and in which order the parts are worked on: one part unless a buffer would be too large. */
function partsOf(e: Emitter, r: Recurrence): { first: number; count: number; from: number; to: number }[] {
  const { T, B, D, H } = r;
  const fit = (directions: number) => Math.floor(e.target.maxBufferSize / (B * directions * workSlots(r) * H * 4));
  if (fit(D) >= T) return [{ first: 0, count: D, from: 0, to: T }];
  const steps = Math.max(1, fit(1));
  const parts = [];
  for (let d = 0; d < D; d++) {
    for (let from = 0; from < T; from += steps) parts.push({ first: d, count: 1, from, to: Math.min(T, from + steps) });
  }
  return parts;
}

/** The seed and the mask in one buffer, which all layers of a plan share. */
function controlOf(e: Emitter, seed: Tensor | undefined, mask: Tensor | undefined): View | undefined {
  const owner = mask ?? seed;
  if (!owner) return undefined;
  return e.once(owner, `control ${seed?.id}`, () => {
    const control = e.scratch("seed and mask", 1 + (mask?.size ?? 0), "i32");
    const put = (tensor: Tensor | undefined, at: number) =>
      tensor &&
      e.emit({ type: "copy", label: "seed and mask", from: e.view(tensor), to: part(control, at, tensor.size) });
    put(seed, 0);
    put(mask, 1);
    return control;
  });
}

/** Weights `[D,rows,columns]` by columns, each padded to whole words of four: `[D,columns,gates,rows per gate]`. */
function packColumns(e: Emitter, label: string, weight: Tensor, D: number, gates: number, units: number): View {
  const columns = weight.size / (D * gates * units);
  const padded = Math.ceil(units / 4) * 4;
  const strides = [gates * units * columns, 1, units * columns, columns] as const;
  const lengths = [D, columns, gates, units] as const;
  return e.derived(weight, "by columns", D * columns * gates * padded, (to) => [
    copyStrided(e.target, { label: `${label} by columns`, from: e.view(weight), to, lengths, strides, padded }),
  ]);
}

/** W·x + b_ih of a part's steps, into `work`: a product, or a gather where x are tokens. */
function projectInput(e: Emitter, node: RecurrentNode, work: WorkPart, steps: number): void {
  const { B, H, P, cell, I } = node.attributes;
  const { x, wih, bih } = inputsOf(node);
  const G = cellNamed(cell).gates.length;
  const W = workSlots({ cell: cellNamed(cell), H, P });
  const { view, first, count, start } = work;
  const label = `${node.label} input projection`;
  const weight = part(e.view(wih), first * G * H * I, count * G * H * I);
  const bias = bih && part(e.view(bih), first * G * H, count * G * H);
  if (x.dtype === "i32") {
    const tokens = part(e.view(x), start * B, steps * B);
    const columns = { N: steps * B, D: count, M: G * H, V: I, row: count * W * H, batch: W * H };
    e.emit(gatherColumns(e.target, label, columns, { tokens, weight, bias, y: view }));
    return;
  }
  e.emit(
    product(e.target, {
      label,
      size: { M: steps * B, N: G * H, K: I, batches: count },
      a: { view: part(e.view(x), start * B * I, steps * B * I), row: I, column: 1 },
      b: { view: weight, row: 1, column: I, batch: G * H * I },
      c: { view, row: count * W * H, batch: W * H },
      ...(bias && { bias: { view: bias, batch: G * H } }),
    }),
  );
}

function forward(node: RecurrentNode, e: Emitter): Saved {
  const { attributes, label } = node;
  const { T, B, D, H, P } = attributes;
  const { whh, bhh, learned, whr, h0, rest0, mask, seed } = inputsOf(node);
  const [y, hn, restn] = node.outputs as [Tensor, Tensor, Tensor];
  const cell = cellNamed(attributes.cell);
  const r: Recurrence = { ...attributes, cell, control: controlOf(e, seed, mask) };
  const save = node.outputs.some((output) => e.needsGradient(output));

  const weight = whh && packColumns(e, `${label} R`, whh, D, cell.gates.length, H);
  const projection = whr && packColumns(e, `${label} W_hr`, whr, D, 1, P);
  const layout = stateLayout(r);
  const states = e.scratch(`${label} states`, layout.length);
  const initial = h0 && { h: e.view(h0), rest: rest0 && e.view(rest0) };

  const work: WorkPart[] = [];
  for (const { first, count, from, to } of partsOf(e, r)) {
    const steps = to - from;
    const start = runsBackwards(r, first) && count === 1 ? T - to : from;
    const view = e.scratch(`${label} gates`, steps * B * count * workSlots(r) * H);
    const held: WorkPart = { view, first, count, start };
    projectInput(e, node, held, steps);
    work.push(held);
    const views = { weight, bias: bhh && e.view(bhh), learned: learned && e.view(learned), initial, states };
    const unused = e.view(inputsOf(node).wih);
    for (let t = from; t < to; t++) {
      const step = (inner: boolean) =>
        stepForward(e.target, r, { ...{ label: `${label} step ${t}`, t, work: held, save, inner, unused }, ...views });
      if (cell.inner) e.emit(step(true));
      e.emit(step(false));
      if (projection)
        e.emit(
          projectForward(e.target, r, { label: `${label} project ${t}`, t, work: held, weight: projection, states }),
        );
    }
  }

  const slot = B * D * P;
  const output = part(states, slot, T * slot);
  if (!r.zeroOutput || !mask) e.define(y, output);
  else if (e.isUsed(y)) {
    const views = { x: output, mask: e.view(mask), y: e.place(y, `${label} output`) };
    e.emit(zeroRows(e.target, `${label} output`, { N: T * B, C: D * P }, views));
  }
  final(node, e, hn, { from: part(states, 0, layout.restAt), count: 1, size: P, r });
  const rest = {
    from: part(states, layout.restAt, layout.heardAt - layout.restAt),
    count: cell.states.length - 1,
    size: H,
    r,
  };
  if (rest.count > 0) final(node, e, restn, rest);
  return { r, states, work };
}

/** Final states: in one direction the slot as it stands. In two they lie in two slots and are put together. */
function final(
  { label }: RecurrentNode,
  e: Emitter,
  tensor: Tensor,
  { from, count, size, r }: { from: View; count: number; size: number; r: Recurrence },
): void {
  if (!e.isUsed(tensor)) return;
  const { T, B, D } = r;
  const slot = B * D * size;
  const slotOf = (d: number) => (runsBackwards(r, d) ? 1 : T);
  const first = part(from, slotOf(0) * slot, slot);
  if (D === 1 && count === 1) {
    e.define(tensor, first);
    return;
  }
  const strides = [slotsOf(r) * slot, D === 1 ? 0 : (slotOf(1) - slotOf(0)) * slot + size, D * size, 1] as const;
  const to = e.place(tensor, `${label} final state`);
  const lengths = [count, D, B, size] as const;
  e.emit(copyStrided(e.target, { label: `${label} final state`, from: first, to, lengths, strides }));
}

const op: Op<Attributes, Saved> = {
  name: "recurrent",
  makesStates: true,
  takes: ({ inputs, attributes: { I } }) => [
    ...(inputs[0]?.dtype === "i32" ? [{ input: 0, kind: TOKEN, below: I }] : []),
    ...maskRange(inputs[9], 9),
  ],
  forward,
  backward: recurrentGradients,
};

/** Weights of one recurrent layer; G gates, D directions stacked along the first axis. */
export interface RecurrentWeights {
  /** `[D, G*H, I]` */
  readonly wih: Tensor;
  /** `[D, G*H, P/heads]`; none for a cell without R. */
  readonly whh: Tensor | undefined;
  /** `[D, G*H]` */
  readonly bih: Tensor | undefined;
  /** `[D, G*H]` */
  readonly bhh: Tensor | undefined;
  /** `[D, N*H]`: the cell's learned vectors. */
  readonly learned: Tensor | undefined;
  /** `[D, P, H]`: the projection. */
  readonly whr: Tensor | undefined;
}

/** What a recurrent layer may have besides; all default to nothing. */
export interface RecurrentExtras {
  readonly initial?: { readonly h: Tensor; readonly rest: Tensor | undefined } | undefined;
  /** i32 `[T,B]`: in a step with 0 the state is held. */
  readonly mask?: Tensor | undefined;
  /** Outputs that the mask passes over: zero (default), or the state that is held. */
  readonly maskedOutput?: "zero" | "hold";
  /** One direction that runs from the end. */
  readonly goBackwards?: boolean;
  readonly heads?: number;
  readonly recurrentDropout?: number;
  readonly zoneoutH?: number;
  readonly zoneoutRest?: number;
  /** Where random numbers come from; without it there is no noise, and zoneout takes its expectation. */
  readonly noise?: { readonly seed: Tensor; readonly stream: number } | undefined;
}

/**
 * One recurrent layer over a whole sequence, in one or two directions.
 * @param x `[T,B,I]`, or i32 tokens `[T,B]` that stand for one-hot vectors of size I
 * @param extras.initial `h [D,B,P]` and the cell's other states `rest [S-1,D,B,H]`; zeros when not given
 * @returns `y [T,B,D*P]` and the final states in the same shapes as the initial ones
 */
export function recurrent(
  label: string,
  cellName: string,
  x: Tensor,
  weights: RecurrentWeights,
  extras: RecurrentExtras = {},
): { y: Tensor; hn: Tensor; restn: Tensor } {
  const cell = cellNamed(cellName);
  const [T, B] = x.shape as [number, number];
  const [D, rows, I] = weights.wih.shape as [number, number, number];
  const H = rows / cell.gates.length;
  const P = weights.whr ? weights.whr.shape[1]! : H;
  const S = cell.states.length;
  const { initial, mask, noise, zoneoutH = 0, zoneoutRest = 0 } = extras;
  if (initial && S > 1 && !initial.rest) throw new InternalError(`${label}: initial h without the cell's other states`);
  // Dropout is there in training only; zoneout has an expectation for the rest of the time.
  const recurrentDropout = noise ? (extras.recurrentDropout ?? 0) : 0;
  const hasNoise = noise !== undefined && (recurrentDropout > 0 || zoneoutH > 0 || zoneoutRest > 0);
  const attributes: Attributes = {
    ...{ cell: cellName, T, B, D, H, P, I, heads: extras.heads ?? 1 },
    backwards: D === 2 ? 2 : extras.goBackwards ? 1 : 0,
    ...{ hasMask: mask !== undefined, hasNoise, stream: noise?.stream ?? 0, zoneoutH, zoneoutRest, recurrentDropout },
    zeroOutput: mask !== undefined && extras.maskedOutput !== "hold",
  };
  const { wih, whh, bih, bhh, learned, whr } = weights;
  const seed = hasNoise ? noise.seed : undefined;
  const inputs = [x, wih, whh, bih, bhh, learned, whr, initial?.h, initial?.rest, mask, seed];
  const shapes = [{ shape: [T, B, D * P] }, { shape: [D, B, P] }, { shape: [S - 1, D, B, H] }];
  const outputs = apply(op, label, inputs, shapes, attributes);
  if (attributes.backwards !== 0) for (const output of outputs) output.facts = { isFromEnd: true };
  const [y, hn, restn] = outputs;
  return { y: y!, hn: hn!, restn: restn! };
}
