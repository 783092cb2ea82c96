import { InternalError, OptionError, shown } from "../errors.ts";
import type { Shader } from "../shaders/shader.ts";
import { wordOfWgsl } from "./wgsl-words.ts";

/** Values of one unit by name: gates, states, learned vectors or saved values. */
export type Values<Name extends string = string> = Record<Name, number>;

/** Where a unit is computed, and what it may ask of the others. On the CPU; in WGSL these are functions of the engine. */
export interface Unit {
  /** 0, or 1 for the second direction of a bidirectional layer. */
  readonly direction: number;
  /**
   * The mean of a value over all units of this row. For cells with `acrossUnits` only. Every unit must ask for the same
   * means in the same order.
   */
  mean(value: number): number;
}

/** A learned number for each unit, such as a peephole weight: `[H]` in each direction of each layer. */
export interface CellParameter<Name extends string = string> {
  /** Its name in the cell's maths; in a state dict it is `<stateName>_l0`. */
  readonly name: Name;
  /** Default: `name`. */
  readonly stateName?: string;
  /** What it starts with: a number, uniform in `[low, high]`, or (the default) `"uniform"`: as the weights, in ±1/√H. */
  readonly initial?: number | readonly [low: number, high: number] | "uniform";
}

/** Gradients that a cell's backward returns. `Given`: the slots that it names; any that is no `Slot` does not compile. */
export interface CellGradient<
  Slot extends string = string,
  State extends string = string,
  Given extends string = Slot,
> {
  /** By `x` of every gate, by `r` of the separate ones, by the learned vectors; and `kept` values that are still needed. */
  readonly grads: Values<Given> & { readonly [Unknown in Exclude<Given, Slot>]: never };
  /** What flows straight into the previous state; the part through R is the engine's. */
  readonly state: Values<State>;
}

/** A second product inside a step, of a vector that the step itself makes. */
export interface IntermediateProduct<
  Gate extends string = string,
  State extends string = string,
  Learned extends string = string,
  Slot extends string = string,
> {
  /** How many of the last gates have R times this vector in place of R·h. */
  readonly gates: number;
  /** The vector's element of this unit. Gates without intermediate product have their complete sum in `x` already. */
  forward(x: Values<Gate>, prev: Values<State>, learned: Values<Learned>, unit: Unit): number;
  /**
   * From the vector's gradient, after the cell's `backward`: the final values of all slots (`saved` is what that left
   * there; those of the gates that the vector went into stay as they are), and what is added to the gradient that flows into
   * the previous state.
   */
  backward(
    saved: Values<Slot>,
    prev: Values<State>,
    grad: number,
    learned: Values<Learned>,
    unit: Unit,
  ): CellGradient<Slot, State>;
}

/**
 * A recurrent cell as data. The engine computes `x = W·x_t + b_ih` and `r = R·h_{t-1} + b_hh` for every gate and
 * hands both to the cell, which does the pointwise part, in WGSL for the GPU and in float64 for the twin.
 *
 * In memory a unit has slots for each step: gates, the separate ones, learned vectors, kept values. The gates' slots hold
 * `x` first; then all hold what the cell saves for its backward, and then the gradients by all but the kept ones.
 *
 * The types are the cell's own names, which `defineCell` takes from the lists: so a name that is not there does not compile.
 * `Further` are the separate ones and the kept ones; `Saved` the slots that `forward` returns, and `Given` those that `backward`
 * does.
 */
export interface Cell<
  Gate extends string = string,
  State extends string = string,
  Learned extends string = string,
  Further extends string = string,
  Saved extends string = string,
  Given extends string = string,
