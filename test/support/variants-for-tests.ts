/** Which pairs of a cell and a variant tests go through: not all, because compiling them takes minutes. */
import type { FullCell } from "../../src/cells/index.ts";
import { type Kernel, variantsFor } from "../../src/kernels/kernel.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { testCells } from "./cells-for-tests.ts";

export interface CellVariant {
  readonly cell: FullCell;
  readonly constants: Constants;
}

/** What a variant does, separate from how it is divided among invocations: each switch for itself, or their combinations. */
function switchesOf({ HEADS, ACROSS_UNITS: _, ...others }: Constants, together: boolean): string[] {
  const switches = Object.entries({ ...others }).filter(([, value]) => typeof value === "boolean");
  const texts = switches.map(([name, value]) => `${name} ${value}`);
  return [`HEADS ${HEADS}`, ...(together ? [texts.join(", ")] : texts)];
}

/**
 * Every variant of a kernel with at least `cells` of these cells (where as many go with it), and every cell with every
 * switch on and off (`combinations`: with all of their combinations). The rest of a variant and a cell's fragment do not
 * meet. ALL_VARIANTS=1 gives all pairs.
 */
export function cellVariants(
  kernel: Kernel,
  {
    of = testCells,
    cells,
    combinations = false,
  }: {
    readonly of?: readonly FullCell[];
    readonly cells: number;
    readonly combinations?: boolean;
  },
): CellVariant[] {
  const times = new Map<Constants, number>();
  return of.flatMap((cell, i) => {
    const seen = new Set<string>();
    const variants = variantsFor(kernel, cell);
    // Each cell begins elsewhere, so that not all of them go through the same variants.
    const at = variants.length > 0 ? (5 * i) % variants.length : 0;
    return [...variants.slice(at), ...variants.slice(0, at)]
      .filter((constants) => {
        const before = seen.size;
        for (const one of switchesOf(constants, combinations)) seen.add(one);
        const count = times.get(constants) ?? 0;
        if (process.env.ALL_VARIANTS !== "1" && seen.size === before && count >= cells) return false;
        times.set(constants, count + 1);
        return true;
      })
      .map((constants) => ({ cell, constants }));
  });
}
