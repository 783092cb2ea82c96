// Values of a cell as a graph: each is made once by one instruction on four lanes. Equal values are one, what is known now is
// computed now, and what nobody reads is in no result and so in no code.

/** Of what type the four lanes are. `int` is WGSL's integer without a suffix: a constant that becomes what it stands beside. */
export type Lane = "f32" | "i32" | "u32" | "bool" | "int";

export interface GraphNode {
  /** Later ones have greater numbers, so arguments have smaller ones. */
  readonly id: number;
  /** An instruction, or `const`, `load` (of the stream `value`), `mean` over the units of the row, `cast`. */
  readonly op: string;
  readonly lane: Lane;
  readonly args: readonly GraphNode[];
  /** A constant's value, a load's stream, a shift's distance. */
  readonly value: number;
}

interface Instruction {
  /** Behind the prefix of all vector instructions. */
  readonly code: number;
  /** The same with numbers of which all lanes are equal. */
  readonly fold?: (a: number, b: number) => number | boolean;
}

/** https://webassembly.github.io/spec/core/binary/instructions.html#vector-instructions */
export const instructions: Readonly<Record<string, Instruction>> = {
  "f32x4.eq": { code: 0x41, fold: (a, b) => a === b },
  "f32x4.ne": { code: 0x42, fold: (a, b) => a !== b },
  "f32x4.lt": { code: 0x43, fold: (a, b) => a < b },
  "f32x4.gt": { code: 0x44, fold: (a, b) => a > b },
  "f32x4.le": { code: 0x45, fold: (a, b) => a <= b },
  "f32x4.ge": { code: 0x46, fold: (a, b) => a >= b },
  "i32x4.eq": { code: 0x37, fold: (a, b) => a === b },
  "i32x4.ne": { code: 0x38, fold: (a, b) => a !== b },
  "i32x4.lt_s": { code: 0x39, fold: (a, b) => a < b },
  "i32x4.lt_u": { code: 0x3a, fold: (a, b) => a < b },
  "i32x4.gt_s": { code: 0x3b, fold: (a, b) => a > b },
  "i32x4.gt_u": { code: 0x3c, fold: (a, b) => a > b },
  "i32x4.le_s": { code: 0x3d, fold: (a, b) => a <= b },
  "i32x4.le_u": { code: 0x3e, fold: (a, b) => a <= b },
  "i32x4.ge_s": { code: 0x3f, fold: (a, b) => a >= b },
  "i32x4.ge_u": { code: 0x40, fold: (a, b) => a >= b },
  "v128.not": { code: 0x4d },
  "v128.and": { code: 0x4e, fold: (a, b) => a & b },
  "v128.or": { code: 0x50, fold: (a, b) => a | b },
  "v128.xor": { code: 0x51, fold: (a, b) => a ^ b },
  "v128.bitselect": { code: 0x52 },
  "f32x4.ceil": { code: 0x67, fold: Math.ceil },
  "f32x4.floor": { code: 0x68, fold: Math.floor },
  "f32x4.trunc": { code: 0x69, fold: Math.trunc },
  "f32x4.nearest": { code: 0x6a },
  "i32x4.shl": { code: 0xab, fold: (a, b) => a << b },
  "i32x4.shr_s": { code: 0xac, fold: (a, b) => a >> b },
  "i32x4.shr_u": { code: 0xad, fold: (a, b) => a >>> b },
  "i32x4.add": { code: 0xae, fold: (a, b) => a + b },
  "i32x4.sub": { code: 0xb1, fold: (a, b) => a - b },
  "i32x4.mul": { code: 0xb5, fold: Math.imul },
  "f32x4.abs": { code: 0xe0, fold: Math.abs },
  "f32x4.neg": { code: 0xe1, fold: (a) => -a },
  "f32x4.sqrt": { code: 0xe3, fold: Math.sqrt },
  "f32x4.add": { code: 0xe4, fold: (a, b) => a + b },
  "f32x4.sub": { code: 0xe5, fold: (a, b) => a - b },
  "f32x4.mul": { code: 0xe6, fold: (a, b) => a * b },
  "f32x4.div": { code: 0xe7, fold: (a, b) => a / b },
  // These two give NaN if one of both is; the next two, one instruction of the processor each, give the first one.
  "f32x4.min": { code: 0xe8, fold: Math.min },
  "f32x4.max": { code: 0xe9, fold: Math.max },
  "f32x4.pmin": { code: 0xea, fold: (a, b) => (b < a ? b : a) },
  "f32x4.pmax": { code: 0xeb, fold: (a, b) => (a < b ? b : a) },
  "i32x4.trunc_sat_f32x4_s": { code: 0xf8, fold: Math.trunc },
  "i32x4.trunc_sat_f32x4_u": { code: 0xf9, fold: Math.trunc },
  "f32x4.convert_i32x4_s": { code: 0xfa, fold: (a) => a },
  "f32x4.convert_i32x4_u": { code: 0xfb, fold: (a) => a },
};

/** Numbers may stand for constants of f32. */
export type Operand = GraphNode | number;

const bits = new DataView(new ArrayBuffer(4));
/** The bits of a constant, which for a mask are all or none. */
export function bitsOf({ lane, value }: GraphNode): number {
  if (lane === "f32") bits.setFloat32(0, value);
  else bits.setInt32(0, lane === "bool" ? -value : value);
  return bits.getInt32(0);
}

/** The value itself, where it is read as another type. */
export const plain = (x: GraphNode): GraphNode => (x.op === "cast" ? x.args[0]! : x);

