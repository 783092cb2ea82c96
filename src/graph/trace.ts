import { ShapeError } from "../errors.ts";
import { stateTensor, Tensor } from "./tensor.ts";

/** Tensors in nested plain objects and arrays, by path: `{ h, c }` gives "h" and "c". */
export function leavesOf(tree: unknown, path = ""): Map<string, Tensor> {
  if (tree instanceof Tensor) return new Map([[path, tree]]);
  const leaves = new Map<string, Tensor>();
  if (tree === null || typeof tree !== "object") return leaves;
  for (const [name, value] of Object.entries(tree)) {
    for (const leaf of leavesOf(value, path ? `${path}.${name}` : name)) leaves.set(...leaf);
  }
  return leaves;
}

/** The same tree with every tensor replaced. */
export function mapTree(tree: unknown, replace: (tensor: Tensor, path: string) => Tensor, path = ""): unknown {
  if (tree instanceof Tensor) return replace(tree, path);
  if (tree === null || typeof tree !== "object") return tree;
  const at = (name: string) => (path ? `${path}.${name}` : name);
  if (Array.isArray(tree)) return tree.map((value, i) => mapTree(value, replace, at(String(i))));
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, mapTree(value, replace, at(name))]));
}

/** What the runtime asks of a model that it trains or generates from. */
export interface SequenceModel {
  forward(x: never, state?: never): { readonly logits: Tensor; readonly state?: unknown };
}

/** One application of a sequence model whose state is carried from replay to replay. */
export interface Stateful {
  readonly logits: Tensor;
  /** The states before and after, by path; empty when the model has none or it is not carried. */
  readonly states: readonly { readonly path: string; readonly from: Tensor; readonly to: Tensor }[];
}

/** Calls a model's forward and checks what comes back. @throws ShapeError when it is not `{ logits, state? }` */
export function callModel(model: SequenceModel, x: Tensor, state: unknown): { logits: Tensor; state: unknown } {
  const result = (model.forward as unknown as (x: Tensor, state?: unknown) => { logits?: unknown; state?: unknown })(
    x,
    state,
  );
  if (!(result?.logits instanceof Tensor)) {
    throw new ShapeError(
      `${model.constructor.name}.forward returned no logits; expected { logits, state } with logits a symbolic tensor [T,B,V]`,
    );
  }
  return { logits: result.logits, state: result.state };
}

/** Name of the buffer that holds a carried state. */
export const carryName = (path: string): string => `carry.${path}`;

/**
 * Traces a model with its state carried: a first trace tells which states there are, a second one starts from them.
 */
export function traceStateful(model: SequenceModel, x: Tensor, carry: boolean): Stateful {
  const first = callModel(model, x, undefined);
  if (!carry || leavesOf(first.state).size === 0) return { logits: first.logits, states: [] };
  const initial = mapTree(first.state, ({ shape, dtype }, path) => stateTensor(carryName(path), shape, dtype));
  const { logits, state } = callModel(model, x, initial);
  const before = leavesOf(initial);
  const states = [...leavesOf(state)].map(([path, from]) => ({ path, from, to: before.get(path)! }));
  return { logits, states };
}
