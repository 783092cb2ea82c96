import { type FullCell, savedNames, type Unit, type Values } from "../cells/cell.ts";
import { forAllUnits } from "../kernels/recurrent-twin.ts";
import type { RandomStream } from "../random.ts";

// A cell's backward against central differences of its forward, in float64, for one step of a few units.

/** How wide the random numbers of a state are. */
export type Ranges = Readonly<Record<string, readonly [low: number, high: number]>>;

/** Everything that one step of a row of units depends on. */
interface Point {
  readonly x: readonly Values[];
  readonly r: readonly Values[];
  readonly prev: readonly Values[];
  readonly learned: readonly Values[];
  /** By gate with an intermediate product: the matrix that multiplies the intermediate vector. */
  readonly mix: Readonly<Record<string, readonly (readonly number[])[]>>;
}

type Variable = readonly [of: "x" | "r" | "prev" | "learned", name: string];

const UNITS = 3;
const STEP = 1e-5;
const TOLERANCE = 1e-6;

const units = Array.from({ length: UNITS }, (_, u) => u);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const intermediateGates = ({ gates, intermediate }: FullCell) => (intermediate ? gates.slice(-intermediate.gates) : []);
/** Gates whose `r` the cell sees: none without R; with an intermediate product those that have it. */
const gatesWithR = (cell: FullCell) => (cell.intermediate ? intermediateGates(cell) : cell.recurrent ? cell.gates : []);

function pointOf(cell: FullCell, random: RandomStream, ranges: Ranges): Point {
  const between = (low: number, high: number) => low + (high - low) * random.next();
  const rows = (names: readonly string[], range: (name: string) => readonly [number, number]): Values[] =>
    units.map(() => Object.fromEntries(names.map((name) => [name, between(...range(name))])));
  const withR = gatesWithR(cell);
  return {
    x: rows(cell.gates, () => [-2, 2]),
    r: rows(cell.gates, (gate) => (withR.includes(gate) ? [-1, 1] : [0, 0])),
    prev: rows(cell.states, (state) => ranges[state] ?? [-1, 1]),
    learned: rows(
      cell.learned.map(({ name }) => name),
      () => [-1, 1],
    ),
    mix: Object.fromEntries(
      intermediateGates(cell).map((gate) => [gate, units.map(() => units.map(() => between(-1, 1)))]),
    ),
  };
}

/** What a cell's functions read and nobody gave them, in words. */
class Misread {
  /** Names that do not exist. */
  readonly unknown = new Set<string>();
  /** Slots that the function before did not return: they are zero, as in memory. */
  readonly left = new Set<string>();
  readonly #cell: FullCell;

  constructor(cell: FullCell) {
    this.#cell = cell;
  }

