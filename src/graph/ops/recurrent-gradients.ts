import { scatterColumns } from "../../kernels/column-gather.ts";
import { sumColumns } from "../../kernels/column-sums.ts";
import { product } from "../../kernels/matmul.ts";
import {
  innerBackward,
  projectBackward,
  type Recurrence,
  stateLayout,
  stepBackward,
  type WorkPart,
  workSlots,
} from "../../kernels/recurrent-dispatch.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { inputsOf, type RecurrentNode, runsBackwards, type Saved } from "./recurrent-node.ts";
import { type GradientViews, gradientViews, weightGradient } from "./weight-gradient.ts";

/** Times that a part holds. */
const lengthOf = (work: WorkPart, r: Recurrence) => work.view.length / (r.B * work.count * workSlots(r) * r.H);

/** A weight by rows, padded to whole words of four: as it stands where that needs nothing. */
function packRows(e: Emitter, label: string, weight: Tensor, columns: number, from: View = e.view(weight)): View {
  const padded = Math.ceil(columns / 4) * 4;
  if (columns === padded) return from;
  const rows = weight.size / columns;
  const lengths = [1, 1, rows, columns] as const;
  const strides = [0, 0, columns, 1] as const;
  return e.derived(weight, "by rows", rows * padded, (to) => [
    copyStrided(e.target, { label: `${label} by rows`, from, to, lengths, strides, padded }),
  ]);
}

/** R by rows, its blocks side by side: `[D,G,H/heads,⌈H/4⌉·4]`. */
function packBlocks(e: Emitter, label: string, whh: Tensor, r: Recurrence): View {
  const { D, H, heads } = r;
  if (heads === 1) return packRows(e, label, whh, r.P);
  const block = H / heads;
  const gates = D * r.cell.gates.length;
  const lengths = [gates, block, heads, block] as const;
  const strides = [H * block, block, block * block, 1] as const;
  const blocks = e.derived(whh, "blocks side by side", whh.size, (to) => [
    copyStrided(e.target, { label: `${label} blocks side by side`, from: e.view(whh), to, lengths, strides }),
  ]);
  return packRows(e, label, whh, H, blocks);
}

/** From the gradients by the outputs and final states to those by the inputs, weights and initial states. */
export function recurrentGradients(node: RecurrentNode, e: Emitter, saved: Saved): void {
  const { label } = node;
  const { r, states, work } = saved;
  const { T, B, D, H, P, cell } = r;
  const { whh, learned, whr, h0, rest0 } = inputsOf(node);
  const [y, hn, restn] = node.outputs as [Tensor, Tensor, Tensor];
  const S = cell.states.length;
  const outputGradient = e.gradient(y);
  const finalH = e.gradient(hn);
  const finalRest = S > 1 ? e.gradient(restn) : undefined;
  if (!outputGradient && !finalH && !finalRest) return;

  const rows = whh && packBlocks(e, `${label} R`, whh, r);
  const projection = whr && packRows(e, `${label} W_hr`, whr, H);
  const hSize = D * B * P;
  const restSize = (S - 1) * D * B * H;
  const carry = e.scratch(`${label} carry`, hSize + restSize);
  const hasFinal = finalH !== undefined || finalRest !== undefined;
  if (hasFinal) {
    const put = (from: View | undefined, to: View) =>
      e.emit(
        from
          ? { type: "copy", label: `${label} final gradient`, from: { ...from, length: to.length }, to }
          : { type: "clear", label: `${label} final gradient`, to },
      );
    put(finalH, part(carry, 0, hSize));
    if (S > 1) put(finalRest, part(carry, hSize, restSize));
  }

  const wantsInitial = e.needsGradient(h0) || e.needsGradient(rest0);
  const views = { states, learned: learned && e.view(learned), outputGradient, carry };
  for (const held of [...work].reverse()) {
    const steps = lengthOf(held, r);
    const from = held.count === 1 && runsBackwards(r, held.first) ? T - held.start - steps : held.start;
    for (let t = from + steps - 1; t >= from; t--) {
      // At the end of a part, the carry holds all that flows in; inside, R's share comes from the step after.
      const weight = t < from + steps - 1 ? rows : undefined;
      const call = { ...views, label: `${label} back ${t}`, t, work: held, hasCarry: t < T - 1 || hasFinal };
      if (projection) {
        e.emit(projectBackward(e.target, r, { ...call, weight }));
        e.emit(stepBackward(e.target, r, { ...call, finish: false, weight: projection }));
      } else e.emit(stepBackward(e.target, r, { ...call, finish: false, weight }));
      if (cell.inner) e.emit(innerBackward(e.target, r, { ...call, weight: rows! }));
    }
    if (rows && (from > 0 || wantsInitial)) {
      const call = {
        ...views,
        label: `${label} finish`,
        t: from,
        work: held,
        finish: true,
        hasCarry: true,
        weight: rows,
      };
      e.emit(stepBackward(e.target, r, call));
    }
  }
  if (h0 && e.needsGradient(h0)) e.contribute(h0, part(carry, 0, hSize));
  if (rest0 && e.needsGradient(rest0)) e.contribute(rest0, part(carry, hSize, restSize));

  inputAndWeights(node, e, saved);
  recurrentWeights(node, e, saved);
  ownVectors(node, e, saved);
  projectionWeights(node, e, saved);
}