> {
  /** Unique; a cell with options has them in its name. */
  readonly name: string;
  /**
   * The WGSL of `cellForward` and `cellBackward` (with an intermediate product of `cellIntermediate` and `cellIntermediateBackward` too).
   * A cell without it runs on the CPU only.
   */
  readonly fragment?: Shader | { readonly source: string };
  /** Gates in the order of the weight rows (PyTorch's). */
  readonly gates: readonly Gate[];
  /**
   * Names for `r` of the last gates, where the gradient by `r` is not the gradient by `x`. Default none.
   * GRU: `["rn"]`, because its last gate is `n = tanh(x.n + r * rn)`. Most cells add the two: `[]`.
   */
  readonly separate?: readonly Further[];
  /** States, the first is the output `h` that the recurrent product reads. */
  readonly states: readonly State[];
  /** Learned vectors. Default none. */
  readonly learned?: readonly CellParameter<Learned>[];
  /** Further values that forward saves and `intermediate.backward` or `backward` reads. Default none. */
  readonly kept?: readonly Further[];
  /** Default: none. */
  readonly intermediate?: IntermediateProduct<Gate, State, Learned, Gate | Learned | Further>;
  /** False: no R at all, gates see the input and the states of their own unit only. Default true. */
  readonly recurrent?: boolean;
  /** The maths asks for means over all units (layer normalisation). Then a workgroup owns a row. Default false. */
  readonly acrossUnits?: boolean;
  /** Constants and functions of WGSL in front of the fragment. */
  readonly prelude?: string;
  /** Which shader file stands for a symbolic include of the fragment: `// #include NORM`. */
  readonly parts?: Readonly<Record<string, Shader>>;
  /** Gates and learned vectors that the fragment names and this variant does not have: zero, and never in memory. */
  readonly absent?: { readonly gates?: readonly string[]; readonly learned?: readonly string[] };
  /** One unit, one step: new state, and what backward needs: any of the slots; one that it leaves out is zero. */
  forward(
    x: Values<Gate>,
    r: Values<Gate>,
    prev: Values<State>,
    learned: Values<Learned>,
    unit: Unit,
  ): {
    state: Values<State>;
    saved: Values<Saved> & { readonly [Unknown in Exclude<Saved, Gate | Learned | Further>]: never };
  };
  /** Gradients of one unit from what forward saved, the previous state and the gradient by the new one. */
  backward(
    saved: Values<Gate | Learned | Further>,
    prev: Values<State>,
    grad: Values<State>,
    learned: Values<Learned>,
    unit: Unit,
  ): CellGradient<Gate | Learned | Further, State, Given>;
}

/** A cell with its defaults filled in. Its type knows its states, so that those of a layer of it have names. */
export type FullCell<State extends string = string> = Cell<string, State> &
  Required<Pick<Cell, "separate" | "learned" | "kept" | "recurrent" | "acrossUnits">>;

/** What a unit keeps for each step, in the order of memory. */
export const savedNames = (cell: FullCell): readonly string[] => [
  ...cell.gates,
  ...cell.separate,
  ...cell.learned.map(({ name }) => name),
  ...cell.kept,
];

const table = new Map<string, FullCell>();

/** The package's cells have these names, with their options in brackets behind; each is made when it is first used. */
const builtIn = ["lstm", "gru", "rnn", "indrnn", "mgu", "sru", "slstm"];
const word = /^[A-Za-z][A-Za-z0-9]*$/;

const members = [
  "name",
  "fragment",
  "gates",
  "separate",
  "states",
  "learned",
  "kept",
  "intermediate",
  "recurrent",
  "acrossUnits",
  "prelude",
  "parts",
  "absent",
  "forward",
  "backward",
] as const;

/** WGSL that is none is found here, not on the GPU. */
function checkFragment(fragment: unknown, refuse: (why: string) => never): void {
  if (fragment === undefined) return;
  if (typeof fragment === "string") refuse("has its WGSL as a string; write it as fragment: { source: … }");
  const source = (fragment as { source?: unknown } | null)?.source;
  if (typeof source !== "string" || source.trim() === "")
    refuse(`has fragment ${shown(fragment)}, expected { source: … } with the WGSL of cellForward and cellBackward`);
}