  /** Values as `fn` gets them under the name `what`. `from`: the function that returned them, as its `member`. */
  watch(fn: string, what: string, values: Values, from?: string, member?: string): Values {
    const { absent } = this.#cell;
    const known = from === undefined ? Object.keys(values) : savedNames(this.#cell);
    const expected = [...known, ...(absent?.gates ?? []), ...(absent?.learned ?? []), "toJSON"];
    return new Proxy(values, {
      get: (target, name) => {
        if (typeof name === "symbol" || name in target) return Reflect.get(target, name);
        if (from !== undefined && known.includes(name)) {
          this.left.add(`${fn} reads saved.${name}, which ${from} did not return in ${member}`);
          return 0;
        }
        if (!expected.includes(name))
          this.unknown.add(
            `${fn} reads ${what}.${name}, ${known.length > 0 ? `which is none of ${known.join(", ")}` : "and there are none"}`,
          );
        return undefined;
      },
    });
  }
}

/** Runs a function of every unit of the row. */
function ofUnits<T>(cell: FullCell, direction: number, maths: (u: number, unit: Unit) => T): T[] {
  const results: T[] = [];
  forAllUnits(cell, UNITS, direction, maths, (u, result) => {
    results[u] = result;
  });
  return results;
}

/** The step forward of all units. */
function forward(cell: FullCell, { x, r, prev, learned, mix }: Point, direction: number, misread: Misread) {
  const { intermediate } = cell;
  const given = (fn: string, what: string, values: Values) => misread.watch(fn, what, { ...values });
  let products = r;
  if (intermediate) {
    const fn = "intermediate.forward";
    const vector = ofUnits(cell, direction, (u, unit) =>
      intermediate.forward(given(fn, "x", x[u]!), given(fn, "prev", prev[u]!), given(fn, "learned", learned[u]!), unit),
    );
    products = units.map((u) => {
      const product = (gate: string) => sum(vector.map((value, v) => mix[gate]![u]![v]! * value));
      return {
        ...r[u]!,
        ...Object.fromEntries(intermediateGates(cell).map((gate) => [gate, r[u]![gate]! + product(gate)])),
      };
    });
  }
  return ofUnits(cell, direction, (u, unit) => {
    const gates = given("forward", "x", x[u]!);
    return cell.forward(
      gates,
      given("forward", "r", products[u]!),
      given("forward", "prev", prev[u]!),
      given("forward", "learned", learned[u]!),
      unit,
    );
  });
}

/** What the cell's functions return that the engine has no place for, and what they leave out. */
function misnamed(cell: FullCell, step: { state: Values; saved?: Values; grads?: Values }, of: string): string[] {
  const slots = [...savedNames(cell), ...(cell.absent?.gates ?? []), ...(cell.absent?.learned ?? [])];
  const member = step.saved ? "saved" : "grads";
  const inSlots = step.saved ?? step.grads!;
  const extra = (values: Values, what: string, known: readonly string[]) =>
    Object.keys(values)
      .filter((name) => !known.includes(name))
      .map((name) => `${of} returns ${what}.${name}, which is none of ${known.join(", ")}`);
  const finite = (values: Values, what: string) =>
    Object.entries(values)
      .filter(([, value]) => !Number.isFinite(value))
      .map(([name, value]) => `${of} returns ${what}.${name} = ${value}`);
  return [
    ...extra(step.state, "state", cell.states),
    ...extra(inSlots, member, slots),
    ...finite(step.state, "state"),
    ...finite(inSlots, member),
    ...(of === "forward"
      ? cell.states.filter((s) => !(s in step.state)).map((s) => `forward returns no state.${s}`)
      : []),
  ];
}

/** What the engine hands on between two functions: all slots, zero where the cell gave none. */
const inMemory = (cell: FullCell, given: Values): Values =>
  Object.fromEntries(savedNames(cell).map((name) => [name, given[name] ?? 0]));

/** The gradients of one step: by all slots, and by the previous state. */
function backward(
  cell: FullCell,
  point: Point,
  seeds: readonly Values[],
  direction: number,
  misread: Misread,
  faults: string[],
) {
  const { prev, learned, mix } = point;
  const { intermediate } = cell;
  const given = (fn: string, what: string, values: Values) => misread.watch(fn, what, { ...values });
  const saved = (fn: string, values: Values, from: string, member: string) => {
    const slots = savedNames(cell).filter((name) => name in values);
    return misread.watch(fn, "saved", Object.fromEntries(slots.map((name) => [name, values[name]!])), from, member);
  };
  const steps = forward(cell, point, direction, misread);
  const first = ofUnits(cell, direction, (u, unit) => {
    const [before, grad] = [given("backward", "prev", prev[u]!), given("backward", "grad", seeds[u]!)];
    return cell.backward(
      saved("backward", steps[u]!.saved, "forward", "saved"),
      before,
      grad,
      given("backward", "learned", learned[u]!),
      unit,
    );
  });
  faults.push(...misnamed(cell, first[0]!, "backward"));
  const grads = first.map((step) => inMemory(cell, step.grads));
  if (!intermediate) return { grads, state: first.map(({ state }) => state) };
  const byVector = units.map((v) =>
    sum(intermediateGates(cell).flatMap((gate) => units.map((u) => mix[gate]![u]![v]! * grads[u]![gate]!))),
  );
  const second = ofUnits(cell, direction, (u, unit) => {
    const fn = "intermediate.backward";
    return intermediate.backward(
      saved(fn, first[u]!.grads, "backward", "grads"),
      given(fn, "prev", prev[u]!),
      byVector[u]!,
      given(fn, "learned", learned[u]!),
      unit,
    );
  });
  faults.push(...misnamed(cell, second[0]!, "intermediate.backward"));
  return {
    grads: second.map((step) => inMemory(cell, step.grads)),
    state: units.map((u) =>
      Object.fromEntries(cell.states.map((s) => [s, (first[u]!.state[s] ?? 0) + (second[u]!.state[s] ?? 0)])),
    ),
  };
}

/** A derivative that is not what differences say. */
export interface Wrong {
  /** A state, or all of them at once. */
  readonly of: string;
  readonly by: string;
  readonly got: number;
  readonly expected: number;
  readonly unit: number;
  readonly direction: number;
}

export interface Comparison {
  readonly compared: number;
  /** Names and numbers that cannot be; the rest was then not compared. */
  readonly misuse: readonly string[];
  /** Slots that are read and were not returned before: reasons, if something is wrong. */
  readonly left: readonly string[];
  readonly wrong: readonly Wrong[];
}

const allStates = "all states";

/** All derivatives of a step by all that it depends on, at one random point. */
export function againstDifferences(cell: FullCell, random: RandomStream, ranges: Ranges): Comparison {
  const point = pointOf(cell, random, ranges);
  const variables: Variable[] = [
    ...cell.gates.map((name): Variable => ["x", name]),
    ...gatesWithR(cell).map((name): Variable => ["r", name]),
    ...cell.states.map((name): Variable => ["prev", name]),
    ...cell.learned.map(({ name }): Variable => ["learned", name]),
  ];
  // Where units meet, ones could cancel out: a normalised sum is zero whatever it is of.
  const meets = cell.acrossUnits || cell.intermediate !== undefined;
  const seedOf = (on: boolean, random_: boolean) => (on ? (random_ ? 0.5 + random.next() : 1) : 0);
  const passes = [
    ...cell.states.map((of) => ({
      of,
      seeds: units.map(() => Object.fromEntries(cell.states.map((s) => [s, seedOf(s === of, meets)]))),
    })),
    {
      of: cell.states.length > 1 ? allStates : cell.states[0]!,
      seeds: units.map(() => Object.fromEntries(cell.states.map((s) => [s, 2 * random.next() - 1]))),
    },
  ];
  const misread = new Misread(cell);
  const wrong: Wrong[] = [];
  let compared = 0;
  const result = (faults: readonly string[]): Comparison => ({
    compared,
    wrong,
    left: [...misread.left],
    misuse:
      misread.unknown.size > 0 ? [...misread.unknown] : faults.length > 0 ? [...misread.left, ...new Set(faults)] : [],
  });
  const faults = misnamed(cell, forward(cell, point, 0, misread)[0]!, "forward");
  if (faults.length > 0 || misread.unknown.size > 0) return result(faults);
  for (const direction of [0, 1]) {
    for (const { of, seeds } of passes) {
      const gradient = backward(cell, point, seeds, direction, misread, faults);
      if (faults.length > 0 || misread.unknown.size > 0) return result(faults);
      const measure = () => {
        const steps = forward(cell, point, direction, misread);
        return sum(steps.flatMap(({ state }, u) => cell.states.map((s) => seeds[u]![s]! * state[s]!)));
      };
      for (const [kind, name] of variables) {
        for (const unit of units) {
          const values = point[kind][unit]!;
          const value = values[name]!;
          const at = (moved: number) => {
            values[name] = moved;
            return measure();
          };
          const expected = (at(value + STEP) - at(value - STEP)) / (2 * STEP);
          values[name] = value;
          const got = gradientBy(cell, gradient, kind, name, unit);
          compared++;
          if (!(Math.abs(got - expected) <= TOLERANCE * (1 + Math.abs(expected))))
            wrong.push({ of, by: `${kind}.${name}`, got, expected, unit, direction });
        }
      }
    }
  }
  return result([]);
}

const show = (value: number): string => String(Number(value.toPrecision(7)));

/** Each derivative once, where it is furthest from what differences say: in the first direction, if it is wrong there. */
export function inWords(wrong: readonly Wrong[]): string[] {
  const distance = ({ got, expected }: Wrong) => {
    const difference = Math.abs(got - expected);
    return Number.isNaN(difference) ? Infinity : difference;
  };
  const isWorse = (one: Wrong, other: Wrong) =>
    one.direction === other.direction ? distance(one) > distance(other) : one.direction < other.direction;
  const worst = new Map<string, Wrong>();
  for (const one of wrong) {
    const key = `${one.of} / ${one.by}`;
    const other = worst.get(key);
    if (!other || isWorse(one, other)) worst.set(key, one);
  }
  const ofOneState = new Set(wrong.filter(({ of }) => of !== allStates).map(({ by }) => by));
  return [...worst.values()]
    .filter(({ of, by }) => of !== allStates || !ofOneState.has(by))
    .map(({ of, by, got, expected, unit, direction }) => {
      const where = direction === 1 ? ", second direction" : "";
      return `d ${of} / d ${by}: backward says ${show(got)}, differences of forward say ${show(expected)} (unit ${unit}${where})`;
    });
}

function gradientBy(
  { gates, separate }: FullCell,
  { grads, state }: { grads: readonly Values[]; state: readonly Values[] },
  kind: Variable[0],
  name: string,
  u: number,
): number {
  if (kind === "prev") return state[u]![name] ?? 0;
  const own = gates.indexOf(name) - (gates.length - separate.length);
  return grads[u]![kind === "r" && own >= 0 ? separate[own]! : name]!;
}
