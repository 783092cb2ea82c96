import { type FullCell, savedNames } from "../../cells/cell.ts";
import { WebGpuRnnError } from "../../errors.ts";
import type { Composed } from "../../kernels/compose.ts";
import { composeChecks } from "../../kernels/compose-checks.ts";
import { composeKernel, defineKernel, ownFile } from "../../kernels/kernel.ts";
import { emit, type Store, type Stream } from "./emit.ts";
import { Graph, type GraphNode, plain } from "./graph.ts";
import { type Aggregate, Inliner, type Value } from "./inline.ts";
import { parse, Unknown } from "./parse.ts";

// The pointwise part of a recurrent step as a WebAssembly module, made of a cell's WGSL. The parts are those of the kernels
// recurrent-forward, recurrent-backward and recurrent-intermediate-backward behind their products.

/** `intermediate` is the first of the two products of a step, `intermediateBackward` what follows from the vector's gradient. */
export type CellPart = "forward" | "intermediate" | "backward" | "intermediateBackward";

export interface CellVariant {
  readonly part: CellPart;
  readonly direction: 0 | 1;
  /** Forward: whether what backward needs is written. */
  readonly save: boolean;
  readonly hasBias: boolean;
}

/** A module that imports `env.memory` and exports `run`, or what of the WGSL the compiler does not know, and its line. */
export type CompiledCell =
  | { readonly code: Uint8Array<ArrayBuffer>; readonly scratchBytes: (H: number) => number }
  | { readonly refused: string };

/** What is wrong is said in words; that nothing uses the fragment is no fault here. */
const checks = { ...composeChecks, checkUsed: () => {} };

/** The cell's WGSL and no kernel around it. */
const alone = defineKernel({
  shader: { file: "cell.wgsl", source: "// #include CELL", includes: [] },
  bindings: [],
  params: [],
  runsCell: true,
  variants: [],
});

const ACTIVATIONS = "lib/activations.wgsl";

/** The parameters of `run`, in order, and what is read and written where they point. */
class Memory {
  /** Rows and H come first. */
  #count = 2;
  readonly strides: (readonly [number, number])[] = [];
  readonly streams: Stream[] = [];
  readonly stores: Store[] = [];
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  get paramCount(): number {
    return this.#count;
  }

  /** An address that is the same for all rows. */
  fixed(): number {
    return this.#count++;
  }

