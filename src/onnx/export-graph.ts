import type { Tensor } from "../graph/tensor.ts";
import type { DType, Shape } from "../tensor-data.ts";
import { attributeTypes, elementTypes, type NewMessage } from "./proto.ts";

/** A number of a traced graph in each of its traces: the first, then several for each open axis with that axis longer. */
export type Length = readonly number[];

export const isFixed = (length: Length): boolean => length.every((n) => n === length[0]);
export const sameLength = (a: Length, b: Length): boolean => a.every((n, k) => n === b[k]);

/** Why a part of a model has no place in an ONNX graph, and what to do about it. */
export class Refusal extends Error {
  readonly wayOut: string;
  constructor(why: string, wayOut: string) {
    super(why);
    this.wayOut = wayOut;
  }
}

/** Several reasons for one part. */
export class Refusals extends Error {
  readonly all: readonly Refusal[];
  constructor(all: readonly Refusal[]) {
    super(all.map(({ message }) => message).join("; "));
    this.all = all;
  }
}

/** An attribute of a node; ONNX tells its kinds apart. */
export type Attribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly texts: readonly string[] };

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** What the node computes, where it is a tensor of the traced graph. */
  readonly to?: Tensor | undefined;
  /** Of what it computes, for its name; default that of `to`. */
  readonly label?: string;
}

const onnxType: Readonly<Record<DType, number>> = { f32: elementTypes.FLOAT, i32: elementTypes.INT32 };

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

function attributeOf(name: string, value: Attribute): NewMessage<"AttributeProto"> {
  const { INT, INTS, FLOAT, FLOATS, STRING, STRINGS } = attributeTypes;
  if ("int" in value) return { name, type: INT, i: value.int };
  if ("ints" in value) return { name, type: INTS, ints: [...value.ints] };
  if ("float" in value) return { name, type: FLOAT, f: value.float };
  if ("floats" in value) return { name, type: FLOATS, floats: [...value.floats] };
  if ("text" in value) return { name, type: STRING, s: encoded(value.text) };
  return { name, type: STRINGS, strings: value.texts.map(encoded) };
}

/** A tensor that is a part of the file. */
export function tensorProto(
  name: string,
  shape: Shape,
  data: Float32Array | Int32Array | readonly bigint[],
): NewMessage<"TensorProto"> {
  const dataType =
    data instanceof Float32Array
      ? elementTypes.FLOAT
      : data instanceof Int32Array
        ? elementTypes.INT32
        : elementTypes.INT64;
  // The file's order of bytes is little-endian, as is that of every machine that JavaScript runs on today.
  const array = Array.isArray(data) ? BigInt64Array.from(data) : (data as Float32Array | Int32Array);
  const rawData = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return { name, dims: [...shape], dataType, rawData };
}

/** The values, nodes and constants of an ONNX graph that is being written. */
export class GraphWriter {
  readonly #nodes: NewMessage<"NodeProto">[] = [];
  readonly #initializers = new Map<string, NewMessage<"TensorProto">>();
  readonly #taken = new Set<string>();
  /** Names of values. */
  readonly #values = new Map<Tensor, string>();
  /** Comparisons are BOOL in ONNX; as INT32 they are made when somebody asks. */
  readonly #bools = new Map<Tensor, string>();
  readonly #made = new Map<string, string>();
  /** Lengths that can be asked for while the graph runs. */
  readonly #sources: { readonly value: string; readonly axis: number; readonly length: Length }[] = [];
  /** What reshaped values were before. */
  readonly #before = new Map<string, { readonly value: string; readonly lengths: readonly Length[] }>();
  readonly #lengthsOf: (tensor: Tensor) => readonly Length[];
  /** Names that tensors must have: the graph's outputs. */
  readonly #given: ReadonlyMap<Tensor, string>;

  constructor(lengthsOf: (tensor: Tensor) => readonly Length[], given: ReadonlyMap<Tensor, string>) {
    this.#lengthsOf = lengthsOf;
    this.#given = given;
    for (const name of given.values()) this.#taken.add(name);
  }

  /** The length of each axis. */
  lengths(tensor: Tensor): readonly Length[] {
    return this.#lengthsOf(tensor);
  }

