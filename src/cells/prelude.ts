import { type FullCell, workOf } from "./cell.ts";

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
 * `inner`: the kernel is the first of the two products of a step.
 */
export function cellPrelude(cell: FullCell, inner: boolean): string {
  const { gates, states, apart, absent } = cell;
  const learned = cell.learned.map(({ name }) => name);
  const last = cell.inner?.gates ?? 0;
  const work = workOf(cell);
  // Gates whose product this kernel computes: all, or before and after the inner vector.
  const [from, count] = inner ? [0, gates.length - last] : last > 0 ? [gates.length - last, last] : [0, gates.length];
  return [
    `const GATES = ${gates.length}u;`,
    `const APART = ${apart.length}u;`,
    `const LEARNED = ${learned.length}u;`,
    `const WORK = ${work.length}u;`,
    `const STATES = ${states.length}u;`,
    `const FROM = ${from}u;`,
    `const COUNT = ${cell.recurrent ? count : 0}u;`,
    "alias Real = vec4f; // four units at a time",
    "alias Bits = vec4u;",
    struct("Gates", [...gates, ...(absent?.gates ?? [])]),
    struct("Work", [...work, ...(absent?.gates ?? []), ...(absent?.learned ?? [])]),
    struct("State", states),
    struct("Learned", [...learned, ...(absent?.learned ?? [])]),
    "struct Forward { state: State, work: Work }",
    "struct Backward { work: Work, state: State }",
    fromArray("gatesFrom", "Gates", [...gates, ...(absent?.gates ?? [])], gates),
    fromArray("workFrom", "Work", [...work, ...(absent?.gates ?? []), ...(absent?.learned ?? [])], work),
    fromArray("stateFrom", "State", states, states),
    fromArray("learnedFrom", "Learned", [...learned, ...(absent?.learned ?? [])], learned),
    toArray("workArray", "Work", work),
    toArray("stateArray", "State", states),
    "var<private> cellDirection: u32; // 1 in the second direction of a bidirectional layer",
    ...(cell.prelude ? [cell.prelude] : []),
    // Kernels call these for cells with an inner product only, but WGSL wants them to be there.
    ...(cell.inner
      ? []
      : [
          "fn cellInner(x: Gates, prev: State, p: Learned) -> Real { return Real(0.0); }",
          "fn cellInnerBackward(saved: Work, prev: State, grad: Real, p: Learned) -> Backward { return Backward(saved, prev); }",
        ]),
  ].join("\n");
}
