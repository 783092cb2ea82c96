/** Runs a compiled part of a cell, and the cell's float64 functions, on the same memory; tells where they differ. */
import { type FullCell, savedNames, type Unit, type Values } from "../../src/cells/index.ts";
import { forAllUnits, load, store } from "../../src/kernels/recurrent-twin.ts";
import { type CellPart, type CellVariant, compileCell } from "../../src/wasm/compile/cell-module.ts";
import { differences, Numbers } from "../support/against-twin.ts";

export const partsOf = (cell: FullCell): readonly CellPart[] =>
  cell.intermediate ? ["forward", "intermediate", "backward", "intermediateBackward"] : ["forward", "backward"];

/** A region of the memory: rows of vectors, and where they begin, in numbers. */
interface Region {
  readonly name: string;
  readonly at: number;
  readonly stride: number;
  readonly length: number;
}

type Run = (...args: readonly number[]) => void;

/** Instances of a module with memories of their own are made once for all shapes. */
export function instance(code: Uint8Array<ArrayBuffer>, pages = 1): { run: Run; memory: Float32Array } {
  const memory = new WebAssembly.Memory({ initial: pages });
  const made = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
  return { run: made.exports.run as Run, memory: new Float32Array(memory.buffer) };
}

/** How a variant is run. */
export interface Shape {
  readonly rows: number;
  readonly H: number;
  /** Gates are uniform in ± this. */
  readonly scale?: number;
  /** These numbers stand among the gates, or among gradients by the states. */
  readonly special?: readonly number[];
  /** The new states, and the gradients, take the place of the given ones. */
  readonly inPlace?: boolean;
}

/** States, and what forward saves, as a cell leaves them after three steps; in f32, for the units of a row. */
function left(cell: FullCell, H: number, direction: number, numbers: Numbers, learned: readonly Values[]) {
  const some = () =>
    Array.from({ length: H }, () => Object.fromEntries(cell.gates.map((gate) => [gate, numbers.floats(1)[0]!])));
  let prev: Values[] = Array.from({ length: H }, () => Object.fromEntries(cell.states.map((name) => [name, 0])));
  let before = prev;
  let saved: Values[] = [];
  for (let step = 0; step < 3; step++) {
    const [x, r] = [some(), some()];
    const states: Values[] = [];
    const slots: Values[] = [];
    forAllUnits(
      cell,
      H,
      direction,
      (u, unit) => cell.forward(x[u]!, r[u]!, prev[u]!, learned[u]!, unit),
      (u, made) => {
        states[u] = made.state;
        slots[u] = made.saved;
      },
    );
    [before, prev, saved] = [prev, states, slots];
  }
  return { prev: before, saved };
}

