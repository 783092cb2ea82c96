import { type FullCell, savedNames } from "./cell.ts";

const struct = (name: string, members: readonly string[]): string =>
  // WGSL has no empty structs.
  `struct ${name} { ${(members.length > 0 ? members : ["none"]).map((m) => `${m}: Real`).join(", ")} }`;

/** A struct from an array of what is in memory; what is not, is zero. */
function fromArray(fn: string, type: string, members: readonly string[], stored: readonly string[]): string {
  const values = (members.length > 0 ? members : ["none"]).map((m) =>
    stored.includes(m) ? `a[${stored.indexOf(m)}]` : "Real(0.0)",
  );
  return `fn ${fn}(a: array<Real, ${Math.max(1, stored.length)}>) -> ${type} { return ${type}(${values.join(", ")}); }`;
}

const toArray = (fn: string, type: string, stored: readonly string[]): string =>
  `fn ${fn}(s: ${type}) -> array<Real, ${stored.length}> { return array<Real, ${stored.length}>(${stored.map((m) => `s.${m}`).join(", ")}); }`;

/**
 * The WGSL lines in front of a kernel that runs this cell: its counts, its structs, and their way from and to arrays.
 * `intermediate`: the kernel is the first of the two products of a step.
 */
export function cellPrelude(cell: FullCell, intermediate: boolean): string {
  const { gates, states, separate, absent } = cell;
  const learned = cell.learned.map(({ name }) => name);
  const last = cell.intermediate?.gates ?? 0;
  const saved = savedNames(cell);
  // Gates whose product this kernel computes: all, or before and after the intermediate vector.
  const [from, count] = intermediate
    ? [0, gates.length - last]
    : last > 0
      ? [gates.length - last, last]
      : [0, gates.length];
  return [
    `const GATES = ${gates.length}u;`,
    `const SEPARATE = ${separate.length}u;`,
    `const LEARNED = ${learned.length}u;`,
    `const SAVED = ${saved.length}u;`,
    `const STATES = ${states.length}u;`,
    `const CELL_STATES = ${states.length - 1}u;`,
    `const FROM = ${from}u;`,
    `const COUNT = ${cell.recurrent ? count : 0}u;`,
    "alias Real = vec4f; // four units at a time",
    "alias Bits = vec4u;",
    struct("Gates", [...gates, ...(absent?.gates ?? [])]),
    struct("Saved", [...saved, ...(absent?.gates ?? []), ...(absent?.learned ?? [])]),
    struct("State", states),
    struct("Learned", [...learned, ...(absent?.learned ?? [])]),
    "struct Forward { state: State, saved: Saved }",
    "struct Backward { grads: Saved, state: State }",
    fromArray("gatesFrom", "Gates", [...gates, ...(absent?.gates ?? [])], gates),
    fromArray("savedFrom", "Saved", [...saved, ...(absent?.gates ?? []), ...(absent?.learned ?? [])], saved),
    fromArray("stateFrom", "State", states, states),
    fromArray("learnedFrom", "Learned", [...learned, ...(absent?.learned ?? [])], learned),
    toArray("savedArray", "Saved", saved),
    toArray("stateArray", "State", states),
    "var<private> cellDirection: u32; // 1 in the second direction of a bidirectional layer",
    "var<private> cellLane: u32;",
    ...(cell.prelude ? [cell.prelude] : []),
    // Kernels call these for cells with an intermediate product only, but WGSL wants them to be there.
    ...(cell.intermediate
      ? []
      : [
          "fn cellIntermediate(x: Gates, prev: State, p: Learned) -> Real { return Real(0.0); }",
          "fn cellIntermediateBackward(saved: Saved, prev: State, grad: Real, p: Learned) -> Backward { return Backward(saved, prev); }",
        ]),
  ].join("\n");
}
