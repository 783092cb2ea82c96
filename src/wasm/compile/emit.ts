import { bitsOf, type GraphNode, instructions } from "./graph.ts";
import { type Schedule, schedule } from "./phases.ts";

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
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  i32: 0x41,
  f32: 0x43,
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
const [NO_RESULT] = [0x40];
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
/** The index of `run`, and of the function above. */
const [RUN, STORE_PART] = [0, 1];

class Emitter {
  readonly #routine: Routine;
  readonly #schedule: Schedule;
  /** Streams with an address of their own, which is made for each row. */
  readonly #addresses = new Map<string, { readonly stream: Stream; readonly local: number }>();
  /** Of values that are read more than once, of constants and of means. */
  readonly #locals = new Map<GraphNode, number>();
  readonly #constants: GraphNode[] = [];
  readonly #spills: GraphNode[] = [];
  #localCount: number;
  #vectorCount = 0;
  readonly #bytes: number;
  readonly #paddedBytes: number;
  readonly #at: number;
  #phase = 0;
  /** How often a value is read in this phase, and what of it is in its local already. */
  #uses = new Map<GraphNode, number>();
  #made = new Set<GraphNode>();

  constructor(routine: Routine) {
    this.#routine = routine;
    this.#schedule = schedule(routine.stores.map(({ value }) => value));
    this.#localCount = routine.paramCount;
    // H in bytes, the same rounded up, and how far a word is from the first one.
    [this.#bytes, this.#paddedBytes, this.#at] = [this.#local(), this.#local(), this.#local()];
    for (const { spilled } of this.#schedule.phases) this.#spills.push(...spilled);
    // Vectors have locals behind those of all addresses.
    for (const stream of [
      ...routine.streams,
      ...routine.stores.map(({ to }) => to),
      ...this.#spills.map((_, i) => this.#scratchAt(i)),
    ])
      this.#addressOf(stream);
  }

  get spills(): number {
    return this.#spills.length;
  }

  #local(): number {
    return this.#localCount++;
  }

  #vectorLocal(): number {
    this.#vectorCount++;
    return this.#local();
  }

  #scratchAt(slot: number): Stream {
    return { param: this.#routine.scratch, slot, isPadded: true };
  }

