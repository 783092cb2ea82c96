import { gateSlots, hLayout } from "../../kernels/recurrence.ts";
import { stepBackward } from "../../kernels/recurrent-gradient-dispatch.ts";
import { recurrentStackBackward } from "../../kernels/recurrent-stack.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { learnedVectors } from "./recurrent-commands.ts";
import { type FromChunk, inputsOf, type RecurrentNode, type Rows, type Saved } from "./recurrent-node.ts";
import { layerOf, learnedOf, packMatrices, rest, type Stack, stackOf } from "./recurrent-stack.ts";

/** What a layer by itself has for the gradients by its weights. */
export interface GradientTools {
  /** `below`: what the layer read where that is no tensor; no gradient is given to it then. */
  inputAndWeights(node: RecurrentNode, e: Emitter, saved: Saved, below?: Rows): FromChunk;
  recurrentWeights(node: RecurrentNode, e: Emitter, saved: Saved): FromChunk | undefined;
}

/** The gradients of a stack's layers, when the first of them is asked for its own: all that is read comes after the last layer. */
export function stackGradients(node: RecurrentNode, e: Emitter, tools: GradientTools): void {
  const stack = stackOf(node, e)!;
  if (stack.isBack) return;
  stack.isBack = true;
  backward(stack, e, tools);
}

function backward(stack: Stack, e: Emitter, tools: GradientTools): void {
  const { nodes, T, label } = stack;
  const { r, h, chunk } = stack.made!;
  const { B, D: L, H, P, cell } = r;
  const S = cell.states.length;
  const [y] = nodes.at(-1)!.outputs as [Tensor];

  const weight = packMatrices(e, stack, "rows");
  const carry = e.scratch(`${label} carry`, L * B * P + (S - 1) * L * B * H);
  e.emit({ type: "clear", label: `${label} final gradient`, to: carry });
  /** Where a layer's h lies in the carry, and cell state s of it. */
  const carryOf = (l: number) => part(carry, l * B * P, B * P);
  const cellCarry = (l: number, s: number) => part(carry, L * B * P + (s * L + l) * B * H, B * H);
  nodes.forEach(({ outputs }, l) => {
    const [, finalH, finalCells] = outputs.map((output) => e.gradient(output));
    const put = (from: View, to: View) =>
      e.emit({ type: "copy", label: `${label} final gradient`, from: { ...from, length: to.length }, to });
    if (finalH) put(finalH, carryOf(l));
    for (let s = 0; finalCells && s < S - 1; s++) put(part(finalCells, s * B * H, B * H), cellCarry(l, s));
  });

  const views = { h, weight, learned: learnedOf(e, stack), outputGradient: e.gradient(y), carry };
  const step = (t: number, finish: boolean) => {
    const title = finish ? "finish" : `back ${t}`;
    const call = {
      ...views,
      label: `${label} ${title}`,
      t,
      stepCount: 1,
      chunk,
      finish,
      hasProduct: true,
      hasCarry: true,
    };
    e.emit(stepBackward(e.target, r, { ...call, kernel: recurrentStackBackward, T }));
  };
  for (let t = r.T - 1; t >= 0; t--) step(t, false);
  const wantsInitial = (node: RecurrentNode) => {
    const { h0, cellStates0 } = inputsOf(node);
    return e.needsGradient(h0) || e.needsGradient(cellStates0);
  };
  if (nodes.some(wantsInitial)) step(0, true);

  nodes.forEach((node, l) => {
    weightsOf(stack, e, node, l, tools);
    const { h0, cellStates0 } = inputsOf(node);
    if (e.needsGradient(h0)) e.contribute(h0, carryOf(l));
    if (!e.needsGradient(cellStates0)) return;
    const all = e.scratch(`${node.label} initial gradient`, (S - 1) * B * H);
    for (let s = 0; s < S - 1; s++)
      e.emit({
        type: "copy",
        label: `${node.label} initial gradient`,
        from: cellCarry(l, s),
        to: part(all, s * B * H, B * H),
      });
    e.contribute(cellStates0, all);
  });
}

/** The gradients by a layer's weights, and by the input of the first layer: those of a layer whose rows lie further apart. */
function weightsOf(stack: Stack, e: Emitter, node: RecurrentNode, l: number, tools: GradientTools): void {
  const { T } = stack;
  const { r, h, chunk } = stack.made!;
  const { B, D: L, H, P } = r;
  const W = gateSlots(r);
  const saved: Saved = { r, h: layerOf(stack, l).h(h, l), chunks: [] };
  const below: Rows | undefined =
    l > 0 ? { view: layerOf(stack, l - 1).h(h, hLayout(r).first + l - 1), row: L * P, column: 1, batch: 0 } : undefined;
  const gates = rest(chunk.gates, (l * B * L + l) * W * H);
  const rows = {
    chunk: { ...chunk, directions: 1, times: T, gates },
    rows: T * B,
    stride: L * W * H,
    more: false,
  };
  for (const give of [
    tools.inputAndWeights(node, e, saved, below),
    tools.recurrentWeights(node, e, saved),
    learnedVectors(node, e, r),
  ])
    give?.(rows);
}