/** For each part of `work`: the rows that it holds, and whether an earlier one has given the same gradients already. */
function* partsOf({ r, work }: Saved): Generator<{ held: WorkPart; rows: number; stride: number; more: boolean }> {
  const done = new Set<number>();
  for (const held of work) {
    yield { held, rows: lengthOf(held, r) * r.B, stride: held.count * workSlots(r) * r.H, more: done.has(held.first) };
    done.add(held.first);
  }
}

/** Gradients by W, b_ih and x. */
function inputAndWeights(node: RecurrentNode, e: Emitter, saved: Saved): void {
  const { label, attributes } = node;
  const { B, H, cell } = saved.r;
  const { I } = attributes;
  const { x, wih, bih } = inputsOf(node);
  const G = cell.gates.length;
  const W = workSlots(saved.r);
  const xGradient = x.dtype === "f32" && e.needsGradient(x) ? e.gradientInto(x) : undefined;
  const into = gradientViews(e, wih, bih);
  if (x.dtype === "i32" && into && !into.accumulate) {
    e.emit({ type: "clear", label: `${label} W gradient`, to: into.weight });
    if (into.bias) e.emit({ type: "clear", label: `${label} W gradient`, to: into.bias });
  }
  for (const { held, rows, stride, more } of partsOf(saved)) {
    const { first, count, view, start } = held;
    if (into && x.dtype === "i32") tokenGradient(node, e, saved.r, held, rows, into);
    else if (into) {
      weightGradient(e, {
        ...{ label: `${label} W gradient`, weight: wih, bias: bih, into, firstBatch: first, more },
        batches: { weight: G * H * I, bias: G * H },
        size: { M: G * H, N: I, K: rows, batches: count },
        a: { view, row: 1, column: stride, batch: W * H },
        b: { view: part(e.view(x), start * B * I, rows * I), row: I, column: 1 },
      });
    }
    if (xGradient) {
      e.emit(
        product(e.target, {
          label: `${label} input gradient`,
          size: { M: rows, N: I, K: count * G * H },
          a: {
            ...{ view, row: stride, column: 1 },
            ...(W > G && count > 1 && { columnGap: { from: G * H, shift: (W - G) * H } }),
          },
          b: { view: part(e.view(wih), first * G * H * I, count * G * H * I), row: I, column: 1 },
          c: { view: part(xGradient.view, start * B * I, rows * I), row: I },
          // With parts, the second direction adds to what the first one put there.
          accumulate: xGradient.accumulate || (count === 1 && first === 1),
        }),
      );
    }
  }
}

/** Gradients by W and b_ih where x are tokens; they were cleared before, or hold other contributions. */
function tokenGradient(
  node: RecurrentNode,
  e: Emitter,
  r: Recurrence,
  { view, first, count, start }: WorkPart,
  N: number,
  into: GradientViews,
): void {
  const { x } = inputsOf(node);
  const { H, cell, B } = r;
  const V = node.attributes.I;
  const M = cell.gates.length * H;
  const W = workSlots(r);
  const label = `${node.label} W gradient`;
  const tokens = part(e.view(x), start * B, N);
  const gradient = part(into.weight, first * M * V, count * M * V);
  const columns = { N, D: count, M, V, row: count * W * H, batch: W * H };
  e.emit(scatterColumns(e.target, label, columns, { tokens, outputGradient: view, gradient }));
  if (!into.bias) return;
  const sums = { N, D: count, C: M, row: columns.row, batch: columns.batch, accumulate: true };
  e.emit(sumColumns(e.target, label, sums, { a: view, to: part(into.bias, first * M, count * M) }));
}