  #addressOf(stream: Stream): number {
    const { param, slot, isPadded } = stream;
    if (slot === 0) return param;
    const key = `${param} ${slot} ${isPadded}`;
    const known = this.#addresses.get(key);
    if (known) return known.local;
    const local = this.#local();
    this.#addresses.set(key, { stream, local });
    return local;
  }

  /** The address of the word that the loop is at. */
  #wordOf(stream: Stream): number[] {
    return [...get(this.#addressOf(stream)), ...get(this.#at), op.add];
  }

  /** The arguments that a value is made of in this phase: none where it is known from an earlier one. */
  #argsOf(node: GraphNode): readonly GraphNode[] {
    return node.op === "mean" || this.#isFromScratch(node) ? [] : node.args;
  }

  #isFromScratch(node: GraphNode): boolean {
    return this.#schedule.isSpilled(node) && this.#schedule.level(node) < this.#phase;
  }

  #count(node: GraphNode): void {
    const uses = this.#uses.get(node) ?? 0;
    this.#uses.set(node, uses + 1);
    if (uses === 0) for (const arg of this.#argsOf(node)) this.#count(arg);
  }

  /** Leaves a value on the stack. */
  #value(node: GraphNode): number[] {
    if (this.#made.has(node) || node.op === "mean") return get(this.#locals.get(node)!);
    if (node.op === "const") {
      if (!this.#locals.has(node)) {
        this.#locals.set(node, this.#vectorLocal());
        this.#constants.push(node);
      }
      return get(this.#locals.get(node)!);
    }
    const code = this.#operation(node);
    if (this.#uses.get(node)! < 2) return code;
    if (!this.#locals.has(node)) this.#locals.set(node, this.#vectorLocal());
    this.#made.add(node);
    return [...code, op.tee, ...unsigned(this.#locals.get(node)!)];
  }

  #operation(node: GraphNode): number[] {
    const { routine, spilled } = { routine: this.#routine, spilled: this.#spills };
    if (node.op === "load") return [...this.#wordOf(routine.streams[node.value]!), ...access(vector.load, 2)];
    if (this.#isFromScratch(node))
      return [...this.#wordOf(this.#scratchAt(spilled.indexOf(node))), ...access(vector.load, 2)];
    const shift = /\.sh[lr]/.test(node.op) ? i32(node.value) : [];
    return [...node.args.flatMap((arg) => this.#value(arg)), ...shift, ...simd(instructions[node.op]!.code)];
  }

  /** Bytes of the row from this word on. */
  get #left(): number[] {
    return [...get(this.#bytes), ...get(this.#at), op.sub];
  }

  #phaseCode(phase: number): number[] {
    const { means, spilled } = this.#schedule.phases[phase]!;
    const stores = phase === this.#schedule.phases.length - 1 ? this.#routine.stores : [];
    this.#phase = phase;
    this.#uses = new Map();
    this.#made = new Set();
    // A store reads its value from a local: all are made before the first is stored.
    for (const node of [...means.map(({ args }) => args[0]!), ...spilled, ...stores.map(({ value }) => value)]) {
      this.#count(node);
      if (node.op !== "const") this.#uses.set(node, this.#uses.get(node)! + 1);
    }
    for (const mean of means) this.#locals.set(mean, this.#vectorLocal());
    const zero = [...i32(0), ...simd(vector.i32Splat)];
    const code = means.flatMap((mean) => [...zero, ...set(this.#locals.get(mean)!)]);
    code.push(...i32(0), ...set(this.#at), op.loop, NO_RESULT);
    for (const node of spilled) {
      const stored = this.#value(node);
      code.push(...this.#wordOf(this.#scratchAt(this.#spills.indexOf(node))), ...stored, ...access(vector.store, 2));
    }
    for (const mean of means) code.push(...this.#accumulated(mean));
    code.push(...this.#stored(stores));
    code.push(
      ...increase(this.#at, i32(16)),
      ...get(this.#at),
      ...get(this.#bytes),
      op.lessUnsigned,
      op.branchIf,
      0,
      op.end,
    );
    for (const mean of means) code.push(...this.#divided(this.#locals.get(mean)!));
    return code;
  }

  /** Adds the four units of a word, as far as there are four. */
  #accumulated(mean: GraphNode): number[] {
    const sum = get(this.#locals.get(mean)!);
    const lanes = [...simd(vector.constant), ...[0, 4, 8, 12].flatMap(little)];
    const isUnit = [...lanes, ...this.#left, ...simd(vector.i32Splat), ...simd(instructions["i32x4.lt_s"]!.code)];
    const own = [...this.#value(mean.args[0]!), ...isUnit, ...simd(instructions["v128.and"]!.code)];
    return [...sum, ...own, ...simd(instructions["f32x4.add"]!.code), ...set(this.#locals.get(mean)!)];
  }

  /** Makes the mean of four sums. */
  #divided(local: number): number[] {
    const lane = (i: number) => [...get(local), ...simd(vector.f32Lane), i];
    const sum = [...lane(0), ...lane(1), op.f32Add, ...lane(2), op.f32Add, ...lane(3), op.f32Add];
    return [...sum, ...get(H), op.f32OfI32, op.f32Div, ...simd(vector.f32Splat), ...set(local)];
  }

  #stored(stores: readonly Store[]): number[] {
    const drop = 0x1a;
    if (stores.length === 0) return [];
    const code: number[] = [];
    for (const { value } of stores)
      if (value.op !== "const" && !this.#made.has(value)) code.push(...this.#value(value), drop);
    code.push(...this.#left, ...i32(15), op.greaterUnsigned, op.if, NO_RESULT);
    for (const { to, value } of stores)
      code.push(...this.#wordOf(to), ...this.#value(value), ...access(vector.store, 2));
    code.push(op.else);
    for (const { to, value } of stores)
      code.push(...this.#wordOf(to), ...this.#value(value), ...this.#left, op.call, STORE_PART);
    return [...code, op.end];
  }

  /** The bytes of `run`: its locals and its code. */
  run(): number[] {
    const { strides } = this.#routine;
    const addresses = [...this.#addresses.values()].flatMap(({ stream, local }) => {
      const vectorBytes = get(stream.isPadded ? this.#paddedBytes : this.#bytes);
      return [...get(stream.param), ...vectorBytes, ...i32(stream.slot), op.mul, op.add, ...set(local)];
    });
    const phases = this.#schedule.phases.flatMap((_, phase) => this.#phaseCode(phase));
    const advance = strides.flatMap(([param, stride]) => increase(param, get(stride)));
    const constants = this.#constants.flatMap((node) => {
      const splat =
        node.lane === "f32"
          ? [op.f32, ...little(bitsOf(node)), ...simd(vector.f32Splat)]
          : [...i32(bitsOf(node)), ...simd(vector.i32Splat)];
      return [...splat, ...set(this.#locals.get(node)!)];
    });
    const scalars = this.#localCount - this.#vectorCount - this.#routine.paramCount;
    return [
      ...[2, ...unsigned(scalars), I32, ...unsigned(this.#vectorCount), V128],
      ...[...get(H), ...i32(2), op.shl, ...set(this.#bytes)],
      ...[...get(this.#bytes), ...i32(15), op.add, ...i32(-16), op.and, ...set(this.#paddedBytes)],
      ...constants,
      ...[op.block, NO_RESULT, ...get(ROWS), op.isZero, op.branchIf, 0],
      ...[op.loop, NO_RESULT, ...addresses, ...phases, ...advance],
      ...[...get(ROWS), ...i32(1), op.sub, op.tee, ...unsigned(ROWS), op.branchIf, 0, op.end, op.end],
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
  return { code: Uint8Array.from(module), spills: emitter.spills };
}
