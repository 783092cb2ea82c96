import { cellNamed } from "../../cells/cell.ts";
import { InternalError } from "../../errors.ts";
import { product } from "../../kernels/matmul.ts";
import {
  type Chunk,
  type ChunkShape,
  gateSlots,
  hLayout,
  noOptions,
  type Recurrence,
  runsBackwards,
  type StepOptions,
  stateLayout,
  stepAt,
  withoutNoise,
} from "../../kernels/recurrence.ts";
import { putInitialStates, stepForward, stepsAtOnce } from "../../kernels/recurrent-dispatch.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { bytesOf } from "../../tensor-data.ts";
import { loadedCommands, recurrentCommands } from "../commands.ts";
import { type Emitter, type Op, part } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { maskRange, TOKEN } from "./number-kinds.ts";
import {
  type Attributes,
  finalH,
  inputsOf,
  maskInput,
  outputOf,
  type RecurrentNode,
  type Saved,
  statesAfter,
  statesAt,
  stepsOf,
} from "./recurrent-node.ts";
import { ringOf } from "./recurrent-ring.ts";

/** Steps that are computed again at a time (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"). */
const stepsAgain = (T: number): number => Math.ceil(Math.min(T / 8, Math.sqrt(T)));

/** A layer in chunks, in the order in which they are worked on: one chunk unless a buffer would be too large. */
function chunksOf(r: Recurrence, maxBufferSize: number, recompute: boolean): ChunkShape[] {
  const { T, B, D, H } = r;
  /** How many times fit into a buffer with the gates and one with the states of so many directions. */
  const fit = (directions: number): number => {
    const gates = Math.floor(maxBufferSize / (B * directions * gateSlots(r) * H * bytesOf("f32")));
    const bytes = (times: number) => bytesOf("f32") * stateLayout(r, { direction: 0, directions, times }).length;
    const perSlot = bytes(2) - bytes(1);
    return perSlot === 0 ? gates : Math.min(gates, Math.floor((maxBufferSize - bytes(0)) / perSlot));
  };
  if (fit(D) >= T && !recompute) return [{ direction: 0, directions: D, start: 0, times: T }];
  const most = Math.max(1, recompute ? Math.min(fit(1), stepsAgain(T)) : fit(1));
  const chunks = [];
  for (let direction = 0; direction < D; direction++) {
    for (let from = 0; from < T; from += most) {
      const times = Math.min(most, T - from);
      const start = runsBackwards(r, direction) ? T - from - times : from;
      chunks.push({ direction, directions: 1, start, times });
    }
  }
  return chunks;
}