  /** A name that no value has yet. */
  #fresh(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#taken.has(name); i++) name = `${wanted}.${i}`;
    this.#taken.add(name);
    return name;
  }

  /** Says which value a tensor is; its lengths can be asked for from then on. */
  define(tensor: Tensor, value: string): void {
    this.#values.set(tensor, value);
    this.source(value, this.#lengthsOf(tensor));
  }

  /** Says that the lengths of a value can be asked for. */
  source(value: string, lengths: readonly Length[]): void {
    lengths.forEach((length, axis) => {
      if (!isFixed(length)) this.#sources.push({ value, axis, length });
    });
  }

  /** A tensor that the graph is given. */
  input(tensor: Tensor, name: string): void {
    this.#taken.add(name);
    this.define(tensor, name);
  }

  /** Numbers that are a part of the file, once for each key: whose they are, or what they are. */
  initializer(key: string, name: string, shape: Shape, data: Float32Array | Int32Array | readonly bigint[]): string {
    return this.#once(`initializer ${key}`, () => {
      const value = this.#fresh(name);
      this.#initializers.set(value, tensorProto(value, shape, data));
      return value;
    });
  }

  /** Numbers whose name says what they are. */
  constant(name: string, shape: Shape, data: Float32Array | Int32Array | readonly bigint[]): string {
    return this.initializer(`constant ${name}`, `constant.${name}`, shape, data);
  }

  /** INT64 numbers, of one axis unless `shape` says otherwise. */
  ints(values: readonly number[], shape: Shape = [values.length]): string {
    const name = `${values.join("_") || "none"}${shape.length === 1 ? "" : ".scalar"}`;
    return this.constant(name, shape, values.map(BigInt));
  }

  /** One number. */
  scalar(value: number, dtype: DType = "f32"): string {
    const data = dtype === "f32" ? Float32Array.of(value) : Int32Array.of(value);
    return this.constant(`${dtype}.${value}`, [], data);
  }

  #once(key: string, make: () => string): string {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    return made;
  }

  /** A node with one output; its name. */
  node(op: string, inputs: readonly (string | undefined)[], options: NodeOptions = {}): string {
    return this.nodes(op, inputs, [options.to], options)[0]!;
  }

  /** A node with several outputs, those that are undefined too. */
  nodes(
    op: string,
    inputs: readonly (string | undefined)[],
    outputs: readonly (Tensor | undefined)[],
    { attributes = {}, label }: NodeOptions = {},
  ): string[] {
    const about = label ?? outputs.find((tensor) => tensor)?.node?.label ?? op.toLowerCase();
    const names = outputs.map((tensor) => {
      const given = tensor && this.#given.get(tensor);
      return given !== undefined && !this.#values.has(tensor!) ? given : this.#fresh(`${about}.${op}`);
    });
    const all = [...inputs].map((input) => input ?? "");
    while (all.at(-1) === "") all.pop();
    this.#nodes.push({
      opType: op,
      name: names[0]!,
      input: all,
      output: names,
      attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
    });
    outputs.forEach((tensor, i) => {
      if (tensor) this.define(tensor, names[i]!);
    });
    return names;
  }

  /** The value of a tensor. */
  value(tensor: Tensor): string {
    const value = this.#values.get(tensor);
    if (value !== undefined) return value;
    const bool = this.#bools.get(tensor);
    if (bool === undefined) throw new Error(`tensor ${tensor.id} has no value`);
    return this.node("Cast", [bool], { attributes: { to: { int: elementTypes.INT32 } }, to: tensor });
  }

  /** A tensor as BOOL: true where it is not 0. */
  bool(tensor: Tensor): string {
    const known = this.#bools.get(tensor);
    if (known !== undefined) return known;
    const made = this.node("Cast", [this.value(tensor)], {
      attributes: { to: { int: elementTypes.BOOL } },
      label: tensor.node?.label ?? "condition",
    });
    this.#bools.set(tensor, made);
    return made;
  }

  /** Says that a tensor of 1 and 0 is this BOOL value. */
  defineBool(tensor: Tensor, value: string): void {
    this.#bools.set(tensor, value);
    this.source(value, this.#lengthsOf(tensor));
  }

  /** A tensor's numbers as f32 or i32. */
  as(tensor: Tensor, dtype: DType): string {
    if (tensor.dtype === dtype) return this.value(tensor);
    const from = this.#bools.get(tensor) ?? this.value(tensor);
    return this.#once(`cast ${dtype} ${from}`, () =>
      this.node("Cast", [from], { attributes: { to: { int: onnxType[dtype] } }, label: tensor.node?.label ?? "cast" }),
    );
  }

  /** A length as INT64 `[1]`: a constant, or asked of a tensor that has it. @throws Refusal where no tensor tells it */
  length(length: Length): string {
    if (isFixed(length)) return this.ints([length[0]!]);
    const source = this.#sources.find((one) => sameLength(one.length, length));
    if (source) {
      const shape = this.#once(`shape ${source.value}`, () =>
        this.node("Shape", [source.value], { label: source.value }),
      );
      return this.#once(`length ${source.value} ${source.axis}`, () =>
        this.node("Gather", [shape, this.ints([source.axis])], { label: source.value }),
      );
    }
    return this.#once(`computed ${length.join()}`, () => this.#computed(length));
  }

  #computed(length: Length): string {
    for (const [i, a] of this.#sources.entries()) {
      for (const b of this.#sources.slice(i)) {
        const factor = length[0]! / (a.length[0]! * b.length[0]!);
        if (!length.every((n, k) => n === factor * a.length[k]! * b.length[k]!) || !Number.isInteger(factor)) continue;
        const product = this.node("Mul", [this.length(a.length), this.length(b.length)], { label: "length" });
        return factor === 1 ? product : this.node("Mul", [product, this.ints([factor])], { label: "length" });
      }
    }
    for (const { length: known } of this.#sources) {
      const k = known.findIndex((n) => n !== known[0]);
      const factor = (length[k]! - length[0]!) / (known[k]! - known[0]!);
      const rest = length[0]! - factor * known[0]!;
      if (!Number.isInteger(factor) || !length.every((n, at) => n === factor * known[at]! + rest)) continue;
      const times =
        factor === 1
          ? this.length(known)
          : this.node("Mul", [this.length(known), this.ints([factor])], { label: "length" });
      return rest === 0 ? times : this.node("Add", [times, this.ints([rest])], { label: "length" });
    }
    throw new Refusal("a length here depends on an open axis in a way that is not known", "give that axis a number");
  }

  /** Lengths as INT64 `[n]`. */
  shape(lengths: readonly Length[]): string {
    if (lengths.every(isFixed)) return this.ints(lengths.map(([n]) => n!));
    if (lengths.length === 1) return this.length(lengths[0]!);
    const all = lengths.map((length) => this.length(length));
    return this.#once(`shape of ${all.join()}`, () =>
      this.node("Concat", all, { attributes: { axis: { int: 0 } }, label: "shape" }),
    );
  }

  /** The same numbers under another shape. `to` is what they are then, where it is a tensor of the traced graph. */
  reshape(from: string, fromLengths: readonly Length[], lengths: readonly Length[], to?: Tensor): string {
    const before = this.#before.get(from);
    const base = before?.value ?? from;
    const baseLengths = before?.lengths ?? fromLengths;
    const isBase = baseLengths.length === lengths.length && lengths.every((one, i) => sameLength(one, baseLengths[i]!));
    if (isBase) {
      if (to) this.define(to, base);
      return base;
    }
    const open = lengths.filter((length) => !isFixed(length));
    // 0 takes the length of that axis over, and -1 is what is left.
    const kept = lengths.map(
      (length, i) => i < baseLengths.length && !isFixed(length) && sameLength(length, baseLengths[i]!),
    );
    const others = lengths.flatMap((length, i) => (isFixed(length) || kept[i] ? [] : [i]));
    const plain = others.length <= 1 || open.length === 0;
    const target = plain
      ? this.ints(lengths.map((length, i) => (kept[i] ? 0 : others[0] === i ? -1 : length[0]!)))
      : this.shape(lengths);
    const made = this.node("Reshape", [base, target], { to, label: to?.node?.label ?? base });
    this.#before.set(made, { value: base, lengths: baseLengths });
    return made;
  }

  /** The axes in another order; once for each value. */
  transposed(value: string, perm: readonly number[], label: string): string {
    return this.#once(`transposed ${perm.join()} ${value}`, () =>
      this.node("Transpose", [value], { attributes: { perm: { ints: perm } }, label }),
    );
  }

  /** The nodes that the outputs need, in their order, and the initializers that these read. */
  finish(outputs: ReadonlyMap<string, Tensor>): {
    readonly node: readonly NewMessage<"NodeProto">[];
    readonly initializer: readonly NewMessage<"TensorProto">[];
  } {
    const made = new Set(this.#nodes.flatMap(({ output }) => output!));
    const renamed = new Map<string, string>();
    for (const [name, tensor] of outputs) {
      const value = this.value(tensor);
      if (value === name) continue;
      if (made.has(value) && !outputs.has(value) && !renamed.has(value)) renamed.set(value, name);
      // A tensor that is an input, a weight or another output, too.
      else this.#nodes.push({ opType: "Identity", name, input: [value], output: [name] });
    }
    const rename = (names: readonly string[] | undefined) => names!.map((name) => renamed.get(name) ?? name);
    const all = this.#nodes.map((one) => ({ ...one, input: rename(one.input), output: rename(one.output) }));
    const needed = new Set(outputs.keys());
    const node: NewMessage<"NodeProto">[] = [];
    for (const one of all.toReversed()) {
      if (!one.output!.some((name) => needed.has(name))) continue;
      // Of recurrent layers alone all outputs are optional: those that nobody reads have no name, or are left out at the end.
      const isOptional = one.opType === "LSTM" || one.opType === "GRU" || one.opType === "RNN";
      const used = one.output!.map((name) => (needed.has(name) || !isOptional ? name : ""));
      while (used.at(-1) === "") used.pop();
      for (const name of one.input!) needed.add(name);
      node.unshift({ ...one, output: used });
    }
    return {
      node,
      initializer: [...this.#initializers].flatMap(([name, tensor]) => (needed.has(name) ? [tensor] : [])),
    };
  }
}
