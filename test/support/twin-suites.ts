/** Tests that compare kernels with their twins: for each a table of shapes, and more of them at random. */
import fc from "fast-check";
import { describe, test } from "vitest";
import { kernels } from "../../src/kernels/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { expectTwins, Numbers, type TwinCase, titleOf } from "./against-twin.ts";

/** A kernel's cases. */
export interface Suite<Shape> {
  readonly kernel: string;
  readonly table: readonly Shape[];
  readonly any: fc.Arbitrary<Shape>;
  caseOf(shape: Shape, numbers: Numbers, constants: Constants): Omit<TwinCase, "kernel" | "constants">;
  readonly tolerance?: number;
}
export const suite = <Shape>(given: Suite<Shape>): Suite<unknown> => given as unknown as Suite<unknown>;

export const between = (min: number, max: number) => fc.integer({ min, max });

/** Fewer workgroups than items need, as on an adapter with a low limit: the rest is done in a loop. */
export const few = (count: number, perWorkgroup: number): [number, number, number] => [
  Math.max(1, Math.floor(count / perWorkgroup / 2)),
  1,
  1,
];
export const all = (count: number, perWorkgroup: number): [number, number, number] => [
  Math.ceil(count / perWorkgroup),
  1,
  1,
];

/** Tests every variant of each suite's kernel on a backend. @param options of the random shapes */
export function testTwins(
  backend: Backend,
  suites: readonly Suite<unknown>[],
  options: { readonly seed: number; readonly numRuns: number },
): void {
  for (const { kernel, table, any, caseOf, tolerance } of suites) {
    describe.each(kernels[kernel]!.variants.map((constants) => [titleOf(constants), constants] as const))(
      `${kernel}, %s`,
      (_, constants) => {
        const made = (shape: unknown): TwinCase => ({
          kernel,
          constants,
          ...caseOf(shape, new Numbers(JSON.stringify(shape)), constants),
        });

        test("agrees with its twin on the table", async () => {
          await expectTwins(backend, Object.fromEntries(table.map((s) => [JSON.stringify(s), made(s)])), tolerance);
        });

        test("agrees with its twin on random shapes", async () => {
          await fc.assert(
            fc.asyncProperty(any, (shape) => expectTwins(backend, { random: made(shape) }, tolerance)),
            options,
          );
        });
      },
    );
  }
}