/** The seed, the mask, or both in one buffer, which all layers of a plan share. */
function controlOf(e: Emitter, seed: Tensor | undefined, mask: Tensor | undefined): Recurrence["control"] {
  if (!seed) return mask && { view: e.view(mask), maskAt: 0 };
  if (!mask) return { view: e.view(seed), seedAt: 0 };
  return { view: recurrentCommands().seedAndMask(e, seed, mask), seedAt: 0, maskAt: 1 };
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

/** W·x + b_ih of a chunk's steps, into its gates: a product, or a gather where x are tokens. */
function inputProduct(
  e: Emitter,
  node: RecurrentNode,
  r: Recurrence,
  chunk: Chunk,
  row = chunk.directions * gateSlots(r) * r.H,
): void {
  const { B, H, cell } = r;
  const { I } = node.attributes;
  const { x, wih, bih } = inputsOf(node);
  const G = cell.gates.length;
  const W = gateSlots(r);
  const { gates, direction, directions, start, times } = chunk;
  const label = `${node.label} input projection`;
  const table = x.node?.op.tokenTable?.(node, e);
  const tokens = table?.tokens ?? (x.dtype === "i32" ? x : undefined);
  const weights = table?.table ?? e.view(wih);
  const rows = weights.length / (node.attributes.D * G * H);
  const weight = part(weights, direction * G * H * rows, directions * G * H * rows);
  const bias = bih && part(e.view(bih), direction * G * H, directions * G * H);
  if (tokens) {
    const own = part(e.view(tokens), start * B, times * B);
    const columns = { N: times * B, D: directions, M: G * H, V: rows, row, batch: W * H };
    const { gatherColumns } = table ?? recurrentCommands();
    e.emit(gatherColumns(e.target, label, columns, { tokens: own, weight, bias, y: gates }));
    return;
  }
  e.emit(
    ...product(e, {
      label,
      size: { M: times * B, N: G * H, K: I, batches: directions },
      a: { view: part(e.view(x), start * B * I, times * B * I), row: I, column: 1 },
      b: { view: weight, row: 1, column: I, batch: G * H * I },
      c: { view: gates, row, batch: W * H },
      ...(bias && { bias: { view: bias, batch: G * H } }),
    }),
  );
}

/**
 * Puts the states before a chunk's first step into the slots that the step reads: the initial ones, or where an earlier chunk
 * of this direction ended the cell states that it left (h of all chunks lies in one buffer). A caller whose slots hold the state
 * already leaves this out.
 */
function startFrom(
  node: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  chunk: Chunk,
  h: View,
  left: View | undefined,
): void {
  const label = `${node.label} initial state`;
  const { from: t } = stepsOf(r, chunk);
  const before = (d: number) => statesAt(r, chunk, stepAt(r, chunk, t, d).before);
  if (left) {
    if (left.length > 0) e.emit({ type: "copy", label, from: left, to: before(chunk.direction) });
    return;
  }
  const { h0, cellStates0 } = inputsOf(node);
  if (h0) {
    const states = { h0: e.view(h0), cellStates0: cellStates0 && e.view(cellStates0) };
    e.emit(putInitialStates(e.target, r, { label, t, chunk, h, ...states }));
    return;
  }
  const clear = (to: View) => {
    if (to.length > 0) e.emit({ type: "clear", label, to });
  };
  const { first, droppedAt, length } = hLayout(r);
  const slot = r.B * r.D * r.P;
  for (let d = chunk.direction; d < chunk.direction + chunk.directions; d++) {
    const hSlot = (first + (runsBackwards(r, d) ? r.T : -1)) * slot;
    clear(part(h, hSlot, slot));
    if (length > droppedAt) clear(part(h, droppedAt + hSlot, slot));
    clear(before(d));
  }
}

function forward(node: RecurrentNode, e: Emitter): Saved | undefined {
  if (loadedCommands()?.stackForward(node, e, { controlOf, inputProduct })) return undefined;
  const { attributes, label } = node;
  const { T, B, D, H, P } = attributes;
  const { wih, whh, bhh, learned, whr, mask, seed } = inputsOf(node);
  const y = node.outputs[0]!;
  const cell = cellNamed(attributes.cell);
  const save = node.outputs.some((output) => e.needsGradient(output));
  const control = controlOf(e, seed, mask);
  const ring = save ? undefined : ringOf(node, e, { ...attributes, cell, control });
  const r: Recurrence = { ...attributes, cell, control, ring: ring?.ring };

  const packed = e.weightDtype && recurrentCommands().packedWith[e.weightDtype];
  const weight = whh && (packed?.columns ?? packColumns)(e, `${label} R`, whh, D, cell.gates.length, H);
  const projection = whr && packColumns(e, `${label} W_hr`, whr, D, 1, P);
  const h = ring?.h ?? e.scratch(`${label} h of all steps`, hLayout(r).length);

  const recompute = save && e.recompute;
  const withMemory = (shape: ChunkShape): Chunk => ({
    ...shape,
    gates: e.scratch(`${label} gates`, shape.times * B * shape.directions * gateSlots(r) * H),
    // A binding needs a buffer where there are no states besides h, too.
    states: ring?.states ?? e.scratch(`${label} states`, Math.max(1, stateLayout(r, shape).length)),
  });
  /** W·x and the steps of a chunk, whose slots hold the state before it. */
  const stepsThrough = (chunk: Chunk, saves: boolean): Chunk => {
    inputProduct(e, node, r, chunk);
    const { from, to } = stepsOf(r, chunk);
    for (let t = from, stepCount = 1; t < to; t += stepCount) {
      const first = { label, t, chunk, h };
      stepCount = stepsAtOnce(e.target, r, first, to - t, 0);
      const step = (intermediate: boolean) =>
        stepForward(e.target, r, {
          ...first,
          label: `${label} step ${t}${stepCount > 1 ? ` to ${t + stepCount - 1}` : ""}`,
          stepCount,
          save: saves,
          intermediate,
          kernel: whh && packed?.kernel,
          weight,
          bias: bhh && e.view(bhh),
          learned: learned && e.view(learned),
          unused: e.view(wih),
        });
      if (cell.intermediate) e.emit(step(true));
      e.emit(step(false));
      if (projection)
        e.emit(
          recurrentCommands().projectForward(e.target, r, {
            ...first,
            label: `${label} project ${t}`,
            weight: projection,
          }),
        );
    }
    return chunk;
  };

  e.expect(T);
  const chunks: Chunk[] = [];
  const forBackward: Saved["chunks"][number][] = [];
  for (const shape of chunksOf(r, e.target.maxBufferSize, recompute)) {
    const last = chunks.findLast(({ direction }) => direction === shape.direction);
    let left = last && statesAfter(r, last, last.direction);
    if (recompute && left?.length) {
      const checkpoint = e.scratch(`${label} checkpoint`, left.length);
      e.emit({ type: "copy", label: `${label} checkpoint`, from: left, to: checkpoint });
      left = checkpoint;
    }
    const steps = (saves: boolean) => {
      const chunk = withMemory(shape);
      if (!ring) startFrom(node, e, r, chunk, h, left);
      return stepsThrough(chunk, saves);
    };
    const chunk = steps(save && !recompute);
    chunks.push(chunk);
    forBackward.push(() => (recompute ? steps(true) : chunk));
  }

  const output = outputOf(r, h);
  if (!mask || r.options.maskedOutput === "hold") e.define(y, output);
  else if (e.isUsed(y)) {
    const views = { x: output, mask: e.view(mask), y: e.allocate(y, `${label} output`) };
    e.emit(recurrentCommands().zeroRows(e.target, `${label} output`, { N: T * B, C: D * P }, views));
  }
  finalStates(node, e, r, h, chunks);
  return { r, h, chunks: forBackward };
}

/** h after the last step, `[D,B,P]`, and the cell states, `[S-1,D,B,H]`: in one direction the slots as they stand. */
function finalStates(node: RecurrentNode, e: Emitter, r: Recurrence, h: View, chunks: readonly Chunk[]): void {
  const [, hn, cellStatesN] = node.outputs as [Tensor, Tensor, Tensor];
  if (r.D > 1) {
    recurrentCommands().joinFinalStates(node, e, r, h, chunks);
    return;
  }
  if (e.isUsed(hn)) e.define(hn, finalH(r, h, 0));
  if (r.cell.states.length > 1 && e.isUsed(cellStatesN)) e.define(cellStatesN, statesAfter(r, chunks.at(-1)!, 0));
}

const op: Op<Attributes, Saved | undefined> = {
  name: "recurrent",
  makesStates: true,
  takes: ({ inputs, attributes: { I } }) => [
    ...(inputs[0]?.dtype === "i32" ? [{ input: 0, kind: TOKEN, below: I }] : []),
    ...maskRange(inputs[maskInput], maskInput),
  ],
  forward,
  backwardElsewhere: true,
};
const opOnDemand: typeof op = { ...op, isOnDemand: true };

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
  readonly initial?: { readonly h: Tensor; readonly cellStates: Tensor | undefined } | undefined;
  /** i32 `[T,B]`: in a step with 0 the state is held. */
  readonly mask?: Tensor | undefined;
  /** One direction that runs from the end. */
  readonly goBackwards?: boolean;
  readonly options?: StepOptions;
  /** Where random numbers come from; without it there is none, and options take their expectation. */
  readonly noise?: { readonly seed: Tensor; readonly stream: number } | undefined;
}

