import { MOST_INPUTS } from "../../kernels/expression.ts";
import { type OperationName, operationKinds } from "../../kernels/operation-kinds.ts";
import { operations } from "../../kernels/operations.ts";
import { type Term, Terms } from "../../kernels/terms.ts";
import type { Shape } from "../../tensor-data.ts";
import type { Emitter } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";
import { readersOf } from "./readers.ts";

// Which pointwise operations are computed together, and what they then compute.

export interface PointwiseAttributes {
  readonly operation: OperationName;
  /** Operands that are plain numbers; where one is undefined, the next input stands. */
  readonly numbers: readonly (number | undefined)[];
}

export interface SumAttributes {
  /** Ascending. */
  readonly axes: readonly number[];
  readonly factor: number;
  /** The shape with summed axes of length 1. */
  readonly keptShape: Shape;
}

const isPointwise = (node: Node): node is Node & { readonly attributes: PointwiseAttributes } =>
  node.op.name === "pointwise";
const isSum = (node: Node): node is Node & { readonly attributes: SumAttributes } => node.op.name === "sum";

/** What one dispatch computes: a pointwise operation or a sum, with the operations before it that nobody else reads. */
export interface Group {
  readonly root: Node;
  /** Pointwise operations, in the order of making; the root too, if it is one. */
  readonly members: readonly Node[];
  /** What it reads, each once. */
  readonly leaves: readonly Tensor[];
  /** The index space: what the root puts out, or sums over. */
  readonly shape: Shape;
  /** The root's output in that space: summed axes have length 1. */
  readonly outputShape: Shape;
  readonly sum?: SumAttributes;
}

/** So many leaves that a gradient by one can read all of them and the gradient by the result. */
const MOST_LEAVES = MOST_INPUTS - 1;

const known = new WeakMap<Emitter, ReadonlyMap<Node, Group>>();

/** The group of which a node is the root; undefined when it is computed with another one. */
export function groupOf(e: Emitter, node: Node): Group | undefined {
  const groups = known.get(e) ?? findGroups(e);
  known.set(e, groups);
  return groups.get(node);
}

/** One number that is part of the plan: written into the expression. */
function constantOf({ source, size }: Tensor): number | undefined {
  return source?.kind === "constant" && size === 1 ? source.values[0] : undefined;
}

const leavesOf = ({ inputs }: Node): Tensor[] =>
  inputs.filter((x) => x !== undefined && constantOf(x) === undefined) as Tensor[];

function findGroups(e: Emitter): Map<Node, Group> {
  const ends = new Set(e.ends);
  /** By root. */
  const open = new Map<Node, { readonly members: Node[]; readonly leaves: Set<Tensor> }>();
  const rootOf = new Map<Node, Node>();
  // Readers come before what they read, so all of them are known when an operation is looked at.
  for (const node of [...e.nodes].reverse()) {
    if (!isPointwise(node) && !isSum(node)) continue;
    const root = isPointwise(node) ? joined(node) : undefined;
    if (root) {
      rootOf.set(node, root);
      const group = open.get(root)!;
      group.members.push(node);
      group.leaves.delete(node.outputs[0]!);
      for (const leaf of leavesOf(node)) group.leaves.add(leaf);
    } else {
      rootOf.set(node, node);
      open.set(node, { members: isPointwise(node) ? [node] : [], leaves: new Set(leavesOf(node)) });
    }
  }

  /** The root of the one group that reads an operation's result, if it can be computed there. */
  function joined(node: Node): Node | undefined {
    const [output] = node.outputs;
    if (ends.has(output!)) return undefined;
    const roots = new Set(readersOf(e, output!).map((reader) => rootOf.get(reader)));
    const [root] = roots;
    if (!root || roots.size > 1) return undefined;
    const leaves = new Set(open.get(root)!.leaves);
    leaves.delete(output!);
    for (const leaf of leavesOf(node)) leaves.add(leaf);
    return leaves.size <= MOST_LEAVES ? root : undefined;
  }

  const groups = new Map<Node, Group>();
  for (const [root, { members, leaves }] of open) {
    const [output] = root.outputs;
    const sum = isSum(root) ? root.attributes : undefined;
    groups.set(root, {
      root,
      members: members.reverse(),
      leaves: [...leaves],
      shape: sum ? root.inputs[0]!.shape : output!.shape,
      outputShape: sum ? sum.keptShape : output!.shape,
      ...(sum && { sum }),
    });
  }
  return groups;
}

