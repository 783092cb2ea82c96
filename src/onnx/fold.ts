// What is computed once, when a model is made: everything that no input goes into. Weights that reach a node that runs later
// become parameters; recurrent layers and folded normalisations take theirs.
import { FileFormatError, shown, WebGpuRnnError } from "../errors.ts";
import { type Module, Parameter } from "../index.ts";
import { Call, type Prepared } from "./operator.ts";
import type { Graph, GraphNode } from "./read-graph.ts";
import { type Known, within } from "./run-graph.ts";
import { deviceOf, type HostValue, isFloat, newBudget, spend, type Value } from "./values.ts";

/** A value that no input goes into. */
interface Static {
  readonly name: string;
  readonly value: HostValue;
  /** It consists of numbers that a model learns: a float initializer with axes, or what was computed from one. */
  readonly isWeight: boolean;
  /** The node that made it. */
  readonly node: GraphNode | undefined;
  /** The initializer whose numbers these are, moved only. */
  readonly root: Static | undefined;
}

interface FoldedGraph {
  readonly graph: Graph;
  readonly statics: Map<string, Static>;
  readonly folded: Set<GraphNode>;
  readonly outer: FoldedGraph | undefined;
}

export interface Folded extends Known {
  /** Parameters, each a part of the same name in the state dict. */
  readonly parameters: readonly Parameter[];
  /** By the names of their nodes. */
  readonly layers: Readonly<Record<string, Module>>;
}

const findStatic = (within: FoldedGraph | undefined, name: string): Static | undefined => {
  for (let at = within; at; at = at.outer) {
    const found = at.statics.get(name);
    if (found) return found;
    // A value of this graph that is computed later hides one of an outer graph.
    if (at.graph.inputs.some((input) => input.name === name)) return undefined;
  }
  return undefined;
};

const graphsOf = (node: GraphNode): Graph[] =>
  [...node.attributes.values()].filter(
    (value): value is Graph => typeof value === "object" && value !== null && "nodes" in value,
  );

const cannotRun = () => {
  throw new Error("no graph is run here");
};

/** Computes what can be computed now. */
function foldGraph(graph: Graph, opset: number, outer: FoldedGraph | undefined, all: FoldedGraph[]): void {
  const own: FoldedGraph = { graph, statics: new Map(), folded: new Set(), outer };
  all.push(own);
  for (const [name, value] of graph.initializers) {
    const isWeight = isFloat(value.type) && value.shape.length > 0;
    own.statics.set(name, { name, value, isWeight, node: undefined, root: undefined });
  }
  for (const node of graph.nodes) {
    for (const inner of graphsOf(node)) foldGraph(inner, opset, own, all);
    foldNode(own, node, opset);
  }
}

function foldNode(own: FoldedGraph, node: GraphNode, opset: number): void {
  const { operator } = node;
  if (!operator.host || operator.prepare) return;
  const inputs = node.inputs.map((name) => (name === "" ? undefined : findStatic(own, name)));
  if (node.inputs.some((name, i) => name !== "" && !inputs[i])) return;
  const call = new Call(
    node,
    opset,
    inputs.map((input) => input?.value),
    { weights: [] },
    cannotRun,
  );
  let results: readonly HostValue[];
  try {
    results = within(node, () => {
      for (const input of inputs) spend("reads", input?.value.data.length ?? 0);
      return operator.host!(call);
    });
  } catch (error) {
    // Told when the node runs, which it may never do.
    if (error instanceof WebGpuRnnError) return;
    throw error;
  }
  const first = inputs[0];
  const isMoved = operator.isLayout && first?.isWeight;
  node.outputs.forEach((name, i) => {
    const value = results[i];
    if (!value) return;
    const isWeight = isFloat(value.type) && inputs.some((input) => input?.isWeight);
    own.statics.set(name, { name, value, isWeight, node, root: isMoved ? (first.root ?? first) : undefined });
  });
  own.folded.add(node);
}

/** What nodes that run later read, of what is known. */
function* readers(
  folded: readonly FoldedGraph[],
): Iterable<{ own: FoldedGraph; node?: GraphNode; at?: number; found: Static }> {
  for (const own of folded) {
    for (const node of own.graph.nodes) {
      if (own.folded.has(node)) continue;
      for (const [at, name] of node.inputs.entries()) {
        const found = findStatic(own, name);
        if (found) yield { own, node, at, found };
      }
    }
    for (const { name } of own.graph.outputs) {
      const found = findStatic(own, name);
      if (found) yield { own, found };
    }
  }
}