/** @throws OptionError for what is no list, and for names that WGSL does not take */
function checkNames(list: string, names: unknown, refuse: (why: string) => never): void {
  if (!Array.isArray(names)) refuse(`has ${list} ${shown(names)}, expected a list of names`);
  const all = names as readonly unknown[];
  const bad = all.findIndex((name) => typeof name !== "string" || !word.test(name));
  if (bad >= 0) refuse(`has ${shown(all[bad])} among its ${list}; a name is letters and digits, as WGSL takes it`);
  for (const name of all as readonly string[]) {
    const kind = wordOfWgsl(name);
    if (kind) refuse(`has "${name}" among its ${list}, which is ${kind} of WGSL; choose another name`);
  }
  if (new Set(all).size < all.length) refuse(`names one of its ${list} twice: ${all.join(", ")}`);
}

/** @throws OptionError for learned vectors that are no objects */
function checkLearned(cell: string, learned: readonly unknown[]): void {
  for (const [i, one] of learned.entries()) {
    if (typeof one === "object" && one !== null && !Array.isArray(one)) continue;
    const expected = `{ name: ${typeof one === "string" ? shown(one) : '"…"'} }`;
    throw new OptionError(`cell "${cell}": learned[${i}] is ${shown(one)}, expected ${expected}`);
  }
}

function checkInitial(learned: readonly CellParameter[], refuse: (why: string) => never): void {
  for (const { name, stateName = name, initial = "uniform" } of learned) {
    if (typeof stateName !== "string" || !/^[A-Za-z]\w*$/.test(stateName))
      refuse(`gives "${name}" the stateName ${shown(stateName)}; it is a name of letters, digits and _`);
    const isRange =
      Array.isArray(initial) && initial.length === 2 && initial.every(Number.isFinite) && initial[0] <= initial[1];
    if (initial !== "uniform" && !Number.isFinite(initial) && !isRange)
      refuse(`starts "${name}" with ${shown(initial)}, expected a number, [low, high] or "uniform"`);
  }
}

/** @throws OptionError for a definition that names or lists something wrong */
export function checkCellDefinition(cell: Cell): void {
  const name = cell?.name;
  if (typeof name !== "string" || name.trim() === "") throw new OptionError(`a cell needs a name, got ${shown(name)}`);
  const refuse = (why: string): never => {
    throw new OptionError(`cell "${name}" ${why}`);
  };
  const unknown = Object.keys(cell).find((member) => !(members as readonly string[]).includes(member));
  if (unknown !== undefined) refuse(`has "${unknown}"; a cell consists of ${members.join(", ")}`);
  const given = cell.learned ?? [];
  if (Array.isArray(given)) checkLearned(name, given);
  const learned = Array.isArray(given) ? given.map((parameter) => parameter.name) : given;
  const lists = {
    gates: cell.gates,
    states: cell.states,
    separate: cell.separate ?? [],
    learned,
    kept: cell.kept ?? [],
  };
  for (const [list, names] of Object.entries(lists)) checkNames(list, names, refuse);
  if (cell.gates.length === 0 || cell.states.length === 0) refuse("needs at least one gate and one state");
  if (lists.separate.length > cell.gates.length)
    refuse(`sets ${lists.separate.length} separate products but has only ${cell.gates.length} gates`);
  const slots = [...cell.gates, ...lists.separate, ...learned, ...lists.kept];
  const twice = slots.find((slot, i) => slots.indexOf(slot) !== i);
  if (twice !== undefined)
    refuse(`uses "${twice}" for two things; gates, separate, learned and kept need different names`);
  checkInitial(given, refuse);
  checkFragment(cell.fragment, refuse);
  if (typeof cell.forward !== "function" || typeof cell.backward !== "function")
    refuse("needs forward and backward, its maths on the CPU");
  for (const flag of ["recurrent", "acrossUnits"] as const) {
    if (cell[flag] !== undefined && typeof cell[flag] !== "boolean")
      refuse(`has ${flag} ${shown(cell[flag])}, expected true or false`);
  }
  if (cell.prelude !== undefined && typeof cell.prelude !== "string")
    refuse("has a prelude that is no string; it is WGSL in front of the fragment");
  const { intermediate } = cell;
  if (
    intermediate &&
    !(Number.isInteger(intermediate.gates) && intermediate.gates >= 1 && intermediate.gates < cell.gates.length)
  )
    refuse(
      `gives ${intermediate.gates} of its ${cell.gates.length} gates an intermediate product; at least one must have one, and one not`,
    );
  if (intermediate && (typeof intermediate.forward !== "function" || typeof intermediate.backward !== "function"))
    refuse("has an intermediate product without forward and backward: the vector's element, and its gradient");
  if (intermediate && lists.separate.length > 0)
    refuse("has an intermediate product and separate products; a cell can have only one of them");
  if (cell.recurrent === false && (intermediate || lists.separate.length > 0))
    refuse("has no R (recurrent: false), so it can have neither an intermediate product nor separate products");
}