/** The values that the members of a group have, as terms of one expression. */
function valuesOf(terms: Terms, { leaves, members }: Group): Map<Tensor, Term> {
  const values = new Map(leaves.map((tensor, i) => [tensor, terms.leaf(i, tensor.dtype)]));
  for (const node of members) {
    const { operation } = node.attributes as PointwiseAttributes;
    values.set(node.outputs[0]!, terms.apply(operation, ...operandsOf(node, values, terms)));
  }
  return values;
}

/** The value of a tensor that a group reads or computes. */
const termOf = (tensor: Tensor, values: ReadonlyMap<Tensor, Term>, terms: Terms): Term =>
  values.get(tensor) ?? terms.constant(constantOf(tensor)!, tensor.dtype);

function operandsOf(node: Node, values: ReadonlyMap<Tensor, Term>, terms: Terms): (Term | number)[] {
  const { numbers } = node.attributes as PointwiseAttributes;
  let next = 0;
  return numbers.map((number) => number ?? termOf(node.inputs[next++]!, values, terms));
}

/** What a group computes. */
export function termsOf(group: Group): { readonly terms: Terms; readonly result: Term } {
  const terms = new Terms();
  const values = valuesOf(terms, group);
  const { root, sum } = group;
  const result = termOf(sum ? root.inputs[0]! : root.outputs[0]!, values, terms);
  return { terms, result: sum && result.dtype === "i32" ? terms.apply("float", result) : result };
}

/**
 * The gradients by the leaves of a group, in its index space, before they are summed over the axes along which a leaf is
 * repeated. Leaves of these terms are those of the group, then its result, then the gradient by that.
 */
export function gradientsOf(group: Group, wanted: readonly Tensor[]) {
  const { leaves, root, members, sum } = group;
  const [output] = root.outputs;
  const terms = new Terms();
  const values = valuesOf(terms, group);
  const given = terms.leaf(leaves.length + 1, "f32");
  const gradients = new Map<Tensor, Term>();
  if (sum) gradients.set(root.inputs[0]!, terms.apply("mul", given, sum.factor));
  else {
    gradients.set(output!, given);
    // What the root computed need not be computed again, where there is room to read it.
    if (leaves.length + 2 <= MOST_INPUTS) values.set(output!, terms.leaf(leaves.length, output!.dtype));
  }
  for (const node of [...members].reverse()) {
    const g = gradients.get(node.outputs[0]!);
    const { operation, numbers } = node.attributes as PointwiseAttributes;
    const rule = operations[operation].gradient;
    if (!g || !rule) continue;
    const operands = operandsOf(node, values, terms).map((x) => (typeof x === "number" ? terms.constant(x) : x));
    const [a, b, c] = operands.map((x) =>
      x.dtype === "i32" && !operationKinds[operation].condition ? terms.apply("float", x) : x,
    );
    const by = rule(terms, g, { a: a!, b: b ?? a!, c: c ?? a!, y: values.get(node.outputs[0]!)! });
    let next = 0;
    numbers.forEach((number, i) => {
      if (number !== undefined) return;
      const input = node.inputs[next++]!;
      const part = by[i];
      if (!part || input.dtype !== "f32") return;
      const before = gradients.get(input);
      gradients.set(input, before ? terms.apply("add", before, part) : part);
    });
  }
  const inputs = new Set(wanted);
  return {
    terms,
    /** Undefined where nothing depends on the leaf. */
    of: (tensor: Tensor): Term | undefined => (inputs.has(tensor) ? gradients.get(tensor) : undefined),
    /** Whether it is the gradient by the result as it stands. */
    isGiven: (tensor: Tensor): boolean => !sum && gradients.get(tensor) === given,
  };
}
