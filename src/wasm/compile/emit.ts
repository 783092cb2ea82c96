import { bitsOf, type GraphNode, instructions } from "./graph.ts";
import { type Phase, type Schedule, schedule } from "./phases.ts";

// A graph as a WebAssembly module: a loop over rows, and in it one over words of four units for each phase.

/** Where a vector [H] of every row lies: `slot` vectors behind the address in parameter `param`. */
export interface Stream {
  readonly param: number;
  readonly slot: number;
  /** Vectors are H long, or rounded up to a multiple of four. */
  readonly isPadded: boolean;
}

export interface Store {
  readonly to: Stream;
  readonly value: GraphNode;
}

export interface Routine {
  /** All are i32; the first two are the number of rows and H. */
  readonly paramCount: number;
  /** Addresses that go on from row to row, and the parameters that say how far. */
  readonly strides: readonly (readonly [param: number, stride: number])[];
  readonly scratch: number;
  /** What the `load` nodes of the graph read. */
  readonly streams: readonly Stream[];
  readonly stores: readonly Store[];
}

const [I32, V128, FUNCTION] = [0x7f, 0x7b, 0x60];
const [ROWS, H] = [0, 1];
const op = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  branchIf: 0x0d,
  call: 0x10,
  drop: 0x1a,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32: 0x41,
  isZero: 0x45,
  lessUnsigned: 0x49,
  greaterUnsigned: 0x4b,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  and: 0x71,
  shl: 0x74,
  f32Add: 0x92,
  f32Div: 0x95,
  f32OfI32: 0xb3,
  vector: 0xfd,
} as const;
const NO_RESULT = 0x40;
const vector = {
  load: 0x00,
  store: 0x0b,
  i32Splat: 0x11,
  f32Splat: 0x13,
  f32Lane: 0x1f,
  store32: 0x5a,
  store64: 0x5b,
  constant: 0x0c,
};

function unsigned(value: number): number[] {
  const rest = value >>> 7;
  return rest === 0 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...unsigned(rest)];
}
function signed(value: number): number[] {
  const [low, rest] = [value & 0x7f, value >> 7];
  return rest === (low & 0x40 ? -1 : 0) ? [low] : [low | 0x80, ...signed(rest)];
}
const little = (bits: number): number[] => [bits & 0xff, (bits >> 8) & 0xff, (bits >> 16) & 0xff, bits >>> 24];

const get = (local: number): number[] => [op.get, ...unsigned(local)];
const set = (local: number): number[] => [op.set, ...unsigned(local)];
const i32 = (value: number): number[] => [op.i32, ...signed(value)];
const simd = (code: number): number[] => [op.vector, ...unsigned(code)];
const instruction = (name: string): number[] => simd(instructions[name]!.code);
/** Of memory: alignment as a power of two, and an offset. */
const access = (code: number, align: number, offset = 0): number[] => [...simd(code), align, ...unsigned(offset)];
const increase = (local: number, by: readonly number[]): number[] => [...get(local), ...by, op.add, ...set(local)];

/** (address, value, bytes): stores the first 4, 8 or 12 bytes. */
const storePart: readonly number[] = [
  ...[...get(2), ...i32(8), op.and, op.if, NO_RESULT],
  ...[...get(0), ...get(1), ...access(vector.store64, 2), 0],
  ...[...get(2), ...i32(4), op.and, op.if, NO_RESULT],
  ...[...get(0), ...get(1), ...access(vector.store32, 2, 8), 2, op.end],
  ...[op.else, ...get(0), ...get(1), ...access(vector.store32, 2), 0, op.end],
];
const keyOf = ({ param, slot, isPadded }: Stream): string => `${param} ${slot} ${isPadded}`;

/** The index of `run`, and of the function above. */
const [RUN, STORE_PART] = [0, 1];

class Emitter {
  readonly #routine: Routine;
  readonly #schedule: Schedule;
  /** Vectors of scratch memory that an earlier phase leaves to later ones. */
  readonly spills: readonly GraphNode[];
  /** Streams with an address of their own, which is made for each row. */
  readonly #addresses = new Map<string, { readonly stream: Stream; readonly local: number }>();
  /** Of values that are read more than once, of constants and of means. */
  readonly #locals = new Map<GraphNode, number>();
  #localCount: number;
  #vectorCount = 0;
  readonly #bytes: number;
  readonly #paddedBytes: number;
  readonly #at: number;
  readonly #code: number[] = [];
  #phase = 0;
  /** How often a value is read in this phase, and what of it is in its local already. */
  #uses = new Map<GraphNode, number>();
  #made = new Set<GraphNode>();