/** Gradients by R and b_hh: what each gate's product read, times the gradient by the product. */
function recurrentWeights(node: RecurrentNode, e: Emitter, saved: Saved): void {
  const { whh, bhh } = inputsOf(node);
  if (!whh) return;
  const { r, states } = saved;
  const { B, D, H, P, cell, heads } = r;
  const G = cell.gates.length;
  const apart = cell.apart.length;
  const W = workSlots(r);
  const into = gradientViews(e, whh, bhh);
  if (!into) return;
  const { heardAt, innerAt } = stateLayout(r);
  const last = cell.inner?.gates ?? 0;
  const K = P / heads;
  const label = `${node.label} R gradient`;
  for (const { held, rows, stride, more } of partsOf(saved)) {
    const { first, count, view, start } = held;
    // What R read lies in the slot before a time for most gates, in the inner vector of the time itself for the last ones.
    const slotBefore = (d: number) => start + (runsBackwards(r, d) ? 2 : 0);
    const size = B * D * P;
    const heard = {
      view: part(states, (r.recurrentDropout > 0 ? heardAt : 0) + slotBefore(first) * size + first * P, rows * D * P),
      ...{ row: D * P, column: 1, batch: count === 2 ? (slotBefore(1) - slotBefore(0)) * size + P : 0 },
    };
    const innerFrom = innerAt + (start + 1) * B * D * H + first * H;
    const inner = { view: part(states, innerFrom, rows * D * H), row: D * H, column: 1, batch: H };
    /** The gradients of `gates` gates from `from` on, that read from `b`. */
    const gradients = (from: number, gates: number, b: typeof heard) => {
      const at = (d: number, gate: number) => ({
        weight: part(into.weight, (d * G + gate) * H * K, H * K),
        bias: into.bias && part(into.bias, (d * G + gate) * H, H),
        accumulate: into.accumulate,
      });
      const common = { label, weight: whh, bias: bhh, more };
      if (heads === 1) {
        weightGradient(e, {
          ...{ ...common, into: at(first, from), batches: { weight: G * H * K, bias: G * H } },
          size: { M: gates * H, N: K, K: rows, batches: count },
          a: {
            ...{ view: part(view, from * H, view.length - from * H), row: 1, column: stride, batch: W * H },
            ...(apart > 0 && { rowGap: { from: (G - apart) * H, shift: apart * H } }),
          },
          b,
        });
        return;
      }
      // Blocks are batches; gates and directions, whose strides are others, come one by one.
      const units = H / heads;
      for (let d = first; d < first + count; d++) {
        for (let gate = from; gate < from + gates; gate++) {
          const slot = (d - first) * W + gate + (gate >= G - apart ? apart : 0);
          weightGradient(e, {
            ...{ ...common, into: at(d, gate), batches: { weight: units * K, bias: units } },
            size: { M: units, N: K, K: rows, batches: heads },
            a: { view: part(view, slot * H, view.length - slot * H), row: 1, column: stride, batch: units },
            b: { ...b, view: part(b.view, (d - first) * b.batch, b.view.length), batch: K },
          });
        }
      }
    };
    gradients(0, G - last, heard);
    if (last > 0) gradients(G - last, last, inner);
  }
}

/** Gradients by the cell's learned vectors. */
function ownVectors(node: RecurrentNode, e: Emitter, saved: Saved): void {
  const { learned } = inputsOf(node);
  if (!learned || !e.needsGradient(learned)) return;
  const { r } = saved;
  const { H, cell } = r;
  const W = workSlots(r);
  const C = cell.learned.length * H;
  const from = (cell.gates.length + cell.apart.length) * H;
  const { view: to, accumulate } = e.gradientInto(learned);
  for (const { held, rows, stride, more } of partsOf(saved)) {
    const sums = { N: rows, D: held.count, C, row: stride, batch: W * H, accumulate: accumulate || more };
    const views = { a: part(held.view, from, held.view.length - from), to: part(to, held.first * C, held.count * C) };
    e.emit(sumColumns(e.target, `${node.label} own gradient`, sums, views));
  }
}

/** Gradient by the projection W_hr. */
function projectionWeights(node: RecurrentNode, e: Emitter, saved: Saved): void {
  const { whr } = inputsOf(node);
  if (!whr) return;
  const into = gradientViews(e, whr, undefined);
  if (!into) return;
  const { r, states } = saved;
  const { B, D, H, P } = r;
  const W = workSlots(r);
  const { innerAt } = stateLayout(r);
  for (const { held, rows, stride, more } of partsOf(saved)) {
    const { first, count, view, start } = held;
    const at = innerAt + (start + 1) * B * D * H + first * H;
    weightGradient(e, {
      ...{ label: `${node.label} W_hr gradient`, weight: whr, bias: undefined, into, firstBatch: first, more },
      batches: { weight: P * H, bias: 0 },
      size: { M: P, N: H, K: rows, batches: count },
      a: { view: part(view, (W - 1) * H, view.length - (W - 1) * H), row: 1, column: stride, batch: W * H },
      b: { view: part(states, at, rows * D * H), row: D * H, column: 1, batch: H },
    });
  }
}
