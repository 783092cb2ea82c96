import { OptionError, ShapeError, shown } from "../errors.ts";
import { withNoise } from "./noise.ts";
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

/** What a model is given: one tensor, or several by name. */
export type ModelInput = Tensor | Readonly<Record<string, Tensor>>;

/** What the runtime asks of a model that it trains or generates from. */
export interface SequenceModel {
  forward(x: never, state?: never): unknown;
}

/** What a model returns, the state apart. */
export type Outputs = Readonly<Record<string, unknown>>;

/** One application of a sequence model whose state is carried from replay to replay. */
export interface Stateful {
  readonly outputs: Outputs;
  /** The states before and after, by path; empty when the model has none or it is not carried. */
  readonly states: readonly { readonly path: string; readonly from: Tensor; readonly to: Tensor }[];
}

function applyModel(model: SequenceModel, x: ModelInput, state: unknown): { outputs: Outputs; state: unknown } {
  const result = (model.forward as (x: ModelInput, state?: unknown) => unknown)(x, state);
  if (result === null || typeof result !== "object" || result instanceof Tensor || result instanceof Promise) {
    const got = result instanceof Tensor ? "a tensor" : shown(result);
    throw new ShapeError(
      `${model.constructor.name}.forward returned ${got}; expected a record of outputs, such as { logits, state }`,
    );
  }
  const { state: next, ...outputs } = result as Record<string, unknown>;
  return { outputs, state: next };
}

/** The output that scores the next token, or the classes. @throws ShapeError when there is none */
export function logitsOf(model: SequenceModel, { logits }: Outputs): Tensor {
  if (logits instanceof Tensor) return logits;
  throw new ShapeError(
    `${model.constructor.name}.forward returned no logits; expected { logits, state } with logits a symbolic tensor [T,B,V]; for a loss of other outputs give a function (outputs, target) => loss`,
  );
}

/** Calls a model's forward and checks what comes back. @throws ShapeError when it is not `{ logits, state? }` */
export function callModel(model: SequenceModel, x: Tensor, state: unknown): { logits: Tensor; state: unknown } {
  const { outputs, state: next } = applyModel(model, x, state);
  return { logits: logitsOf(model, outputs), state: next };
}

const starts = new WeakMap<Tensor, Tensor>();

/** Says what a state that a module returns begins with, where that is not zero: a learned initial state. */
export const startsFrom = (state: Tensor, start: Tensor): void => void starts.set(state, start);

/** What a state that a model returns begins with; undefined: zeros. */
export const startOf = (state: Tensor): Tensor | undefined => starts.get(state);

const reversed = new WeakSet<Tensor>();

/** Says that a state that a module returns was reached from the end: nothing that follows the sequence goes on from it. */
export const reachedFromEnd = (state: Tensor): void => void reversed.add(state);

/** Path of a state that was reached from the end of the sequence. */
export const reversedAmong = (states: unknown): string | undefined =>
  [...leavesOf(states)].find(([, state]) => reversed.has(state))?.[0];

/** Name of the buffer that holds a carried state. */
export const carryName = (path: string): string => `carry.${path}`;

/**
 * Traces a model with its state carried: a first trace tells which states there are, a second one starts from them.
 * @param options.seed traces with noise that starts from this i32 `[1]`
 * @throws ShapeError when forward returns no record, OptionError when a state that is to be carried begins with learned values
 * or is that of a direction which runs from the end
 */
export function traceStateful(
  model: SequenceModel,
  x: ModelInput,
  { carry, seed }: { readonly carry: boolean; readonly seed?: Tensor },
): Stateful {
  // Either trace alone is one use of every module, so that the noise does not depend on whether a state is carried.
  const trace = (state: unknown) => {
    const call = () => applyModel(model, x, state);
    return seed ? withNoise(seed, call) : call();
  };
  const first = trace(undefined);
  if (!carry || leavesOf(first.state).size === 0) return { outputs: first.outputs, states: [] };
  const learned = [...leavesOf(first.state)].find(([, state]) => startOf(state));
  if (learned) {
    throw new OptionError(
      `the state ${learned[0]} begins with learned values, and a state that goes on from batch to batch begins with zeros; set carryState: false`,
    );
  }
  const backwards = reversedAmong(first.state);
  if (backwards !== undefined) {
    throw new OptionError(
      `the state ${backwards} is of a layer that runs from the end (bidirectional or goBackwards), and the next batch does not go on from there; set carryState: false`,
    );
  }
  const initial = mapTree(first.state, ({ shape, dtype }, path) => stateTensor(carryName(path), shape, dtype));
  const { outputs, state } = trace(initial);
  const before = leavesOf(initial);
  const states = [...leavesOf(state)].map(([path, from]) => ({ path, from, to: before.get(path)! }));
  return { outputs, states };
}
