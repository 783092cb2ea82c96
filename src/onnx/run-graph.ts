// How a graph runs: node by node while it is traced. What is known then is computed on the host, the rest becomes tensors.
import { FileFormatError, LimitError, ShapeError, shown, WebGpuRnnError } from "../errors.ts";
import { Call, type Prepared } from "./operator.ts";
import type { Graph, GraphNode } from "./read-graph.ts";
import { checkShape, isHost, MOST_ON_DEVICE, spend, type Value } from "./values.ts";

/** What is known of a graph and those in it before any trace. */
export interface Known {
  readonly opset: number;
  /** Values of a graph that were computed when the model was made, and weights that are tensors. */
  readonly values: ReadonlyMap<Graph, ReadonlyMap<string, Value>>;
  readonly prepared: ReadonlyMap<GraphNode, Prepared>;
}

/** Values by name, of a graph and of those around it. */
export interface Scope {
  readonly values: Map<string, Value>;
  readonly known: ReadonlyMap<string, Value>;
  readonly outer: Scope | undefined;
}

export function find(scope: Scope | undefined, name: string): Value | undefined {
  for (let at = scope; at; at = at.outer) {
    const value = at.values.get(name) ?? at.known.get(name);
    if (value) return value;
  }
  return undefined;
}

const none: Prepared = { weights: [] };

/** Runs one node. @throws an error of this library that names the node */
export function runNode(known: Known, node: GraphNode, scope: Scope): readonly Value[] {
  const { known: weights, prepare } = node.operator;
  const inputs = node.inputs.map((name, at) => {
    // Layers have taken their weights.
    if (name === "" || (prepare && weights?.includes(at))) return undefined;
    const value = find(scope, name);
    if (!value) throw new ShapeError(`${node.title}: its input ${shown(name)} was not computed`);
    return value;
  });
  const run = (graph: Graph, given: readonly Value[]) => runGraph(known, graph, given, scope);
  const call = new Call(node, known.opset, inputs, known.prepared.get(node) ?? none, run);
  return within(node, () => {
    spend("nodes", 1);
    for (const value of inputs) if (value && isHost(value)) spend("reads", value.data.length);
    const onHost = node.operator.host && inputs.every((value) => !value || isHost(value));
    const results = onHost ? node.operator.host!(call) : node.operator.device(call);
    for (const value of results) checkShape(value.shape, MOST_ON_DEVICE);
    return results;
  });
}

/** Names the node in what goes wrong there. */
export function within<R>(node: GraphNode, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof FileFormatError) throw error;
    const message = `${node.title}: ${(error as Error).message}`;
    if (error instanceof LimitError) throw new LimitError(message);
    // What no check foresaw, such as an array that is too long: inputs and attributes that no exporter writes.
    if (!(error instanceof WebGpuRnnError)) throw new FileFormatError(message, { cause: error });
    throw new ShapeError(message);
  }
}

/** Runs a graph on its inputs. @throws an error of this library that names the node at which something is wrong */
export function runGraph(known: Known, graph: Graph, inputs: readonly Value[], outer: Scope | undefined): Value[] {
  // Of a loop without nodes, too.
  spend("nodes", 1);
  if (inputs.length !== graph.inputs.length)
    throw new ShapeError(`a graph takes ${graph.inputs.length} inputs, and gets ${inputs.length}`);
  const given = graph.inputs.map(({ name }, i) => [name, inputs[i]!] as const);
  const scope: Scope = { values: new Map(given), known: known.values.get(graph) ?? new Map(), outer };
  for (const node of graph.nodes) {
    const results = runNode(known, node, scope);
    node.outputs.forEach((name, i) => {
      const value = results[i];
      if (name !== "" && value) scope.values.set(name, value);
    });
  }
  return graph.outputs.map(({ name }) => {
    const value = find(scope, name);
    if (!value) throw new ShapeError(`the output ${shown(name)} was not computed`);
    return value;
  });
}
