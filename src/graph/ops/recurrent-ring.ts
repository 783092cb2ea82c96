import { gateSlots, hLayout, type Recurrence, type Ring, stateLayout } from "../../kernels/recurrence.ts";
import type { View } from "../../plan/plan.ts";
import { bytesOf } from "../../tensor-data.ts";
import { type Emitter, part } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";
import { joinedBy, originOf } from "./layout.ts";
import { inputsOf, type RecurrentNode } from "./recurrent-node.ts";

/** Where a layer's states lie, in a ring that a session or a generation goes round. */
interface RingMemory {
  readonly ring: Ring;
  readonly h: View;
  readonly states: View;
}

/** Applications of one layer, each of which goes on from the state that the one before it returned. */
interface Chain {
  readonly nodes: readonly RecurrentNode[];
  /** The carried states that the first one begins with, and the last one's final states become: h, then the cell states. */
  readonly states: readonly Tensor[];
}

/** The chains of a plan by their nodes; of each plan worked out once. */
const chains = new WeakMap<Emitter, ReadonlyMap<Node, Chain>>();

/**
 * The ring of a layer that is part of a plan whose states lie in rings. N times are N slots, and the first one reads what the
 * last one of the replay before it wrote. Of one time there are two slots, and two plans take turns.
 */
export function ringOf(node: RecurrentNode, e: Emitter, r: Recurrence): RingMemory | undefined {
  if (e.ring === undefined) return undefined;
  const known = chains.get(e) ?? chainsOf(e);
  chains.set(e, known);
  const chain = known.get(node);
  if (!chain) return undefined;
  const N = chain.nodes.length * r.T;
  const at = chain.nodes.indexOf(node) * r.T;
  const slots = Math.max(2, N);
  const ring: Ring =
    N === 1 ? { slots, first: e.ring, before: 1 - e.ring } : { slots, first: at, before: (at + N - 1) % N };
  const all: Recurrence = { ...r, ring };
  const shape = { direction: 0, directions: 1, times: r.T };
  const [hLength, statesLength] = [hLayout(all).length, Math.max(1, stateLayout(all, shape).length)];
  const gatesLength = r.T * r.B * gateSlots(r) * r.H;
  // What is cut in time goes through several buffers.
  if (Math.max(hLength, statesLength, gatesLength) * bytesOf("f32") > e.target.maxBufferSize) return undefined;
  const [first, ...cellStates] = chain.states;
  const { source } = first!;
  const name = source?.kind === "state" ? source.name : "";
  const h = e.state(`ring of ${name}`, hLength);
  const states = e.state(`ring of ${name}, cell states`, statesLength);
  if (at === 0) {
    const last = N === 1 ? e.ring : N - 1;
    const hSlot = (slot: number) => part(h, slot * first!.size, first!.size);
    e.keepIn(first!, hSlot(ring.before), hSlot(last));
    const { slot: length } = stateLayout(all, shape);
    cellStates.forEach((state, i) => {
      const cell = (slot: number) => part(states, slot * length + i * state.size, state.size);
      e.keepIn(state, cell(ring.before), cell(last));
    });
  }
  return { ring, h, states };
}

const isRecurrent = (node: Node | undefined): node is RecurrentNode => node?.op.name === "recurrent";

/** The parts of a layer's initial states, h first; undefined where it has none or runs from the end. */
function initialOf(node: RecurrentNode): readonly Tensor[] | undefined {
  const { h0, cellStates0 } = inputsOf(node);
  const { D, backwards } = node.attributes;
  if (!h0 || D !== 1 || backwards !== 0) return undefined;
  return [h0, ...(cellStates0 ? joinedBy(cellStates0) : [])];
}

/** Whether these are the states that a node returned. */
function areFinalOf(node: RecurrentNode, states: readonly Tensor[]): boolean {
  const [, hn, cellStatesN] = node.outputs as [Tensor, Tensor, Tensor];
  let at = 0;
  return states.every((state, i) => {
    const { root, offset } = originOf(state);
    if (i === 0) return root === hn && offset === 0;
    const expected = at;
    at += state.size;
    return root === cellStatesN && offset === expected;
  });
}

/** The application that a node goes on from: of the same layer, over as many steps. */
function before(node: RecurrentNode): RecurrentNode | undefined {
  const initial = initialOf(node);
  const previous = initial && originOf(initial[0]!).root.node;
  if (!isRecurrent(previous) || !areFinalOf(previous, initial!)) return undefined;
  const weights = (one: RecurrentNode) => one.inputs.slice(1, 7);
  const isSame =
    previous.attributes.T === node.attributes.T && weights(previous).every((weight, i) => weight === weights(node)[i]);
  return isSame ? previous : undefined;
}

function chainsOf(e: Emitter): Map<Node, Chain> {
  const next = new Map<Node, RecurrentNode>();
  const heads: RecurrentNode[] = [];
  for (const node of e.nodes) {
    if (!isRecurrent(node)) continue;
    const previous = before(node);
    if (previous) next.set(previous, node);
    else heads.push(node);
  }
  const found = new Map<Node, Chain>();
  for (const head of heads) {
    const nodes = [head];
    for (let node = next.get(head); node; node = next.get(node)) nodes.push(node);
    const states = initialOf(head)?.map((state) => originOf(state).root);
    const isWhole = states?.every((state, i) => state.size === initialOf(head)![i]!.size);
    if (!states || !isWhole || !states.every(({ source }) => source?.kind === "state")) continue;
    const becomes = states.map((state) => e.carriedFrom(state));
    const isCarried = becomes.every((tensor) => tensor !== undefined) && areFinalOf(nodes.at(-1)!, becomes as Tensor[]);
    if (isCarried && states.every((state) => isReadBy(e, state, head)))
      for (const node of nodes) found.set(node, { nodes, states });
  }
  return found;
}

/** Whether a state is read by one node only, be it under another shape: its slot is overwritten in the same replay. */
function isReadBy(e: Emitter, state: Tensor, reader: Node): boolean {
  if (e.ends.some((end) => originOf(end).root === state)) return false;
  return e.nodes.every((node) => {
    const reads = node.inputs.some((input) => input && originOf(input).root === state);
    return (
      !reads || node === reader || node.outputs.some((output) => originOf(output).root === state) || joins(node, reader)
    );
  });
}

/** Whether a node only joins what a reader takes apart again. */
const joins = (node: Node, reader: Node): boolean =>
  reader.inputs.some((input) => input !== undefined && input === node.outputs[0] && joinedBy(input).length > 1);
