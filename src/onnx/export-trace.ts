import { OptionError, ShapeError, shown, shownNames } from "../errors.ts";
import { nodesBefore } from "../graph/dependencies.ts";
import { inputTensor, type Node, Tensor } from "../graph/tensor.ts";
import { applyModel, leavesOf, type ModelInput, mapTree, type SequenceModel } from "../graph/trace.ts";
import type { Module } from "../index.ts";
import type { DType, Shape } from "../tensor-data.ts";
import type { Length } from "./export-graph.ts";

/** A length, or the name of an axis that stays open. */
export type OpenShape = readonly (number | string)[];
/** An input: its shape, and its element type where that is not f32. */
export type OnnxInput = OpenShape | { readonly shape: OpenShape; readonly dtype?: DType };

export interface Described {
  readonly shape: OpenShape;
  readonly dtype: DType;
}

/** What is traced, and how. */
export interface TraceOptions {
  readonly inputs: ReadonlyMap<string, Described>;
  /** Names of open axes. */
  readonly open: readonly string[];
  /** Whether states are inputs and outputs; where it is left open, they are if they can be. */
  readonly states: boolean | undefined;
  readonly forward: ((inputs: Readonly<Record<string, Tensor>>, state?: unknown) => unknown) | undefined;
}

/** A node, and its attributes in each trace. */
export interface TracedNode {
  readonly node: Node;
  readonly attributes: readonly unknown[];
}

/** A model's forward as a graph, whose lengths are known in several traces. */
export interface TracedModel {
  readonly nodes: readonly TracedNode[];
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** The lengths of the open axes by their names. */
  readonly axes: ReadonlyMap<string, Length>;
  /** Constants, in each trace. */
  readonly constants: ReadonlyMap<Tensor, readonly (readonly number[])[]>;
  lengths(tensor: Tensor): readonly Length[];
}

/** Lengths that open axes have when they are traced first: primes, so that no other length is taken for one. */
const FIRST = [59, 61, 67, 71, 73, 79, 83, 89];
/** How much longer they are, one at a time: neighbours, so that what is divided, by a stride, tells its rounding. */
const LONGER = [30, 31, 32, 33, 34, 35, 36, 37];

/** Names of a state's input and output, by its path. */
const stateName = (begin: "state" | "next", path: string): string => (path === "" ? begin : `${begin}.${path}`);

/** @throws OptionError or ShapeError for what is no list of inputs */
export function describeInputs(
  given: Readonly<Record<string, OnnxInput>>,
  open: readonly string[],
): Map<string, Described> {
  const who = "exportOnnx";
  if (typeof given !== "object" || given === null || Object.keys(given).length === 0)
    throw new OptionError(
      `${who}: inputs are ${shown(given)}, expected a shape for each, such as { x: ["T", "B", 40] }`,
    );
  if (!Array.isArray(open) || !open.every((name) => typeof name === "string" && name !== ""))
    throw new OptionError(`${who}: dynamic is ${shown(open)}, expected names of axes, such as ["T", "B"]`);
  if (open.length > FIRST.length || new Set(open).size < open.length)
    throw new OptionError(`${who}: dynamic is ${shown(open)}, expected at most ${FIRST.length} names, each once`);
  const used = new Set<string>();
  const inputs = new Map<string, Described>();
  for (const [name, input] of Object.entries(given)) {
    const { shape, dtype = "f32" } = (Array.isArray(input) ? { shape: input } : input) as Partial<Described>;
    if (!Array.isArray(shape)) throw new ShapeError(`${who}: input "${name}" is ${shown(input)}, expected a shape`);
    if (dtype !== "f32" && dtype !== "i32")
      throw new OptionError(`${who}: input "${name}" has dtype ${shown(dtype)}, expected "f32" or "i32"`);
    for (const axis of shape as OpenShape) {
      if (typeof axis === "string" && open.includes(axis)) used.add(axis);
      else if (!Number.isInteger(axis) || (axis as number) < 1)
        throw new ShapeError(
          `${who}: input "${name}" has shape ${shown(shape)}; a length is a whole number of at least 1 or one of the names in dynamic (${open.join(", ") || "none"})`,
        );
    }
    inputs.set(name, { shape, dtype });
  }
  const unused = open.filter((name) => !used.has(name));
  if (unused.length > 0)
    throw new OptionError(
      `${who}: dynamic names ${unused.join(", ")}, which no input's shape has; use it there or leave it out`,
    );
  return inputs;
}

interface Trace {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
}

