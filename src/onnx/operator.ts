// What an operator of ONNX is here: what a node may say, and what computes it.
import { LimitError, ShapeError } from "../errors.ts";
import type { Module, NumberArray, Shape, Tensor } from "../index.ts";
import { axisOf } from "./host-array.ts";
import type { Graph } from "./read-graph.ts";
import { type HostValue, isHost, operandOf, tensorOf, type Value } from "./values.ts";

/** What the kind of an attribute is; a list holds the only values that are known, the first one being the default. */
export type AttributeKind =
  | "float"
  | "int"
  | "string"
  | "tensor"
  | "graph"
  | "floats"
  | "ints"
  | "strings"
  | readonly (string | number)[];

/** An attribute as it was read. */
export type Attribute = number | string | readonly number[] | readonly string[] | HostValue | Graph;

/** How many inputs or outputs a node has: so many, or from one to another number. */
export type Count = number | readonly [least: number, most: number];

/** What a node brings into the model. */
export interface Preparation {
  readonly layer?: Module;
  /** Numbers that become parameters, with their names in the state dict. */
  readonly weights?: readonly { readonly name: string; readonly shape: Shape; readonly data: NumberArray }[];
}

/** What was made of it: the layer, and the tensors of the weights. */
export interface Prepared {
  readonly layer?: Module | undefined;
  readonly weights: readonly Tensor[];
}

/** What runs a graph that a node has as an attribute; undefined inputs are not allowed. */
export type RunGraph = (graph: Graph, inputs: readonly Value[]) => Value[];

export interface Operator {
  readonly inputs: Count;
  /** Default 1. */
  readonly outputs?: Count;
  readonly attributes?: Readonly<Record<string, AttributeKind>>;
  /** The first version of the operators in which it means what is computed here; default: any from 7 on. */
  readonly since?: number;
  /** It moves numbers and does not change them: of weights it may run on either side. */
  readonly isLayout?: true;
  /** Inputs that must be known when the graph is traced; weights there do not become parameters. */
  readonly known?: readonly number[];
  /** What is computed where all inputs are known; without it such inputs become tensors. */
  readonly host?: (call: Call) => readonly HostValue[];
  /** Computes symbolic tensors; inputs may also be known numbers. */
  readonly device: (call: Call) => readonly Value[];
  /** Makes layers or weights of inputs that are weights, when the model is made; such a node is never computed on the host. */
  readonly prepare?: (call: Call) => Preparation;
}

export type Operators = Readonly<Record<string, Operator>>;

/** Far more than a tensor has axes, or a node outputs. */
const MOST_LISTED = 4096;

/** A node that is run: its attributes and its inputs. */
export class Call {
  /** `LSTM "encoder"`, for messages and labels. */
  readonly title: string;
  /** The version of the operators that the model was made for. */
  readonly opset: number;
  readonly inputs: readonly (Value | undefined)[];
  /** How many outputs are wanted: nothing reads those behind. */
  readonly outputs: number;
  readonly #attributes: ReadonlyMap<string, Attribute>;
  /** Names of the inputs. */
  readonly names: readonly string[];
  /** What became of what `prepare` gave. */
  readonly prepared: Prepared;
  readonly run: RunGraph;

  constructor(
    node: {
      readonly title: string;
      readonly attributes: ReadonlyMap<string, Attribute>;
      readonly inputs: readonly string[];
      readonly outputs: readonly string[];
    },
    opset: number,
    inputs: readonly (Value | undefined)[],
    prepared: Prepared,
    run: RunGraph,
  ) {
    this.title = node.title;
    this.opset = opset;
    this.inputs = inputs;
    this.names = node.inputs;
    this.outputs = node.outputs.length;
    this.#attributes = node.attributes;
    this.prepared = prepared;
    this.run = run;
  }

  has(attribute: string): boolean {
    return this.#attributes.has(attribute);
  }

  number<D>(attribute: string, byDefault: D): number | D {
    return (this.#attributes.get(attribute) as number | undefined) ?? byDefault;
  }

  text<D>(attribute: string, byDefault: D): string | D {
    return (this.#attributes.get(attribute) as string | undefined) ?? byDefault;
  }

  numbers<D>(attribute: string, byDefault: D): readonly number[] | D {
    return (this.#attributes.get(attribute) as readonly number[] | undefined) ?? byDefault;
  }

  texts(attribute: string): readonly string[] | undefined {
    return this.#attributes.get(attribute) as readonly string[] | undefined;
  }

  value(attribute: string): HostValue | undefined {
    return this.#attributes.get(attribute) as HostValue | undefined;
  }

  graph(attribute: string): Graph {
    const graph = this.#attributes.get(attribute);
    if (graph === undefined) throw new ShapeError(`the attribute ${attribute} is missing`);
    return graph as Graph;
  }

  /** An input that must be there. */
  input(at: number): Value {
    const value = this.inputs[at];
    if (!value) throw new ShapeError(`input ${at} is missing`);
    return value;
  }

  /** An input as a tensor. */
  tensor(at: number): Tensor {
    return tensorOf(this.input(at));
  }

  /** An input as an operand of a pointwise function. */
  operand(at: number): Tensor | number {
    return operandOf(this.input(at));
  }

  /** An input that must be known when the graph is traced. @throws ShapeError where it depends on what the model is given */
  host(at: number): HostValue {
    const value = this.input(at);
    if (isHost(value)) return value;
    throw new ShapeError(
      `input ${at} is computed from the numbers that the model is given, and must be known from their shapes alone`,
    );
  }

  /** The numbers of an input that must be known, such as a shape or axes, or undefined where it is not given. */
  list(at: number): number[] | undefined {
    if (!this.inputs[at]) return undefined;
    const { data } = this.host(at);
    if (data.length > MOST_LISTED)
      throw new LimitError(`input ${at} has ${data.length} numbers, of at most ${MOST_LISTED}`);
    return Array.from(data);
  }

  /** The one number of an input that must be known, or undefined where it is not given. */
  single(at: number): number | undefined {
    const list = this.list(at);
    if (list && list.length !== 1) throw new ShapeError(`input ${at} has ${list.length} numbers, expected one`);
    return list?.[0];
  }

  /** A list that newer versions have as an input and older ones as an attribute. */
  listOr(at: number, attribute: string): readonly number[] | undefined {
    return this.list(at) ?? this.numbers(attribute, undefined);
  }

  /** The attribute `axis`, counted from the front, of the first input. */
  axis(byDefault: number, rank = this.input(0).shape.length): number {
    return axisOf(this.number("axis", byDefault), rank);
  }
}

/** Whether a number of inputs or outputs fits. */
export const fitsCount = (count: Count, n: number): boolean =>
  typeof count === "number" ? n === count : n >= count[0] && n <= count[1];

export const leastOf = (count: Count): number => (typeof count === "number" ? count : count[0]);
