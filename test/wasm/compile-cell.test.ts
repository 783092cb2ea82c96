/** Every part of every cell, compiled, against its float64 functions. */
import { describe, expect, test } from "vitest";
import { testCells } from "../support/cells-for-tests.ts";
import { inventedCells } from "../support/invented-cells.ts";
import { compiledOf, faultsOf, partsOf } from "./compile-run.ts";

// f32 against float64: 1e-5 of a number and 2e-6 of the largest one beside it, as for the other kernels.
const TOLERANCE = 1e-5;
const directions = [0, 1] as const;
const flags = [false, true];

for (const cell of [...testCells, ...inventedCells]) {
  describe(cell.name, () => {
    for (const part of partsOf(cell)) {
      const isForward = part === "forward" || part === "intermediate";
      const variants = directions.flatMap((direction) =>
        (part === "forward" ? flags : [false]).flatMap((save) =>
          (isForward ? flags : [false]).map((hasBias) => ({ part, direction, save, hasBias })),
        ),
      );

      test(`${part} of any size and number of rows`, () => {
        const faults = variants.flatMap((variant) => {
          const compiled = compiledOf(cell, variant);
          return [1, 2, 3, 4, 5, 7, 16, 33].flatMap((H) =>
            [1, 3].flatMap((rows) => faultsOf(cell, variant, compiled, { rows, H, inPlace: rows === 3 }, TOLERANCE)),
          );
        });
        expect(faults.slice(0, 5)).toEqual([]);
      });

      test(`${part} of NaN and of large numbers`, () => {
        const large = [50, -50, 1e4, -1e4];
        // The gradient by a clipped c is 0 in TypeScript, and the gradient times 0 in WGSL.
        const special =
          part === "backward" && cell.name.includes("clipped") ? large : [Number.NaN, ...large, Number.NaN];
        const faults = directions.flatMap((direction) => {
          const variant = { part, direction, save: true, hasBias: true };
          return flags.flatMap((inPlace) =>
            faultsOf(cell, variant, compiledOf(cell, variant), { rows: 3, H: 22, special, inPlace }, TOLERANCE),
          );
        });
        expect(faults.slice(0, 5)).toEqual([]);
      });
    }
  });
}