/** Where the compiled part and the cell's own functions differ; guards around what is written are compared bit for bit. */
export function faultsOf(
  cell: FullCell,
  variant: CellVariant,
  compiled: Exclude<ReturnType<typeof compileCell>, { refused: string }>,
  shape: Shape,
  tolerance: number,
): string[] {
  const { part, direction, save, hasBias } = variant;
  const { rows, H, scale = 1.5, special = [], inPlace = false } = shape;
  const numbers = new Numbers(`${cell.name} ${part} ${rows} ${H}`);
  const names = savedNames(cell);
  const learnedNames = cell.learned.map(({ name }) => name);
  const G = cell.gates.length;
  const last = cell.intermediate?.gates ?? 0;
  const padded = Math.ceil(H / 4) * 4;
  const { run, memory } = instance(compiled.code);
  const given = Float64Array.from(memory, (_, i) => 1000 + i);

  let end = 3;
  const regions: Region[] = [];
  /** Rows with a gap behind each, which is a guard. No address is one of a whole vector. */
  const region = (name: string, length: number, count = rows): Region => {
    const made = { name, at: end, stride: length + 5, length };
    end += count * made.stride + 7;
    regions.push(made);
    return made;
  };
  const gates = region("gates", names.length * H);
  const product = region("product", G * padded);
  const bias = region("bias", G * H, 1);
  const learned = region("learned", Math.max(1, learnedNames.length) * H, 1);
  const states = (name: string) => cell.states.map((state) => region(`${name} ${state}`, H));
  const prev = states("prev");
  const grad = states("grad");
  const next = inPlace ? prev : states("next");
  const through = inPlace ? grad : states("through");
  const vector = region("vector", H);
  const scratch = region("scratch", compiled.scratchBytes(H) / 4, 1);

  const fill = ({ at, stride, length }: Region, count: number, scaled = 1) => {
    for (let b = 0; b < count; b++) given.set(numbers.floats(length, scaled), at + b * stride);
  };
  fill(gates, rows, scale);
  fill(product, rows);
  fill(bias, 1);
  fill(learned, 1);
  for (const one of [...prev, ...grad, ...through, vector]) fill(one, rows);
  const ownOf = (u: number) => load({}, learnedNames, given, learned.at + u, H);
  const own = Array.from({ length: H }, (_, u) => ownOf(u));
  for (let b = 0; b < rows; b++) {
    const { prev: before, saved } = left(cell, H, direction, numbers, own);
    for (let u = 0; u < H; u++) {
      cell.states.forEach((name, s) => {
        given[prev[s]!.at + b * prev[s]!.stride + u] = before[u]![name]!;
      });
      if (part === "backward" || part === "intermediateBackward")
        store(names, saved[u]!, given, gates.at + b * gates.stride + u, H);
    }
  }
  const where = part === "backward" ? grad : part === "intermediateBackward" ? [vector] : [gates];
  special.forEach((value, i) => {
    const { at, length, stride } = where[i % where.length]!;
    given[at + (i % rows) * stride + ((7 * i) % length)] = value;
  });

  // What the float64 functions make of it.
  memory.set(given);
  const before = Float64Array.from(memory);
  const UNTOUCHED = 1e300;
  const expected = new Float64Array(memory.length).fill(UNTOUCHED);
  const finish = (what: Region, b: number, u: number, value: number) => {
    expected[what.at + b * what.stride + u] = value;
  };
  for (let b = 0; b < rows; b++) {
    const at = ({ at: first, stride }: Region, u: number) => first + b * stride + u;
    const statesAt = (of: readonly Region[], u: number): Values =>
      Object.fromEntries(cell.states.map((name, s) => [name, before[at(of[s]!, u)]!]));
    /** x and r, of the gates whose product this part is about. */
    const inputs = (u: number): [Values, Values] => {
      const x = load({}, cell.gates, before, at(gates, u), H);
      const isMade = (g: number) =>
        cell.recurrent && (part === "intermediate" ? g < G - last : last === 0 || g >= G - last);
      const r = Object.fromEntries(
        cell.gates.map((name, g) => [
          name,
          isMade(g) ? before[at(product, g * padded + u)]! + (hasBias ? before[bias.at + g * H + u]! : 0) : 0,
        ]),
      );
      return [x, r];
    };
    const all = <Result>(maths: (u: number, unit: Unit) => Result, done: (u: number, result: Result) => void) =>
      forAllUnits(cell, H, direction, maths, done);
    const writeStates = (to: readonly Region[], u: number, values: Values, add = false) =>
      cell.states.forEach((name, s) => {
        finish(to[s]!, b, u, values[name]! + (add ? before[at(to[s]!, u)]! : 0));
      });
    const slots = (u: number) => load({}, names, before, at(gates, u), H);
    if (part === "forward")
      all(
        (u, unit) => cell.forward(...inputs(u), statesAt(prev, u), own[u]!, unit),
        (u, made) => {
          writeStates(next, u, made.state);
          if (save) store(names, made.saved, expected, at(gates, u), H);
        },
      );
    else if (part === "intermediate") {
      const sums = (u: number): Values => {
        const [x, r] = inputs(u);
        return Object.fromEntries(cell.gates.map((name) => [name, x[name]! + r[name]!]));
      };
      all(
        (u, unit) => cell.intermediate!.forward(sums(u), statesAt(prev, u), own[u]!, unit),
        (u, value) => {
          finish(vector, b, u, value);
          store(cell.gates.slice(0, G - last), sums(u), expected, at(gates, u), H);
        },
      );
    } else if (part === "backward")
      all(
        (u, unit) => cell.backward(slots(u), statesAt(prev, u), statesAt(grad, u), own[u]!, unit),
        (u, made) => {
          store(names, made.grads, expected, at(gates, u), H);
          writeStates(through, u, made.state);
        },
      );
    else
      all(
        (u, unit) => cell.intermediate!.backward(slots(u), statesAt(prev, u), before[at(vector, u)]!, own[u]!, unit),
        (u, made) => {
          const complete = load({}, cell.gates.slice(G - last), before, at(gates, u + (G - last) * H), H);
          store(names, { ...made.grads, ...complete }, expected, at(gates, u), H);
          writeStates(through, u, made.state, true);
        },
      );
  }

  const bytes = (of: Region) => [4 * of.at, 4 * of.stride];
  const first = (of: Region) => 4 * of.at;
  const isForward = part === "forward" || part === "intermediate";
  run(
    ...[rows, H, ...bytes(gates)],
    ...(isForward ? [...bytes(product), first(bias)] : []),
    ...[first(learned), first(scratch)],
    ...prev.flatMap(bytes),
    ...(part === "forward" ? next.flatMap(bytes) : []),
    ...(part === "intermediate" ? bytes(vector) : []),
    ...(part === "backward" ? [...grad.flatMap(bytes), ...through.flatMap(bytes)] : []),
    ...(part === "intermediateBackward" ? [...bytes(vector), ...through.flatMap(bytes)] : []),
  );
  // What is written may be what was there; everything else is a guard.
  expected.forEach((value, i) => {
    if (value === UNTOUCHED) expected[i] = before[i]!;
    else before[i] = Number.NaN;
  });
  // Scratch memory is the part's own.
  expected.set(memory.subarray(scratch.at, scratch.at + scratch.length), scratch.at);
  return regions.flatMap((one, i) => {
    const [from, to] = [i === 0 ? 0 : one.at, regions[i + 1]?.at ?? memory.length];
    return differences(
      `${cell.name} ${JSON.stringify({ ...variant, ...shape })}: ${one.name}`,
      { before: before.subarray(from, to), expected: expected.subarray(from, to), got: memory.subarray(from, to) },
      tolerance,
    );
  });
}

/** The module of a variant; a cell that is refused fails the test. */
export function compiledOf(cell: FullCell, variant: CellVariant) {
  const compiled = compileCell(cell, variant);
  if ("refused" in compiled) throw new Error(`${cell.name} ${variant.part}: ${compiled.refused}`);
  return compiled;
}