  constructor(routine: Routine) {
    this.#routine = routine;
    this.#schedule = schedule(routine.stores.map(({ value }) => value));
    this.spills = this.#schedule.phases.flatMap(({ spilled }) => spilled);
    this.#localCount = routine.paramCount;
    // H in bytes, the same rounded up, and how far a word is from the first one.
    [this.#bytes, this.#paddedBytes, this.#at] = [this.#localCount++, this.#localCount++, this.#localCount++];
    const streams = [...routine.streams, ...routine.stores.map(({ to }) => to)];
    for (const stream of [...streams, ...this.spills.map((node) => this.#scratchOf(node))]) {
      const key = keyOf(stream);
      if (stream.slot > 0 && !this.#addresses.has(key)) this.#addresses.set(key, { stream, local: this.#localCount++ });
    }
  }

  #put(...code: readonly (number | readonly number[])[]): void {
    for (const one of code) {
      if (typeof one === "number") this.#code.push(one);
      else this.#code.push(...one);
    }
  }

  /** The local of a vector; all of them follow those of addresses. */
  #localOf(node: GraphNode): number {
    let local = this.#locals.get(node);
    if (local === undefined) {
      local = this.#localCount++;
      this.#vectorCount++;
      this.#locals.set(node, local);
    }
    return local;
  }

  #scratchOf(node: GraphNode): Stream {
    return { param: this.#routine.scratch, slot: this.spills.indexOf(node), isPadded: true };
  }

  /** Puts the address of the word that the loop is at. */
  #word(stream: Stream): void {
    this.#put(get(this.#addresses.get(keyOf(stream))?.local ?? stream.param), get(this.#at), op.add);
  }

  /** Puts how many bytes of the row there are from this word on. */
  #left(): void {
    this.#put(get(this.#bytes), get(this.#at), op.sub);
  }