/** Which weights become parameters, after nodes that move one weight in several ways were put off: they read one parameter. */
function chooseWeights(folded: readonly FoldedGraph[]): Set<Static> {
  const chosen = () => {
    const wanted = new Set<Static>();
    for (const { node, at, found } of readers(folded))
      if (found.isWeight && !node?.operator.known?.includes(at!)) wanted.add(found);
    return wanted;
  };
  const byRoot = new Map<Static, Set<Static>>();
  for (const weight of chosen()) {
    const root = weight.root ?? weight;
    byRoot.set(root, (byRoot.get(root) ?? new Set()).add(weight));
  }
  const shared = new Set([...byRoot].filter(([, forms]) => forms.size > 1).map(([root]) => root));
  for (const { statics, folded: done } of folded)
    for (const { root, node } of statics.values()) if (root && node && shared.has(root)) done.delete(node);
  // Those that were put off read their weight as it is.
  return new Set([...chosen()].map((weight) => (weight.root && shared.has(weight.root) ? weight.root : weight)));
}

/** Makes names that are there already others: `x`, `x_2`, `x_3`. */
function uniqueNames(): (name: string) => string {
  const taken = new Map<string, number>();
  return (name) => {
    let free = name;
    for (let i = taken.get(name) ?? 1; taken.has(free); i++) {
      taken.set(name, i + 1);
      free = `${name}_${i + 1}`;
    }
    taken.set(free, taken.get(free) ?? 1);
    return free;
  };
}

/** @throws FileFormatError listing the nodes whose weights or attributes cannot be taken */
export function fold(graph: Graph, opset: number, file: string): Folded {
  newBudget();
  const folded: FoldedGraph[] = [];
  foldGraph(graph, opset, undefined, folded);
  const weights = chooseWeights(folded);
  const parameters: Parameter[] = [];
  const nameOfWeight = uniqueNames();
  const nameOfLayer = uniqueNames();
  const parameter = (name: string, { shape, data }: Pick<HostValue, "shape"> & { data: ArrayLike<number> }) => {
    const numbers = data instanceof Float32Array ? data : Float32Array.from(data);
    const made = new Parameter(shape, () => numbers, { parts: [{ name: nameOfWeight(name), shape }] });
    parameters.push(made);
    return made.tensor;
  };
  const tensors = new Map<Static, Value>(
    [...weights].map((weight) => {
      const { name, root, value } = weight;
      return [weight, deviceOf(value.type, parameter(root?.name ?? name, value))];
    }),
  );
  const prepared = new Map<GraphNode, Prepared>();
  const layers: Record<string, Module> = {};
  const faults: string[] = [];
  for (const own of folded)
    for (const node of own.graph.nodes) {
      if (!node.operator.prepare) continue;
      try {
        const { layer, weights: ofNode = [] } = prepare(own, node, opset);
        if (layer) Object.defineProperty(layers, nameOfLayer(node.name), { value: layer, enumerable: true });
        prepared.set(node, { layer, weights: ofNode.map((weight) => parameter(weight.name, weight)) });
      } catch (error) {
        if (!(error instanceof WebGpuRnnError)) throw error;
        faults.push(error.message);
      }
    }
  if (faults.length > 0) throw new FileFormatError(`${file}: has what cannot be imported:\n- ${faults.join("\n- ")}`);
  const values = new Map<Graph, Map<string, Value>>(folded.map((own) => [own.graph, new Map()]));
  for (const { own, node, at, found } of readers(folded)) {
    // Layers have taken their weights.
    if (node?.operator.prepare && node.operator.known?.includes(at!)) continue;
    let home: FoldedGraph | undefined = own;
    while (home && home.statics.get(found.name) !== found) home = home.outer;
    // One that was put off is computed from its parameter.
    if (found.node && !home!.folded.has(found.node)) continue;
    values.get(home!.graph)!.set(found.name, tensors.get(found) ?? found.value);
  }
  for (const { graph: one, folded: done } of folded) {
    one.nodes = one.nodes.filter((node) => !done.has(node));
    one.initializers.clear();
  }
  return { opset, values, prepared, parameters, layers };
}

function prepare(own: FoldedGraph, node: GraphNode, opset: number) {
  return within(node, () => {
    const inputs = node.inputs.map((name) => findStatic(own, name)?.value);
    const missing = node.operator.known?.find((at) => node.inputs[at] && !inputs[at]);
    if (missing !== undefined)
      throw new FileFormatError(
        `${node.title}: its input ${shown(node.inputs[missing])} is computed when the model runs, and must be a weight of the file`,
      );
    for (const at of node.operator.known ?? []) spend("elements", inputs[at]?.data.length ?? 0);
    return node.operator.prepare!(new Call(node, opset, inputs, { weights: [] }, cannotRun));
  });
}
