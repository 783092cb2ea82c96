import { OptionError, ShapeError, shown } from "../errors.ts";
import { type Shape, sameShape, showShape } from "../tensor-data.ts";
import { nodesBefore } from "./dependencies.ts";
import { callWithInputs } from "./named-inputs.ts";
import { withNoise } from "./noise.ts";
import { concat, joinedBy, slice } from "./ops/layout.ts";
import { holdInactive, withActiveSteps } from "./ops/mask.ts";
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

/** What a model returns, without its state. */
export type Outputs = Readonly<Record<string, unknown>>;

/** One application of a sequence model whose state is carried from replay to replay. */
export interface Stateful {
  readonly outputs: Outputs;
  /** The states before and after, by path; empty when the model has none or it is not carried. */
  readonly states: readonly CarriedSpec[];
}

export function applyModel(model: SequenceModel, x: ModelInput, state: unknown): { outputs: Outputs; state: unknown } {
  const call = (given: ModelInput) => (model.forward as (x: ModelInput, state?: unknown) => unknown)(given, state);
  const result = x instanceof Tensor ? call(x) : callWithInputs(`${model.constructor.name}.forward`, x, call);
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

/** Name of the tensor that holds a carried state in a state dict, and of the buffer that holds it or a part of it. */
export const carryName = (path: string, part?: number): string =>
  `carry.${path}${part === undefined ? "" : ` ${part}`}`;

/**
 * What a model's state begins with and becomes, as tensors of a plan. A state that joins those of several layers is carried as
 * these parts, so that nothing is copied together and apart again.
 */
export interface CarriedSpec {
  readonly path: string;
  readonly shape: Shape;
  /** Along the first axis, in order. */
  readonly parts: readonly { readonly name: string; readonly from: Tensor; readonly to: Tensor }[];
}

/** A state to begin with: tensors that stay on the device, by path. */
export const initialState = (like: unknown): unknown =>
  mapTree(like, (leaf, path) => {
    const parts = joinedBy(leaf);
    if (parts.length === 1) return stateTensor(carryName(path), leaf.shape, leaf.dtype);
    return concat(parts.map(({ shape, dtype }, i) => stateTensor(carryName(path, i), shape, dtype)));
  });

/**
 * Pairs the parts of the states before with those after.
 * @param returned all that the model returned for the states before: one that nothing of it reads is refused
 * @throws ShapeError when they are not the same states, OptionError when one that was given is read by nothing
 */
export function carriedStates(who: string, before: unknown, after: unknown, returned: unknown): CarriedSpec[] {
  const [initial, final] = [leavesOf(before), leavesOf(after)];
  const other = [...initial.keys(), ...final.keys()].find((path) => !initial.has(path) || !final.has(path));
  if (other !== undefined)
    throw new ShapeError(
      `${who}: the state ${other} is ${final.has(other) ? "returned but was not before" : "not returned when states are given"}; return the same states at every call`,
    );
  refuseUnread(who, initial, [...leavesOf(returned).values()]);
  return [...initial].map(([path, to]) => {
    const from = final.get(path)!;
    if (!sameShape(from.shape, to.shape) || from.dtype !== to.dtype)
      throw new ShapeError(
        `${who}: the state ${path} is ${from.dtype} ${showShape(from.shape)} after ${to.dtype} ${showShape(to.shape)}; a state that is carried keeps its shape`,
      );
    let at = 0;
    const parts = joinedBy(to).map((part) => {
      const rows = part.shape[0] ?? 1;
      const stretch = part === to ? from : slice(from, at, rows);
      at += rows;
      const { source } = part;
      return { name: source?.kind === "state" ? source.name : carryName(path), from: stretch, to: part };
    });
    return { path, shape: to.shape, parts };
  });
}

/** @throws OptionError for a model that takes a state and returns none: it would begin anew at every call */
export function refuseUnreturned(model: SequenceModel, state: unknown, wayOut: string, who = ""): void {
  if (leavesOf(state).size === 0 && model.forward.length > 1)
    throw new OptionError(
      `${who}${model.constructor.name}: forward takes a state and returns none, so nothing would be carried from call to call; ${wayOut}`,
    );
}

/** A state that is given and never read would seem to be carried while every call begins anew. @throws OptionError */
function refuseUnread(who: string, given: ReadonlyMap<string, Tensor>, ends: readonly Tensor[]): void {
  const read = new Set(ends);
  for (const { inputs } of nodesBefore(ends)) for (const input of inputs) if (input) read.add(input);
  for (const [path, state] of given) {
    if (joinedBy(state).every((part) => read.has(part))) continue;
    throw new OptionError(
      `${who}: forward returns the state ${path} and does not read the one that it is given, so nothing would be carried; take it as forward(x, state) and hand it to the layer that returns it, or return no state`,
    );
  }
}

/**
 * Refuses states that a next call cannot go on from.
 * @param wayOut what to do about it
 * @throws OptionError for a state of a direction that runs from the end
 */
export function refuseFromEnd(states: unknown, reason: string, wayOut: string, who = ""): void {
  const found = [...leavesOf(states)].find(([, { facts }]) => facts.isFromEnd);
  if (found)
    throw new OptionError(
      `${who}the state ${found[0]} is of a layer that runs from the end (bidirectional or goBackwards), ${reason}; ${wayOut}`,
    );
}

/** What states begin with where that is learned, by path. @throws OptionError where it is learned but not known */
export function startsOf(states: unknown): Map<string, Tensor> {
  const starts = new Map<string, Tensor>();
  for (const [path, { facts }] of leavesOf(states)) {
    if (facts.hasUnknownStart)
      throw new OptionError(
        `the state ${path} is computed from one that begins with learned values, so what it begins with is not known; return the layer's state as it is`,
      );
    if (facts.start) starts.set(path, facts.start);
  }
  return starts;
}

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
  if (!carry) return { outputs: first.outputs, states: [] };
  refuseUnreturned(model, first.state, "return { …, state }, or set carryState: false");
  if (leavesOf(first.state).size === 0) return { outputs: first.outputs, states: [] };
  const [learned] = startsOf(first.state).keys();
  if (learned !== undefined) {
    throw new OptionError(
      `the state ${learned} begins with learned values, and a state that goes on from batch to batch begins with zeros; set carryState: false`,
    );
  }
  refuseFromEnd(first.state, "and the next batch does not go on from there", "set carryState: false");
  const before = initialState(first.state);
  const { outputs, state } = trace(before);
  return { outputs, states: carriedStates(model.constructor.name, before, state, { outputs, state }) };
}