/** @throws OptionError for states that cannot be carried, or a graph that depends on the length of an open axis; what forward throws */
export function traceModel(model: Module & SequenceModel, options: TraceOptions): TracedModel {
  /** For each trace the axis that is longer, and by how much. */
  const longer = [{ axis: -1, by: 0 }, ...options.open.flatMap((_, axis) => LONGER.map((by) => ({ axis, by })))];
  const all = longer.map(
    ({ axis, by }) => new Map(options.open.map((name, i) => [name, FIRST[i]! + (i === axis ? by : 0)])),
  );
  const traces = all.map((sizes) => traceOnce(model, options, sizes));
  const [first] = traces as [Trace, ...Trace[]];
  const lengths = new Map<Tensor, readonly Length[]>();
  const constants = new Map<Tensor, readonly (readonly number[])[]>();
  const differs = (k: number, why: string) =>
    new OptionError(
      `exportOnnx: forward of ${model.constructor.name} makes another graph where ${options.open[longer[k]!.axis]} is longer: ${why}; give that axis a number`,
    );
  const align = (tensors: readonly (Tensor | undefined)[], label: string): void => {
    const [own] = tensors;
    if (own === undefined || lengths.has(own)) return;
    tensors.forEach((tensor, k) => {
      if (tensor?.shape.length !== own.shape.length || tensor.dtype !== own.dtype)
        throw differs(k, `${label} has other axes or another element type`);
    });
    const known = tensors as readonly Tensor[];
    lengths.set(
      own,
      own.shape.map((_, axis) => known.map(({ shape }) => shape[axis]!)),
    );
    if (own.source?.kind === "constant")
      constants.set(
        own,
        known.map(({ source }) => (source?.kind === "constant" ? source.values : [])),
      );
  };
  for (const name of first.inputs.keys())
    align(
      traces.map(({ inputs }) => inputs.get(name)),
      name,
    );
  const nodes = first.nodes.map((node, i): TracedNode => {
    const same = traces.map(({ nodes: others }, k) => {
      const other = others[i];
      if (
        others.length !== first.nodes.length ||
        other?.op.name !== node.op.name ||
        other.inputs.length !== node.inputs.length
      )
        throw differs(k, `${others.length} operations, not ${first.nodes.length}`);
      return other;
    });
    for (const j of node.inputs.keys())
      align(
        same.map(({ inputs }) => inputs[j]),
        node.label,
      );
    for (const j of node.outputs.keys())
      align(
        same.map(({ outputs }) => outputs[j]),
        node.label,
      );
    return { node, attributes: same.map(({ attributes }) => attributes) };
  });
  for (const name of first.outputs.keys())
    align(
      traces.map(({ outputs }) => outputs.get(name)),
      name,
    );
  const axes = new Map(options.open.map((name) => [name, all.map((sizes) => sizes.get(name)!)]));
  const { inputs, outputs } = first;
  return { nodes, inputs, outputs, axes, constants, lengths: (tensor) => lengths.get(tensor)! };
}

function traceOnce(model: Module & SequenceModel, options: TraceOptions, sizes: ReadonlyMap<string, number>): Trace {
  const inputs = new Map(
    [...options.inputs].map(([name, { shape, dtype }]) => {
      const whole: Shape = shape.map((axis) => (typeof axis === "string" ? sizes.get(axis)! : axis));
      return [name, inputTensor(name, whole, dtype)] as const;
    }),
  );
  const call = (state: unknown) => forwardOf(model, options, inputs, state);
  let { outputs, state } = call(undefined);
  if (carries(model, options, state)) {
    const before = mapTree(state, (leaf, path) => inputTensor(stateName("state", path), leaf.shape, leaf.dtype));
    ({ outputs, state } = call(before));
    const old = leavesOf(before);
    const next = leavesOf(state);
    for (const [path, tensor] of old) inputs.set(stateName("state", path), tensor);
    const named = new Map(leavesOf(outputs));
    for (const [path, tensor] of next) named.set(stateName("next", path), tensor);
    return checked(inputs, named);
  }
  return checked(inputs, leavesOf(outputs));
}

function forwardOf(
  model: Module & SequenceModel,
  { forward }: TraceOptions,
  inputs: ReadonlyMap<string, Tensor>,
  state: unknown,
): { outputs: unknown; state: unknown } {
  const all = Object.fromEntries(inputs);
  if (!forward) {
    const x: ModelInput = inputs.size === 1 && all.x ? all.x : all;
    return applyModel(model, x, state);
  }
  const result = forward(all, state);
  if (result === null || typeof result !== "object" || result instanceof Tensor || result instanceof Promise)
    throw new ShapeError(
      `exportOnnx: forward returned ${shown(result)}, expected a record of outputs, such as { y, state }`,
    );
  const { state: next, ...outputs } = result as Record<string, unknown>;
  return { outputs, state: next };
}

/** Whether the states become inputs and outputs. @throws OptionError where they are to and cannot */
function carries(model: SequenceModel, { states, forward }: TraceOptions, state: unknown): boolean {
  const leaves = leavesOf(state);
  if (states === false) return false;
  const takes = (forward ?? model.forward).length > 1;
  const [fromEnd] = [...leaves].find(([, { facts }]) => facts.isFromEnd) ?? [];
  const [learned] = [...leaves].find(([, { facts }]) => facts.start ?? facts.hasUnknownStart) ?? [];
  const why =
    leaves.size === 0
      ? "forward returns no state; return { …, state }"
      : !takes
        ? "forward takes no state; take it as forward(x, state)"
        : fromEnd !== undefined
          ? `the state ${fromEnd} is of a layer that runs from the end (bidirectional or goBackwards), and the next call does not go on from there`
          : learned !== undefined
            ? `the state ${learned} begins with learned values, which a caller would have to give`
            : undefined;
  if (why !== undefined && states === true)
    throw new OptionError(`exportOnnx: states cannot be inputs and outputs: ${why}; or leave states out`);
  return why === undefined;
}

function checked(inputs: ReadonlyMap<string, Tensor>, outputs: ReadonlyMap<string, Tensor>): Trace {
  if (outputs.size === 0) throw new ShapeError("exportOnnx: forward returned no tensor; return a record of outputs");
  const clash = [...outputs.keys()].filter((name) => inputs.has(name));
  if (clash.length > 0)
    throw new OptionError(`exportOnnx: ${shownNames(clash)} is an input and an output; give the output another name`);
  return { inputs, outputs, nodes: nodesBefore(outputs.values()) };
}
