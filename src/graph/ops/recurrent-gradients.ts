import { product } from "../../kernels/matmul.ts";
import { type Chunk, gateSlots, hLayout, runsBackwards } from "../../kernels/recurrence.ts";
import { stepsAtOnce } from "../../kernels/recurrent-dispatch.ts";
import { stepBackward } from "../../kernels/recurrent-gradient-dispatch.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { recurrentCommands } from "../commands.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { type FromChunk, inputsOf, type RecurrentNode, type Rows, type Saved, stepsOf } from "./recurrent-node.ts";
import { gradientViews, weightGradient } from "./weight-gradient.ts";

/** A weight by rows, padded to whole words of four: as it stands where that needs nothing. */
function packRows(e: Emitter, label: string, weight: Tensor, columns: number, from = e.view(weight)): View {
  const padded = Math.ceil(columns / 4) * 4;
  if (columns === padded) return from;
  const rows = weight.size / columns;
  const lengths = [1, 1, rows, columns] as const;
  const strides = [0, 0, columns, 1] as const;
  return e.derived(weight, "by rows", rows * padded, (to) => [
    copyStrided(e.target, { label: `${label} by rows`, from, to, lengths, strides, padded }),
  ]);
}

/** From the gradients by the outputs and final states to those by the inputs, weights and initial states. */
export function recurrentGradients(node: RecurrentNode, e: Emitter, saved: Saved | undefined): void {
  if (!saved) {
    recurrentCommands().stackGradients(node, e, { inputAndWeights, recurrentWeights });
    return;
  }
  const { label } = node;
  const { r, h, chunks } = saved;
  const { T, B, D, H, P, cell } = r;
  const { whh, learned, whr, h0, cellStates0 } = inputsOf(node);
  const [y, hn, cellStatesN] = node.outputs as [Tensor, Tensor, Tensor];
  const S = cell.states.length;
  const outputGradient = e.gradient(y);
  const finalH = e.gradient(hn);
  const finalCellStates = S > 1 ? e.gradient(cellStatesN) : undefined;
  if (!outputGradient && !finalH && !finalCellStates) return;

  const blocks =
    whh && r.options.numHeads > 1 ? recurrentCommands().blocksSideBySide(e, `${label} R`, whh, r) : undefined;
  // Gradients with int8 are refused before.
  const packed = whh && e.weightDtype && recurrentCommands().f16Backward;
  const rows = whh && (packed?.rows ?? packRows)(e, `${label} R`, whh, P, blocks);
  const projection = whr && packRows(e, `${label} W_hr`, whr, H);
  const hSize = D * B * P;
  const cellSize = (S - 1) * D * B * H;
  const carry = e.scratch(`${label} carry`, hSize + cellSize);
  const hasFinal = finalH !== undefined || finalCellStates !== undefined;
  if (hasFinal) {
    const put = (from: View | undefined, to: View) =>
      e.emit(
        from
          ? { type: "copy", label: `${label} final gradient`, from: { ...from, length: to.length }, to }
          : { type: "clear", label: `${label} final gradient`, to },
      );
    put(finalH, part(carry, 0, hSize));
    if (S > 1) put(finalCellStates, part(carry, hSize, cellSize));
  }

  const wantsInitial = e.needsGradient(h0) || e.needsGradient(cellStates0);
  const views = { h, learned: learned && e.view(learned), outputGradient, carry };
  const intoProjection = whr && gradientViews(e, whr, undefined);
  const fromChunk = [
    inputAndWeights(node, e, saved),
    recurrentWeights(node, e, saved),
    learned && recurrentCommands().learnedVectors(node, e, r),
    intoProjection && recurrentCommands().projectionWeights(node, e, r, intoProjection, weightGradient),
  ];
  const done = new Set<number>();
  for (const take of [...chunks].reverse()) {
    const chunk = take();
    const { from, to } = stepsOf(r, chunk);
    for (let t = to - 1, stepCount = 1; t >= from; t -= stepCount) {
      stepCount = stepsAtOnce(e.target, r, { label, t, chunk, h }, t - from + 1, 1);
      // At the end of a chunk, the carry holds all that flows in; inside, R's share comes from the step after.
      const hasProduct = rows !== undefined && t < to - 1;
      const weight = hasProduct || stepCount > 1 ? rows : undefined;
      const title = stepCount > 1 ? `back ${t} to ${t - stepCount + 1}` : `back ${t}`;
      const call = { ...views, label: `${label} ${title}`, t, stepCount, chunk, hasCarry: t < T - 1 || hasFinal };
      if (projection) {
        e.emit(recurrentCommands().projectBackward(e.target, r, { ...call, weight, kernel: packed?.project }));
        e.emit(stepBackward(e.target, r, { ...call, finish: false, hasProduct: true, weight: projection }));
      } else e.emit(stepBackward(e.target, r, { ...call, finish: false, hasProduct, weight, kernel: packed?.step }));
      if (cell.intermediate)
        e.emit(
          recurrentCommands().intermediateBackward(e.target, r, {
            ...call,
            weight: rows!,
            kernel: packed?.intermediate,
          }),
        );
    }
    if (rows && (from > 0 || wantsInitial)) {
      const call = { ...views, label: `${label} finish`, t: from, stepCount: 1, chunk, hasCarry: true, weight: rows };
      e.emit(stepBackward(e.target, r, { ...call, finish: true, hasProduct: true, kernel: packed?.step }));
    }
    const { direction, directions, times } = chunk;
    const stride = directions * gateSlots(r) * H;
    for (const give of fromChunk) give?.({ chunk, rows: times * B, stride, more: done.has(direction) });
    done.add(direction);
  }
  if (h0 && e.needsGradient(h0)) e.contribute(h0, part(carry, 0, hSize));
  if (cellStates0 && e.needsGradient(cellStates0)) e.contribute(cellStates0, part(carry, hSize, cellSize));
}