export class Graph {
  readonly #known = new Map<string, GraphNode>();
  /** The zero that stands for what a cell does not have: times it is zero too, whatever the other factor. */
  readonly absent: GraphNode = this.#node("absent", { op: "const", lane: "f32", args: [], value: 0 });

  #node(key: string, node: Omit<GraphNode, "id">): GraphNode {
    const known = this.#known.get(key);
    if (known) return known;
    const made = { ...node, id: this.#known.size };
    this.#known.set(key, made);
    return made;
  }

  constant(lane: Lane, value: number): GraphNode {
    const held =
      lane === "f32"
        ? Math.fround(value)
        : lane === "u32"
          ? value >>> 0
          : lane === "bool"
            ? Number(value !== 0)
            : value | 0;
    return this.#node(`${lane} ${Object.is(held, -0) ? "-0" : held}`, { op: "const", lane, args: [], value: held });
  }

  /** The same bits, read as another type. Only the lane of an argument is ever asked of it: nodes are made of plain ones. */
  cast(lane: Lane, given: GraphNode): GraphNode {
    const x = plain(given);
    if (x.lane === lane) return x;
    if (x.op !== "const") return this.#node(`${lane} of ${x.id}`, { op: "cast", lane, args: [x], value: 0 });
    bits.setInt32(0, bitsOf(x));
    return this.constant(lane, lane === "f32" ? bits.getFloat32(0) : bits.getInt32(0));
  }

  load(stream: number): GraphNode {
    return this.#node(`load ${stream}`, { op: "load", lane: "f32", args: [], value: stream });
  }

  mean(x: GraphNode): GraphNode {
    if (x.op === "const") return x;
    const of = plain(x);
    return this.#node(`mean ${of.id}`, { op: "mean", lane: "f32", args: [of], value: 0 });
  }

  /** `distance` is that of a shift. */
  make(op: string, lane: Lane, args: readonly GraphNode[], distance = 0): GraphNode {
    const [a, b] = args as [GraphNode, GraphNode];
    const fold = instructions[op]!.fold;
    const simple = this.#simpler(op, a, b);
    if (simple) return simple;
    if (fold && args.every((arg) => arg.op === "const"))
      return this.constant(lane, Number(fold(a.value, b ? b.value : distance)));
    const of = args.map(plain);
    return this.#node(`${op} ${lane} ${of.map(({ id }) => id)} ${distance}`, { op, lane, args: of, value: distance });
  }

  /** What is one of the arguments, or zero because of one. (x + 0 is x, but for the sign of zero.) */
  #simpler(op: string, a: GraphNode, b: GraphNode): GraphNode | undefined {
    const is = (node: GraphNode, value: number) => node.op === "const" && node.value === value;
    const { absent } = this;
    if (op === "f32x4.add") return is(a, 0) ? b : is(b, 0) ? a : undefined;
    if (op === "f32x4.sub") return is(b, 0) ? a : a === absent ? this.neg(b) : undefined;
    if (op === "f32x4.mul") return a === absent || b === absent ? absent : is(a, 1) ? b : is(b, 1) ? a : undefined;
    if (op === "f32x4.div") return a === absent || is(b, 1) ? a : undefined;
    if (op === "f32x4.neg") return a === absent ? a : undefined;
    return undefined;
  }

  #f32(op: string, ...args: Operand[]): GraphNode {
    return this.make(
      `f32x4.${op}`,
      "f32",
      args.map((x) => this.operand(x)),
    );
  }

  operand(x: Operand): GraphNode {
    return typeof x === "number" ? this.constant("f32", x) : x.lane === "int" ? this.constant("f32", x.value) : x;
  }

  add = (a: Operand, b: Operand): GraphNode => this.#f32("add", a, b);
  sub = (a: Operand, b: Operand): GraphNode => this.#f32("sub", a, b);
  mul = (a: Operand, b: Operand): GraphNode => this.#f32("mul", a, b);
  div = (a: Operand, b: Operand): GraphNode => this.#f32("div", a, b);
  neg = (a: Operand): GraphNode => this.#f32("neg", a);
  abs = (a: Operand): GraphNode => this.#f32("abs", a);
  sqrt = (a: Operand): GraphNode => this.#f32("sqrt", a);
  min = (a: Operand, b: Operand): GraphNode => this.#f32("min", a, b);
  max = (a: Operand, b: Operand): GraphNode => this.#f32("max", a, b);
  round = (a: Operand): GraphNode => this.#f32("nearest", a);
  floor = (a: Operand): GraphNode => this.#f32("floor", a);
  ceil = (a: Operand): GraphNode => this.#f32("ceil", a);
  trunc = (a: Operand): GraphNode => this.#f32("trunc", a);

  /** x within two numbers, and NaN where x is NaN. */
  within(x: GraphNode, low: number, high: number): GraphNode {
    return this.#f32("pmax", this.#f32("pmin", x, high), low);
  }

  compare(op: "eq" | "ne" | "lt" | "gt" | "le" | "ge", a: Operand, b: Operand): GraphNode {
    return this.make(`f32x4.${op}`, "bool", [this.operand(a), this.operand(b)]);
  }

  not(x: GraphNode): GraphNode {
    if (x.op === "const") return this.constant(x.lane, x.lane === "bool" ? 1 - x.value : ~x.value);
    return this.make("v128.not", x.lane, [x]);
  }

  /** WGSL's order: where the condition is false, where it is true. */
  select(no: Operand, yes: Operand, condition: GraphNode): GraphNode {
    const [n, y] = [this.operand(no), this.operand(yes)];
    if (condition.op === "const") return condition.value ? y : n;
    return n === y ? n : this.make("v128.bitselect", n.lane, [y, n, condition]);
  }
}
