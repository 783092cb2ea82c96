import { cellNamed } from "../../cells/cell.ts";
import { chooseVariant } from "../../kernels/choose-variant.ts";
import { zeroRows } from "../../kernels/mask.ts";
import { type Chunk, gateSlots, hLayout, type Recurrence, stateLayout } from "../../kernels/recurrence.ts";
import { stepForward, tileOf } from "../../kernels/recurrent-dispatch.ts";
import { canStack, recurrentStackForward } from "../../kernels/recurrent-stack.ts";
import { copyStrided, type Four } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { bytesOf } from "../../tensor-data.ts";
import { type Emitter, part } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";
import { inputsOf, type RecurrentNode } from "./recurrent-node.ts";

// Recurrent layers on top of each other whose steps run together: each layer is a step behind the one below it, so that a dispatch
// has a step of every layer, T + L - 1 in place of T·L (a wavefront: Appleyard et al. 2016, "Optimizing Performance of Recurrent
// Neural Networks on GPUs"). Layers lie where directions lie otherwise, see shaders/lib/stack.wgsl.

/** Layers that go on together, the first one lowest. */
export interface Stack {
  readonly nodes: readonly RecurrentNode[];
  /** What all steps of all layers are: L directions, T + L - 1 times. The mask is known after forward. */
  readonly r: Recurrence;
  /** Times of one layer. */
  readonly T: number;
  readonly label: string;
  /** After forward. */
  made?: { readonly r: Recurrence; readonly h: View; readonly chunk: Chunk };
  /** Whether backward is done. */
  isBack?: true;
}

/** What a layer by itself has for it. */
export interface LayerTools {
  controlOf(e: Emitter, seed: Tensor | undefined, mask: Tensor | undefined): Recurrence["control"];
  inputProduct(e: Emitter, node: RecurrentNode, r: Recurrence, chunk: Chunk, stride: number): void;
}

/** The stacks of a plan by their nodes; of each plan worked out once. */
const stacks = new WeakMap<Emitter, ReadonlyMap<Node, Stack>>();

/** The stack that a node is part of. */
export function stackOf(node: RecurrentNode, e: Emitter): Stack | undefined {
  const known = stacks.get(e) ?? stacksOf(e);
  stacks.set(e, known);
  return known.get(node);
}

function stacksOf(e: Emitter): Map<Node, Stack> {
  const found = new Map<Node, Stack>();
  // R in another format is read by the steps of one layer only.
  if (e.ring !== undefined || e.recompute || e.weightDtype) return found;
  const above = new Map<Node, RecurrentNode>();
  const upper = new Set<Node>();
  for (const node of e.nodes) {
    const below = node.inputs[0]?.node;
    if (!isLayer(node) || !below || !isLayer(below) || !goesOn(e, below, node)) continue;
    above.set(below, node);
    upper.add(node);
  }
  for (const head of above.keys()) {
    if (upper.has(head)) continue;
    const nodes = [head as RecurrentNode];
    for (let node = above.get(head); node; node = above.get(node)) nodes.push(node);
    const stack = stackFrom(e, nodes);
    if (stack && isReadAfter(e, nodes)) for (const node of nodes) found.set(node, stack);
  }
  return found;
}

/** Whether a node is a layer that can lie in a stack. */
function isLayer(node: Node): node is RecurrentNode {
  if (node.op.name !== "recurrent") return false;
  const { seed, whr, whh } = inputsOf(node as RecurrentNode);
  const { cell, D, backwards, options } = (node as RecurrentNode).attributes;
  return (
    !seed &&
    !whr &&
    whh !== undefined &&
    D === 1 &&
    backwards === 0 &&
    options.numHeads === 1 &&
    canStack(cellNamed(cell))
  );
}

/** Whether a layer is the same as the one below it but for its weights, and nobody else reads that one's output. */
function goesOn(e: Emitter, below: RecurrentNode, node: RecurrentNode): boolean {
  const y = node.inputs[0]!;
  const sizes = ({ cell, T, B, H, options }: RecurrentNode["attributes"]) => JSON.stringify([cell, T, B, H, options]);
  const [lower, upper] = [inputsOf(below), inputsOf(node)];
  return (
    y === below.outputs[0] &&
    sizes(below.attributes) === sizes(node.attributes) &&
    lower.mask === upper.mask &&
    !lower.bih === !upper.bih &&
    !e.ends.includes(y) &&
    e.nodes.every(({ inputs }) => inputs.filter((input) => input === y).length === (inputs === node.inputs ? 1 : 0))
  );
}

/** Whether what the layers return is read after the last one only: all of it is there then. */
function isReadAfter(e: Emitter, nodes: readonly RecurrentNode[]): boolean {
  const outputs = new Set(nodes.flatMap((node) => node.outputs));
  const last = e.nodes.indexOf(nodes.at(-1)!);
  return e.nodes
    .slice(0, last)
    .every(
      (node) => nodes.includes(node as RecurrentNode) || !node.inputs.some((input) => input && outputs.has(input)),
    );
}