  #isFromScratch(node: GraphNode): boolean {
    return this.#schedule.isSpilled(node) && this.#schedule.level(node) < this.#phase;
  }

  /** Counts the uses of a value, and of what it is made of in this phase. */
  #count(node: GraphNode): void {
    const uses = this.#uses.get(node) ?? 0;
    this.#uses.set(node, uses + 1);
    if (uses === 0 && node.op !== "mean" && !this.#isFromScratch(node)) for (const arg of node.args) this.#count(arg);
  }

  /** Puts a value on the stack. */
  #value(node: GraphNode): void {
    if (this.#made.has(node) || node.op === "mean" || node.op === "const") {
      this.#put(get(this.#localOf(node)));
      return;
    }
    if (node.op === "load" || this.#isFromScratch(node)) {
      this.#word(node.op === "load" ? this.#routine.streams[node.value]! : this.#scratchOf(node));
      this.#put(access(vector.load, 2));
    } else {
      for (const arg of node.args) this.#value(arg);
      if (/\.sh[lr]/.test(node.op)) this.#put(i32(node.value));
      this.#put(simd(instructions[node.op]!.code));
    }
    if (this.#uses.get(node)! < 2) return;
    this.#made.add(node);
    this.#put(op.tee, unsigned(this.#localOf(node)));
  }

  /** One time through a row. */
  #through({ means, spilled }: Phase, stores: readonly Store[]): void {
    this.#uses = new Map();
    this.#made = new Set();
    for (const node of [...means.flatMap(({ args }) => args), ...spilled]) this.#count(node);
    for (const { value } of stores) {
      this.#count(value);
      // It is made before the first is stored, and so in a local.
      this.#count(value);
    }
    for (const mean of means) this.#put(i32(0), simd(vector.i32Splat), set(this.#localOf(mean)));
    this.#put(i32(0), set(this.#at), op.loop, NO_RESULT);
    for (const node of spilled) {
      this.#word(this.#scratchOf(node));
      this.#value(node);
      this.#put(access(vector.store, 2));
    }
    for (const mean of means) this.#accumulate(mean);
    if (stores.length > 0) this.#store(stores);
    this.#put(increase(this.#at, i32(16)), get(this.#at), get(this.#bytes), op.lessUnsigned, op.branchIf, 0, op.end);
    for (const mean of means) this.#divide(this.#localOf(mean));
  }

  /** Adds the units of a word to four sums. */
  #accumulate(mean: GraphNode): void {
    const sum = this.#localOf(mean);
    this.#put(get(sum));
    this.#value(mean.args[0]!);
    // Lanes that are units of the row: where their distance from this word is less than what is left.
    this.#put(simd(vector.constant), [0, 4, 8, 12].flatMap(little));
    this.#left();
    this.#put(
      simd(vector.i32Splat),
      instruction("i32x4.lt_s"),
      instruction("v128.and"),
      instruction("f32x4.add"),
      set(sum),
    );
  }

  /** Makes the mean of four sums. */
  #divide(local: number): void {
    const lane = (i: number) => [...get(local), ...simd(vector.f32Lane), i];
    this.#put(lane(0), lane(1), op.f32Add, lane(2), op.f32Add, lane(3), op.f32Add);
    this.#put(get(H), op.f32OfI32, op.f32Div, simd(vector.f32Splat), set(local));
  }

  #store(stores: readonly Store[]): void {
    for (const { value } of stores) {
      if (value.op === "const" || value.op === "mean" || this.#made.has(value)) continue;
      this.#value(value);
      this.#put(op.drop);
    }
    this.#left();
    this.#put(i32(15), op.greaterUnsigned, op.if, NO_RESULT);
    for (const { to, value } of stores) {
      this.#word(to);
      this.#value(value);
      this.#put(access(vector.store, 2));
    }
    this.#put(op.else);
    for (const { to, value } of stores) {
      this.#word(to);
      this.#value(value);
      this.#left();
      this.#put(op.call, STORE_PART);
    }
    this.#put(op.end);
  }

  /** The locals of `run`, and its code. */
  run(): number[] {
    this.#put(op.block, NO_RESULT, get(ROWS), op.isZero, op.branchIf, 0, op.loop, NO_RESULT);
    for (const { stream, local } of this.#addresses.values()) {
      const length = get(stream.isPadded ? this.#paddedBytes : this.#bytes);
      this.#put(get(stream.param), length, i32(stream.slot), op.mul, op.add, set(local));
    }
    const { phases } = this.#schedule;
    for (const [i, phase] of phases.entries()) {
      this.#phase = i;
      this.#through(phase, i === phases.length - 1 ? this.#routine.stores : []);
    }
    for (const [param, stride] of this.#routine.strides) this.#put(increase(param, get(stride)));
    this.#put(get(ROWS), i32(1), op.sub, op.tee, ROWS, op.branchIf, 0, op.end, op.end);

    const scalars = this.#localCount - this.#vectorCount - this.#routine.paramCount;
    const constants = [...this.#locals].filter(([{ op: kind }]) => kind === "const");
    return [
      ...[2, ...unsigned(scalars), I32, ...unsigned(this.#vectorCount), V128],
      ...[...get(H), ...i32(2), op.shl, ...set(this.#bytes)],
      ...[...get(this.#bytes), ...i32(15), op.add, ...i32(-16), op.and, ...set(this.#paddedBytes)],
      ...constants.flatMap(([node, local]) => [...i32(bitsOf(node)), ...simd(vector.i32Splat), ...set(local)]),
      ...this.#code,
    ];
  }
}

const counted = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);

/** The module, which imports env.memory and exports `run`, and how many vectors of scratch memory it needs. */
export function emit(routine: Routine): { code: Uint8Array<ArrayBuffer>; spills: number } {
  const emitter = new Emitter(routine);
  const params = Array.from({ length: routine.paramCount }, () => [I32]);
  const sections: readonly (readonly [id: number, content: readonly number[]])[] = [
    [
      1,
      counted([
        [FUNCTION, ...counted(params), 0],
        [FUNCTION, ...counted([[I32], [V128], [I32]]), 0],
      ]),
    ],
    [2, counted([[...text("env"), ...text("memory"), 0x02, 0x00, 0x01]])],
    [3, counted([[RUN], [STORE_PART]])],
    [7, counted([[...text("run"), 0x00, RUN]])],
    [10, counted([emitter.run(), [0, ...storePart]].map((body) => sized([...body, op.end])))],
  ];
  const module = [
    0x00,
    0x61,
    0x73,
    0x6d,
    0x01,
    0x00,
    0x00,
    0x00,
    ...sections.flatMap(([id, bytes]) => [id, ...sized(bytes)]),
  ];
  return { code: Uint8Array.from(module), spills: emitter.spills.length };
}