/** Gradients by W, b_ih and x. */
function inputAndWeights(node: RecurrentNode, e: Emitter, saved: Saved, below?: Rows): FromChunk {
  const { label, attributes } = node;
  const { B, H, cell } = saved.r;
  const { D, I } = attributes;
  const { x, wih, bih } = inputsOf(node);
  const G = cell.gates.length;
  const W = gateSlots(saved.r);
  const xGradient = !below && x.dtype === "f32" && e.needsGradient(x) ? e.gradientInto(x) : undefined;
  const into = gradientViews(e, wih, bih);
  if (x.dtype === "i32" && into && !into.accumulate) {
    e.emit({ type: "clear", label: `${label} W gradient`, to: into.weight });
    if (into.bias) e.emit({ type: "clear", label: `${label} W gradient`, to: into.bias });
  }
  return (all) => {
    const { chunk, rows, stride, more } = all;
    const { direction, directions, gates: view, start } = chunk;
    if (into && x.dtype === "i32") recurrentCommands().tokenGradient(node, e, saved.r, all, into);
    else if (into) {
      weightGradient(e, {
        label: `${label} W gradient`,
        weight: wih,
        bias: bih,
        into,
        firstBatch: direction,
        more,
        batches: { weight: G * H * I, bias: G * H },
        size: { M: G * H, N: I, K: rows, batches: directions },
        a: { view, row: 1, column: stride, batch: W * H },
        b: below ?? { view: part(e.view(x), start * B * I, rows * I), row: I, column: 1 },
      });
    }
    if (xGradient) {
      e.emit(
        ...product(e, {
          label: `${label} input gradient`,
          size: { M: rows, N: I, K: directions * G * H },
          a: {
            view,
            row: stride,
            column: 1,
            ...(W > G && directions > 1 && { columnGap: { from: G * H, shift: (W - G) * H } }),
          },
          b: { view: part(e.view(wih), direction * G * H * I, directions * G * H * I), row: I, column: 1 },
          c: { view: part(xGradient.view, start * B * I, rows * I), row: I },
          // With chunks, the first direction adds to what the second one put there.
          accumulate: xGradient.accumulate || (D === 2 && directions === 1 && direction === 0),
        }),
      );
    }
  };
}

/** The rows that R read in a chunk: h before each time, after recurrent dropout where there is any. */
function operandOfR({ r, h }: Saved, { direction, directions, start, times }: Chunk): Rows {
  const { B, D, P } = r;
  const { first, droppedAt, length } = hLayout(r);
  const slotBefore = (d: number) => first + start + (runsBackwards(r, d) ? 1 : -1);
  const from = (length > droppedAt ? droppedAt : 0) + slotBefore(direction) * B * D * P + direction * P;
  const batch = directions === 2 ? (slotBefore(1) - slotBefore(0)) * B * D * P + P : 0;
  return { view: part(h, from, times * B * D * P), row: D * P, column: 1, batch };
}

/** Gradients by R and b_hh: what each gate's product read, times the gradient by the product. */
function recurrentWeights(node: RecurrentNode, e: Emitter, saved: Saved): FromChunk | undefined {
  const { whh, bhh } = inputsOf(node);
  if (!whh) return undefined;
  const { r } = saved;
  const { H, P, cell } = r;
  const G = cell.gates.length;
  const separate = cell.separate.length;
  const W = gateSlots(r);
  const into = gradientViews(e, whh, bhh);
  if (!into) return undefined;
  const last = cell.intermediate?.gates ?? 0;
  const K = P / r.options.numHeads;
  return (all) => {
    const { chunk, rows, stride, more } = all;
    const { direction, directions, gates: view } = chunk;
    const at = (d: number, gate: number) => ({
      weight: part(into.weight, (d * G + gate) * H * K, H * K),
      bias: into.bias && part(into.bias, (d * G + gate) * H, H),
      accumulate: into.accumulate,
    });
    const common = { label: `${node.label} R gradient`, weight: whh, bias: bhh };
    /** The gradients of `gates` gates from `from` on, that read from `b`. */
    const gradients = (from: number, gates: number, b: Rows) => {
      if (K < P) recurrentCommands().blockGradients(e, r, all, { ...common, from, gates, b }, at, weightGradient);
      else
        weightGradient(e, {
          ...common,
          more,
          into: at(direction, from),
          batches: { weight: G * H * K, bias: G * H },
          size: { M: gates * H, N: K, K: rows, batches: directions },
          a: {
            view: part(view, from * H, view.length - from * H),
            row: 1,
            column: stride,
            batch: W * H,
            ...(separate > 0 && { rowGap: { from: (G - separate) * H, shift: separate * H } }),
          },
          b,
        });
    };
    gradients(0, G - last, operandOfR(saved, chunk));
    if (last > 0) gradients(G - last, last, recurrentCommands().intermediateRows(r, chunk));
  };
}