/** The stack of these layers, where the machine is the faster for it and its memory fits. */
function stackFrom(e: Emitter, nodes: readonly RecurrentNode[]): Stack | undefined {
  const { attributes, label } = nodes[0]!;
  const { T, B, H } = attributes;
  const cell = cellNamed(attributes.cell);
  const L = nodes.length;
  const r: Recurrence = { ...attributes, cell, control: undefined, T: T + L - 1, D: L };
  const { h, gates, states, weights } = lengthsOf(r);
  if (Math.max(h, gates, states, weights) * bytesOf("f32") > e.target.maxBufferSize) return undefined;
  const chosen = chooseVariant(e.target, "recurrent-stack", { layers: L, T, B, words: Math.ceil(H / 4) });
  // Layers that go from step to step by themselves have fewer dispatches.
  if (chosen === "layer by layer" || tileOf(e.target, label, r, { directions: 1 }, 0).steps > 1) return undefined;
  return { nodes, r, T, label: `${label} to ${nodes.at(-1)!.label}` };
}

/** The one chunk of a stack. */
const chunkShape = ({ T, D }: Recurrence) => ({ direction: 0, directions: D, start: 0, times: T });

function lengthsOf(r: Recurrence) {
  const { T, B, D, H, cell } = r;
  return {
    h: hLayout(r).length,
    gates: T * B * D * gateSlots(r) * H,
    states: Math.max(1, stateLayout(r, chunkShape(r)).length),
    weights: (2 * D - 1) * cell.gates.length * H * Math.ceil(H / 4) * 4,
  };
}

/** R of all layers and W of the upper ones, `[2L-1,H,G,⌈H/4⌉·4]` by columns or `[2L-1,G,H,⌈H/4⌉·4]` by rows. */
export function packMatrices(e: Emitter, { nodes, r, label }: Stack, by: "columns" | "rows"): View {
  const { H, cell } = r;
  const G = cell.gates.length;
  const all = [...nodes.map((node) => inputsOf(node).whh!), ...nodes.slice(1).map((node) => inputsOf(node).wih)];
  const [first, ...others] = all as [Tensor, ...Tensor[]];
  const { weights } = lengthsOf(r);
  const size = weights / all.length;
  const axes: { lengths: Four; strides: Four } =
    by === "columns"
      ? { lengths: [1, H, G, H], strides: [0, 1, H * H, H] }
      : { lengths: [1, 1, G * H, H], strides: [0, 0, H, 1] };
  const pack = (from: Tensor, to: View) =>
    copyStrided(e.target, {
      label: `${label} weights by ${by}`,
      from: e.view(from),
      to,
      ...axes,
      padded: Math.ceil(H / 4) * 4,
    });
  const make = (to: View) => all.map((from, i) => pack(from, part(to, i * size, size)));
  return e.derived(first, `of a stack by ${by}`, weights, make, others);
}

/** Tensors of one size side by side. */
function sideBySide(e: Emitter, label: string, tensors: readonly (Tensor | undefined)[]): View | undefined {
  const [first, ...others] = tensors as [Tensor | undefined, ...Tensor[]];
  return (
    first &&
    e.derived(
      first,
      "of a stack",
      tensors.length * first.size,
      (to) =>
        [first, ...others].map((tensor, i) => ({
          type: "copy",
          label,
          from: e.view(tensor),
          to: part(to, i * first.size, first.size),
        })),
      others,
    )
  );
}

/** The learned vectors of all layers. */
export const learnedOf = (e: Emitter, { nodes, label }: Stack): View | undefined =>
  sideBySide(
    e,
    `${label} learned vectors`,
    nodes.map((node) => inputsOf(node).learned),
  );

/**
 * Computes a stack when its last layer's turn has come; before, the others' inputs need not be there.
 * @returns whether the node is part of one
 */
export function stackForward(node: RecurrentNode, e: Emitter, tools: LayerTools): boolean {
  const stack = stackOf(node, e);
  if (stack && node === stack.nodes.at(-1)) forward(stack, e, tools);
  return stack !== undefined;
}

function forward(stack: Stack, e: Emitter, { controlOf, inputProduct }: LayerTools): void {
  const { nodes, T, label } = stack;
  const first = inputsOf(nodes[0]!);
  const r: Recurrence = { ...stack.r, control: controlOf(e, undefined, first.mask) };
  const { D: L, H } = r;
  const save = nodes.some(({ outputs }) => outputs.some((output) => e.needsGradient(output)));
  const lengths = lengthsOf(r);

  const weight = packMatrices(e, stack, "columns");
  const biases = [...nodes.map((node) => inputsOf(node).bhh), ...nodes.slice(1).map((node) => inputsOf(node).bih)];
  const bias = sideBySide(e, `${label} biases`, biases);

  e.expect(r.T);
  const h = e.scratch(`${label} h of all steps`, lengths.h);
  const chunk: Chunk = {
    ...chunkShape(r),
    gates: e.scratch(`${label} gates`, lengths.gates),
    states: e.scratch(`${label} states`, lengths.states),
  };
  inputProduct(e, nodes[0]!, r, { ...chunk, directions: 1, times: T }, L * gateSlots(r) * H);
  putInitial(stack, e, h, chunk);
  const learned = learnedOf(e, stack);
  for (let t = 0; t < r.T; t++) {
    const step = { label: `${label} step ${t}`, t, stepCount: 1, chunk, h, save, intermediate: false };
    const views = { weight, bias, learned, unused: e.view(first.wih) };
    const own = { kernel: recurrentStackForward, T };
    e.emit(stepForward(e.target, r, { ...step, ...views, ...own }));
  }
  stack.made = { r, h, chunk };
  putOut(stack, e, r, h, chunk);
}