/** Makes a cell known, with its defaults filled in. */
function define(cell: Cell): FullCell {
  const full: FullCell = {
    separate: [],
    learned: [],
    kept: [],
    recurrent: true,
    acrossUnits: false,
    ...cell,
  };
  table.set(full.name, full);
  return full;
}

/**
 * Makes a cell known to the engine. With it a layer of this cell trains, streams, takes
 * lengths, dropout and everything else that the engine does: `new Recurrent({ cell, inputSize, hiddenSize })`. Names in its
 * functions that none of its lists has do not compile, if the lists are written out in the call.
 * @throws OptionError when the name is taken, or names and lists do not fit each other
 */
export function defineCell<
  const Gate extends string,
  const State extends string,
  const Learned extends string = never,
  const Further extends string = never,
  Saved extends string = never,
  Given extends string = never,
>(cell: Cell<Gate, State, Learned, Further, Saved, Given>): FullCell<State> {
  const name: unknown = cell?.name;
  if (typeof name === "string" && (table.has(name) || builtIn.includes(name.replace(/\(.*/s, ""))))
    throw new OptionError(`cell "${name}" is defined already; choose another name`);
  checkCellDefinition(cell as unknown as Cell);
  return define(cell as unknown as Cell) as unknown as FullCell<State>;
}

type Maths = Pick<Cell, "forward" | "backward">;

/** The maths of cells in float64, by name, of those that brought it along: the CPU backend has all of it. */
const mathsByName = new Map<string, (of: never) => Maths>();

/** Brings the maths of cells whose definition is without it. */
export function provideMaths<Of>(name: string, make: (of: Of) => Maths): void {
  mathsByName.set(name, make);
}

/** The maths of a cell that many pages have, and few of them on the CPU. `of`: what it depends on. */
export function mathsOnCpu<Of>(name: string, of: Of): Maths {
  let maths: Maths | undefined;
  const made = () => {
    maths ??= mathsByName.get(name)?.(of as never);
    if (!maths) throw new InternalError(`the maths of ${name} on the CPU is not loaded`);
    return maths;
  };
  return { forward: (...given) => made().forward(...given), backward: (...given) => made().backward(...given) };
}

/** The package's cell of this name, made at the first call. A test checks its definition, so that no bundle need do it. */
export const cellOnce = (name: string, make: () => Omit<Cell, "name">): FullCell =>
  table.get(name) ?? define({ name, ...make() });

/** @throws OptionError naming the cells that exist */
export function cellNamed(name: string): FullCell {
  const cell = table.get(name);
  if (!cell) throw new OptionError(`there is no cell "${name}"; cells are ${[...table.keys()].join(", ")}`);
  return cell;
}

/** The names of all cells that are known. */
export const knownCells = (): string[] => [...table.keys()];
