import { OptionError } from "../errors.ts";

/** Values of one unit by name: gates, states or saved activations. */
export type Values = Record<string, number>;

/**
 * A recurrent cell as data. The engine computes `x = W·x_t + b_ih` and `r = R·h_{t-1} + b_hh` for every gate and
 * hands both to the cell, which does the pointwise rest, in WGSL for the GPU and in float64 for the twin.
 *
 * In memory a unit has `work` slots: first forward holds `x` there, then what the cell saves for its backward,
 * then the gradients by `x` (one for each gate) and by those `r` that stand apart.
 */
export interface Cell {
  /** Also the stem of the WGSL fragment in shaders/cells/. */
  readonly name: string;
  /** Gates in the order of the weight rows (PyTorch's). */
  readonly gates: readonly string[];
  /**
   * Names for `r` of the last gates, where the gradient by `r` is not the gradient by `x`.
   * GRU: `["rn"]`, because its last gate is `n = tanh(x.n + r * rn)`. Most cells add the two: `[]`.
   */
  readonly apart: readonly string[];
  /** States, the first is the output `h` that the recurrent product reads. */
  readonly states: readonly string[];
  /** One unit, one step: new state, and what backward needs (names: gates, then apart). */
  forward(x: Values, r: Values, prev: Values): { state: Values; work: Values };
  /**
   * Gradients of one unit: by `x` of every gate and `r` of those apart (`work`), and what flows straight into the
   * previous state (`state`; the part through R is the engine's).
   */
  backward(saved: Values, prev: Values, next: Values, grad: Values): { work: Values; state: Values };
}

/** How many numbers a unit keeps for each step: its gates, and those products that stand apart. */
export const workOf = (cell: Cell): readonly string[] => [...cell.gates, ...cell.apart];

const struct = (name: string, members: readonly string[]): string =>
  `struct ${name} { ${members.map((m) => `${m}: Real`).join(", ")} }`;

const fromArray = (fn: string, type: string, members: readonly string[]): string =>
  `fn ${fn}(a: array<Real, ${members.length}>) -> ${type} { return ${type}(${members.map((_, i) => `a[${i}]`).join(", ")}); }`;

const toArray = (fn: string, type: string, members: readonly string[]): string =>
  `fn ${fn}(s: ${type}) -> array<Real, ${members.length}> { return array<Real, ${members.length}>(${members.map((m) => `s.${m}`).join(", ")}); }`;

/** The WGSL lines in front of a kernel that runs this cell: its counts, its structs, and their way from and to arrays. */
export function cellPrelude(cell: Cell): string {
  const work = workOf(cell);
  return [
    `const GATES = ${cell.gates.length}u;`,
    `const APART = ${cell.apart.length}u;`,
    `const WORK = ${work.length}u;`,
    `const STATES = ${cell.states.length}u;`,
    "alias Real = vec4f; // four units at a time",
    struct("Gates", cell.gates),
    struct("Work", work),
    struct("State", cell.states),
    "struct Forward { state: State, work: Work }",
    "struct Backward { work: Work, state: State }",
    fromArray("gatesFrom", "Gates", cell.gates),
    fromArray("workFrom", "Work", work),
    fromArray("stateFrom", "State", cell.states),
    toArray("workArray", "Work", work),
    toArray("stateArray", "State", cell.states),
  ].join("\n");
}

const table = new Map<string, Cell>();

/**
 * Makes a cell known to the engine; built-in cells come through here too.
 * @throws OptionError when the name is taken or a list is empty or out of step
 */
export function defineCell(cell: Cell): Cell {
  if (table.has(cell.name)) throw new OptionError(`cell "${cell.name}" is defined already; choose another name`);
  if (cell.gates.length === 0 || cell.states.length === 0)
    throw new OptionError(`cell "${cell.name}" needs at least one gate and one state`);
  if (cell.apart.length > cell.gates.length) {
    throw new OptionError(
      `cell "${cell.name}" sets ${cell.apart.length} products apart but has only ${cell.gates.length} gates`,
    );
  }
  table.set(cell.name, cell);
  return cell;
}

/** @throws OptionError naming the cells that exist */
export function cellNamed(name: string): Cell {
  const cell = table.get(name);
  if (!cell) throw new OptionError(`there is no cell "${name}"; cells are ${[...table.keys()].join(", ")}`);
  return cell;
}

export const cellNames = (): string[] => [...table.keys()];
