/** Which pairs of a cell and a variant tests go through: not all, because compiling them takes minutes. */
import type { FullCell } from "../../src/cells/index.ts";
import { type Kernel, variantsFor } from "../../src/kernels/kernel.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { testCells } from "./cells-for-tests.ts";

export interface CellVariant {
  readonly cell: FullCell;
  readonly constants: Constants;
}

/** What a variant does: how it is divided among invocations, and each switch for itself, or all of them together. */
function partsOf(constants: Constants, together: boolean): { division: string; switches: string[] } {
  const isSwitch = ([name, value]: [string, unknown]) =>
    typeof value === "boolean" && !["HEADS", "ACROSS_UNITS"].includes(name);
  const all = Object.entries(constants);
  const switches = all.filter(isSwitch).map(([name, value]) => `${name} ${value}`);
  const division = all.filter((one) => !isSwitch(one)).map(([name, value]) => `${name} ${value}`);
  return { division: division.join(", "), switches: together ? [switches.join(", ")] : switches };
}

/**
 * As few pairs as a greedy choice finds, so that every division of a kernel goes with every switch on and off
 * (`combinations`: every variant), each with at least `cells` of these cells where as many go with it, and every cell with
 * heads and without and with the same switches. The rest of a variant and a cell's fragment do not meet. ALL_VARIANTS=1
 * gives all pairs.
 */
export function cellVariants(
  kernel: Kernel,
  {
    of = testCells,
    cells,
    combinations = false,
    once = false,
  }: {
    readonly of?: readonly FullCell[];
    readonly cells: number;
    readonly combinations?: boolean;
    /** Every division and every switch is seen, not every division with each switch. */
    readonly once?: boolean;
  },
): CellVariant[] {
  const pairs = of.flatMap((cell) =>
    variantsFor(kernel, cell).map((constants) => {
      const { division, switches } = partsOf(constants, combinations);
      const ofCell = [`HEADS ${constants.HEADS}`, ...switches].map((one) => `${cell.name}: ${one}`);
      // Tiles with slices take long to compile: each is seen once, its switches are those of the other tiles.
      const ofKernel = [
        division,
        ...(once || (Number(constants.SLICES) > 1 && !combinations)
          ? []
          : switches.map((one) => `${division}, ${one}`)),
      ];
      return { cell, constants, ofCell, ofKernel };
    }),
  );
  if (process.env.ALL_VARIANTS === "1") return pairs;
  /** How often each is still to be seen. */
  const missing = new Map<string, number>();
  for (const { ofCell, ofKernel } of pairs) {
    for (const one of ofCell) missing.set(one, 1);
    for (const one of ofKernel) missing.set(one, cells);
  }
  const chosen = new Set<(typeof pairs)[number]>();
  for (;;) {
    let [best, most] = [pairs[0], 0];
    for (const pair of pairs) {
      if (chosen.has(pair)) continue;
      const gain = [...pair.ofCell, ...pair.ofKernel].filter((one) => missing.get(one)! > 0).length;
      if (gain > most) [best, most] = [pair, gain];
    }
    if (most === 0) return pairs.filter((pair) => chosen.has(pair));
    chosen.add(best!);
    for (const one of [...best!.ofCell, ...best!.ofKernel]) missing.set(one, missing.get(one)! - 1);
  }
}