/** A model as a session calls it, from the states that its streams have. */
export interface Streaming extends Stateful {
  /** What states begin with where that is learned, by path. */
  readonly starts: ReadonlyMap<string, Tensor>;
  /** Whether recurrent layers hold all states step by step for streams that take no part; else it is done once a call. */
  readonly isHeldByStep: boolean;
}

/**
 * Traces a model for streams, each of which has a row of every state.
 * @param options.who for messages
 * @param options.steps i32 `[streams]`: stream b takes part in so many steps, and its states are held in the others
 * @throws ShapeError when forward returns no record, or a state without an axis for the streams; OptionError when there is no
 *   state, or one that a next call cannot go on from
 */
export function traceStreaming(
  model: SequenceModel,
  x: ModelInput,
  { who, steps }: { readonly who: string; readonly steps: Tensor },
): Streaming {
  const streams = steps.size;
  const call = (state: unknown) => withActiveSteps(steps, () => applyModel(model, x, state));
  const first = call(undefined);
  const leaves = leavesOf(first.state);
  if (leaves.size === 0)
    throw new OptionError(
      `${who}: ${model.constructor.name} returns no state; return { …, state } from forward, or use runtime.compile`,
    );
  refuseFromEnd(first.state, "and the next call does not go on from there", "use layers of one direction", `${who}: `);
  for (const [path, { shape }] of leaves) {
    if (shape[1] !== streams)
      throw new ShapeError(
        `${who}: the state ${path} is ${showShape(shape)}, expected [L,${streams},...]: a row for each of ${streams} streams along the second axis`,
      );
  }
  const before = initialState(first.state);
  const { outputs, state } = call(before);
  const old = leavesOf(before);
  const isHeldByStep = [...leavesOf(state).values()].every(({ facts }) => facts.isHeld);
  const held = mapTree(state, (leaf, path) => {
    const was = old.get(path);
    return leaf.facts.isHeld || !was ? leaf : holdInactive(`state ${path}`, leaf, was, steps);
  });
  const states = carriedStates(model.constructor.name, before, held, { outputs, state });
  return { outputs, states, starts: startsOf(first.state), isHeldByStep };
}