/**
 * One recurrent layer over a whole sequence, in one or two directions.
 * @param x `[T,B,I]`, or i32 tokens `[T,B]` that stand for one-hot vectors of size I
 * @param extras.initial `h [D,B,P]` and the cell's other states `cellStates [S-1,D,B,H]`; zeros when not given
 * @returns `y [T,B,D*P]` and the final states in the same shapes as the initial ones
 */
export function recurrent(
  label: string,
  cellName: string,
  x: Tensor,
  weights: RecurrentWeights,
  { initial, mask, goBackwards = false, options = noOptions, noise }: RecurrentExtras = {},
): { y: Tensor; hn: Tensor; cellStatesN: Tensor } {
  const cell = cellNamed(cellName);
  const [T, B] = x.shape as [number, number];
  const [D, rows, I] = weights.wih.shape as [number, number, number];
  const H = rows / cell.gates.length;
  const P = weights.whr ? weights.whr.shape[1]! : H;
  const S = cell.states.length;
  if (initial && S > 1 && !initial.cellStates)
    throw new InternalError(`${label}: initial h without the cell's other states`);
  const attributes: Attributes = {
    cell: cellName,
    T,
    B,
    D,
    H,
    P,
    I,
    backwards: D === 2 ? 2 : goBackwards ? 1 : 0,
    options: noise ? options : withoutNoise(options),
    stream: noise?.stream ?? 0,
  };
  const { wih, whh, bih, bhh, learned, whr } = weights;
  const inputs = [x, wih, whh, bih, bhh, learned, whr, initial?.h, initial?.cellStates, mask, noise?.seed];
  const shapes = [{ shape: [T, B, D * P] }, { shape: [D, B, P] }, { shape: [S - 1, D, B, H] }];
  // One on top of another may go on together with it: see recurrent-stack.ts.
  const isPlain =
    x.dtype === "f32" &&
    x.node?.op.name !== op.name &&
    D === 1 &&
    options.numHeads === 1 &&
    !whr &&
    !learned &&
    !cell.intermediate &&
    (!mask || (!noise && attributes.options.maskedOutput === "hold"));
  const outputs = apply(isPlain ? op : opOnDemand, label, inputs, shapes, attributes);
  if (attributes.backwards !== 0) for (const output of outputs) output.facts = { isFromEnd: true };
  const [y, hn, cellStatesN] = outputs;
  return { y: y!, hn: hn!, cellStatesN: cellStatesN! };
}