  /** An address, and how far it is from row to row. */
  rows(): number {
    const [param, stride] = [this.#count++, this.#count++];
    this.strides.push([param, stride]);
    return param;
  }

  load(param: number, slot = 0, isPadded = false): GraphNode {
    const found = this.streams.findIndex((one) => one.param === param && one.slot === slot);
    if (found >= 0) return this.#graph.load(found);
    return this.#graph.load(this.streams.push({ param, slot, isPadded }) - 1);
  }

  store(param: number, slot: number, value: GraphNode): void {
    this.stores.push({ to: { param, slot, isPadded: false }, value: plain(value) });
  }
}

/**
 * Compiles a part of a cell's step for one direction. The parameters of `run` are i32, addresses and strides in bytes, H
 * units in a vector (in `product` rounded up to a multiple of four): `rows, H`, then
 * - forward: `gates, gatesRow, product, productRow, bias, learned, scratch`, `prev, prevRow` of each state, `next, nextRow` of
 *   each state
 * - intermediate: the same up to `prev`, then `out, outRow`
 * - backward: `gates, gatesRow, learned, scratch`, `prev, prevRow`, `grad, gradRow` and `through, throughRow` of each state
 * - intermediateBackward: the same with one `grad, gradRow`; to `through` is added
 *
 * Reads up to 12 bytes behind a vector, and writes nothing there. A state may be read and written at the same address.
 */
export function compileCell(cell: FullCell, variant: CellVariant): CompiledCell {
  let composed: Composed | undefined;
  try {
    const constants = { INTERMEDIATE: variant.part === "intermediate" };
    composed = composeKernel(alone, { cell: cell.name, constants }, checks);
    return compiled(cell, variant, composed);
  } catch (reason) {
    if (reason instanceof WebGpuRnnError) return { refused: reason.message };
    if (!(reason instanceof Unknown) || !composed) throw reason;
    if (reason.line === 0) return { refused: reason.message };
    const { file, line } = composed.origin(reason.line);
    return { refused: `${file === ownFile(cell) ? "" : `${file} `}line ${line}: ${reason.message}` };
  }
}

function compiled(cell: FullCell, { part, direction, save, hasBias }: CellVariant, composed: Composed): CompiledCell {
  const graph = new Graph();
  const inliner = new Inliner(parse(composed.code), graph, {
    direction,
    acrossUnits: cell.acrossUnits,
    isActivation: (line) => composed.origin(line).file === ACTIVATIONS,
  });
  const memory = new Memory(graph);
  const { gates: gateNames, states } = cell;
  const last = cell.intermediate?.gates ?? 0;
  const saved = savedNames(cell);
  const isForward = part === "forward" || part === "intermediate";

  /** A struct of vectors that follow each other, of which an option may have left some out. */
  const vectors = (type: string, names: readonly string[], load: (index: number) => GraphNode): Aggregate =>
    inliner.struct(type, (name) => (names.includes(name) ? load(names.indexOf(name)) : graph.absent));
  const ofStates = (): number[] => states.map(() => memory.rows());
  const stateFrom = (addresses: readonly number[]) => vectors("State", states, (s) => memory.load(addresses[s]!));
  const single = (value: Value): GraphNode => {
    if (!("op" in value) || value.lane !== "f32") throw new Unknown(0, "a result that is no Real");
    return value;
  };
  const member = (value: Value, name: string): Value => {
    const found = "op" in value ? undefined : value.members.get(name);
    if (!found) throw new Unknown(0, `a result without ${name}`);
    return found;
  };

  const gates = memory.rows();
  const [product, bias] = isForward ? [memory.rows(), memory.fixed()] : [0, 0];
  const learnedAt = memory.fixed();
  const scratch = memory.fixed();
  const prev = stateFrom(ofStates());
  const learned = vectors(
    "Learned",
    cell.learned.map(({ name }) => name),
    (n) => memory.load(learnedAt, n),
  );
  const slots = () => vectors("Saved", saved, (w) => memory.load(gates, w));
  const x = (g: number) => memory.load(gates, g);
  /** R's product and bias, of the gates whose product this part is about. */
  const r = (g: number): GraphNode => {
    const isFirst = g < gateNames.length - last;
    const isMade = part === "intermediate" ? isFirst : cell.recurrent && (last === 0 || !isFirst);
    if (!isMade) return graph.absent;
    return hasBias ? graph.add(memory.load(product, g, true), memory.load(bias, g)) : memory.load(product, g, true);
  };
  const call = (name: string, ...args: Value[]) => inliner.call(name, args);
  const storeAll = (addresses: readonly number[], state: Value, add?: Aggregate) => {
    for (const [s, name] of states.entries()) {
      const value = single(member(state, name));
      memory.store(addresses[s]!, 0, add ? graph.add(single(member(add, name)), value) : value);
    }
  };

  if (part === "forward") {
    const next = ofStates();
    const made = call("cellForward", vectors("Gates", gateNames, x), vectors("Gates", gateNames, r), prev, learned);
    storeAll(next, member(made, "state"));
    const kept = member(made, "saved");
    if (save) for (const [w, name] of saved.entries()) memory.store(gates, w, single(member(kept, name)));
  } else if (part === "intermediate") {
    const out = memory.rows();
    const sums = gateNames.map((_, g) => graph.add(x(g), r(g)));
    for (let g = 0; g < gateNames.length - last; g++) memory.store(gates, g, sums[g]!);
    const made = call(
      "cellIntermediate",
      vectors("Gates", gateNames, (g) => sums[g]!),
      prev,
      learned,
    );
    memory.store(out, 0, single(made));
  } else if (part === "backward") {
    const grad = stateFrom(ofStates());
    const through = ofStates();
    const made = call("cellBackward", slots(), prev, grad, learned);
    const grads = member(made, "grads");
    for (const [w, name] of saved.entries()) memory.store(gates, w, single(member(grads, name)));
    storeAll(through, member(made, "state"));
  } else {
    const grad = memory.load(memory.rows());
    const through = ofStates();
    const made = call("cellIntermediateBackward", slots(), prev, grad, learned);
    const grads = member(made, "grads");
    for (const [w, name] of saved.entries()) {
      // The gradients of the gates that the vector went into are complete.
      if (w < gateNames.length - last || w >= gateNames.length) memory.store(gates, w, single(member(grads, name)));
    }
    storeAll(through, member(made, "state"), stateFrom(through));
  }
  const { paramCount, strides, streams, stores } = memory;
  const { code, spills } = emit({ paramCount, strides, streams, stores, scratch });
  return { code, scratchBytes: (H) => spills * Math.ceil(H / 4) * 16 };
}