/** A view from a place on. */
export const rest = (view: View, at: number): View => part(view, at, view.length - at);

/** Where a layer's rows of h and of the cell states begin in a slot; they are L·P and L·H apart. */
export const layerOf = ({ r }: Stack, l: number) => ({
  h: (h: View, slot: number) => rest(h, slot * r.B * r.D * r.P + l * r.P),
  states: (states: View, slot: number, chunk: Chunk) => rest(states, slot * stateLayout(r, chunk).slot + l * r.H),
});

/** The states before a layer's first step, into slot l of layer l. */
function putInitial(stack: Stack, e: Emitter, h: View, chunk: Chunk): void {
  const { nodes, r, label } = stack;
  const { B, D: L, H, P } = r;
  const S = r.cell.states.length;
  if (nodes.some((node) => !inputsOf(node).h0)) {
    e.emit({ type: "clear", label: `${label} initial state`, to: part(h, 0, L * B * L * P) });
    if (S > 1) {
      const slots = part(chunk.states, 0, L * stateLayout(r, chunk).slot);
      e.emit({ type: "clear", label: `${label} initial state`, to: slots });
    }
  }
  const put = (
    of: (node: RecurrentNode) => Tensor | undefined,
    to: View,
    slot: number,
    states: number,
    units: number,
  ) => {
    const given = nodes.map((node) => of(node)).map((tensor) => tensor && e.view(tensor));
    /** Of `count` layers that lie one after the other, from layer l on. */
    const copy = (from: View, l: number, count: number) =>
      e.emit(
        copyStrided(e.target, {
          label: `${label} initial state`,
          from,
          to: rest(to, l * (slot + units)),
          lengths: [count, states, B, units],
          strides: [states * B * units, B * units, units, 1],
          toStrides: [slot + units, B * L * units, L * units, 1],
        }),
      );
    const [first] = given;
    const size = states * B * units;
    if (first && given.every((view, l) => view?.buffer === first.buffer && view.offset === first.offset + l * size))
      copy({ ...first, length: L * size }, 0, L);
    else for (const [l, view] of given.entries()) if (view) copy(view, l, 1);
  };
  put((node) => inputsOf(node).h0, h, B * L * P, 1, P);
  if (S > 1) put((node) => inputsOf(node).cellStates0, chunk.states, stateLayout(r, chunk).slot, S - 1, H);
}

/** The last layer's output, and the final states of all. */
function putOut(stack: Stack, e: Emitter, r: Recurrence, h: View, chunk: Chunk): void {
  const { nodes, T } = stack;
  const { B, D: L, H, P } = r;
  const { first } = hLayout(r);
  const last = nodes.at(-1)!;
  const [y] = last.outputs as [Tensor];
  const gather = (label: string, from: View, to: View, states: number, rows: number, units: number) =>
    e.emit(
      copyStrided(e.target, {
        label,
        from,
        to,
        lengths: [1, states, rows, units],
        strides: [0, B * L * units, L * units, 1],
      }),
    );
  if (e.isUsed(y)) {
    const label = `${last.label} output`;
    const { mask } = inputsOf(last);
    const zero = mask && r.options.maskedOutput === "zero";
    const to = zero ? e.scratch(label, T * B * P) : e.allocate(y, label);
    gather(label, layerOf(stack, L - 1).h(h, first + L - 1), to, 1, T * B, P);
    if (zero)
      e.emit(zeroRows(e.target, label, { N: T * B, C: P }, { x: to, mask: e.view(mask), y: e.allocate(y, label) }));
  }
  nodes.forEach(({ label, outputs }, l) => {
    const [, hn, cellStatesN] = outputs as [Tensor, Tensor, Tensor];
    const at = layerOf(stack, l);
    const slot = first + T - 1 + l;
    const name = `${label} final state`;
    if (e.isUsed(hn)) gather(name, at.h(h, slot), e.allocate(hn, name), 1, B, P);
    const S = r.cell.states.length;
    if (S > 1 && e.isUsed(cellStatesN))
      gather(name, at.states(chunk.states, slot, chunk), e.allocate(cellStatesN, name), S - 1, B, H);
  });
}
