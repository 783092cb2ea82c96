/** Makes the tests of a recurrent kernel: its variants over the table of steps and over random ones. */
import fc from "fast-check";
import { describe, test } from "vitest";
import type { FullCell } from "../../src/cells/index.ts";
import type { Kernel } from "../../src/kernels/kernel.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { expectTwins, type TwinCase, titleOf, whereItRuns } from "./against-twin.ts";
import type { CaseOf } from "./recurrent-kernel-cases.ts";
import { anyStep, type Step, table } from "./recurrent-steps.ts";
import { cellVariants } from "./variants-for-tests.ts";

function testCases(backend: Backend, constants: Constants, caseOf: (s: Step) => TwinCase): void {
  whereItRuns(backend, constants);

  test("agrees with its twin on the table", () =>
    expectTwins(backend, Object.fromEntries(table.map((s) => [JSON.stringify(s), caseOf(s)]))));

  test("agrees with its twin on random sizes", () =>
    fc.assert(
      fc.asyncProperty(anyStep, (s) => expectTwins(backend, { random: caseOf(s) })),
      { seed: 2, numRuns: 3 },
    ));
}

/** A kernel that runs a cell, with these. `once`: as cellVariants has it, for one that shares its shader with another kernel. */
export function testSteps(
  backend: Backend,
  kernel: Kernel,
  cells: readonly FullCell[],
  caseOf: CaseOf,
  { once = false } = {},
): void {
  const variants = cellVariants(kernel, { of: cells, cells: 1, once });
  describe.each(variants.map(({ cell, constants }) => [cell.name, titleOf(constants), cell, constants] as const))(
    "of %s, %s",
    (_, __, cell, constants) => testCases(backend, constants, (s) => caseOf(cell, constants, s)),
  );
}

/** A kernel that runs none. */
export function testKernel(
  backend: Backend,
  kernel: Kernel,
  caseOf: (constants: Constants, s: Step) => TwinCase,
): void {
  describe.each(kernel.variants.map((constants) => [titleOf(constants), constants] as const))("%s", (_, constants) =>
    testCases(backend, constants, (s) => caseOf(constants, s)),
  );
}
