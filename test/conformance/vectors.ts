/**
 * Suites of expected numbers that others wrote. They lie in `shared/vectors` beside the repository; where that folder is
 * absent, every suite is skipped with this reason.
 */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Runtime } from "../../src/index.ts";
import { backendsForTests, type Kind } from "../support/backends.ts";

/** A file of that folder, parsed; undefined where it is absent. `name` is without ".json". */
export function readVectors<T>(name: string): T | undefined {
  const path = new URL(`../../../shared/vectors/${name}.json`, import.meta.url);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;
}

/** Options by our names: `weight_decay` is `weightDecay`. */
export const camelCase = <T>(options: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name.replace(/_(.)/g, (_, c: string) => c.toUpperCase()), value]),
  );

/** What docs/conformance.md states of a suite: on every backend alike. */
export interface Counts {
  readonly cases: number;
  readonly passed: number;
  readonly notApplicable: number;
}

export interface Suite<Vectors, Case> {
  /** Name of the file, without ".json". */
  readonly file: string;
  casesOf(vectors: Vectors): readonly Case[];
  /** A name of its own for each case. */
  nameOf(given: Case): string;
  /** Cases that the library has nothing to run with, by name, and why. */
  readonly notApplicable?: Readonly<Record<string, string>>;
  readonly counts: Counts;
  /** Runs a case and expects its numbers. */
  run(given: Case, runtime: Runtime, backend: Kind): Promise<void>;
}

const { onEach } = await backendsForTests();

/** Makes a suite's tests on every backend, and at the end one of their number. */
export function describeSuite<Vectors, Case>(suite: Suite<Vectors, Case>): void {
  const { file, notApplicable = {}, counts } = suite;
  const vectors = readVectors<Vectors>(file);
  if (vectors === undefined) {
    test(file, (context) => context.skip(`there is no ${file}.json in shared/vectors beside the repository`));
    return;
  }
  const cases = suite.casesOf(vectors).map((given) => [suite.nameOf(given), given] as const);
  onEach(({ kind, open }) => {
    let runtime: Promise<Runtime> | undefined;
    let passed = 0;
    for (const [name, given] of cases) {
      test(name, async (context) => {
        context.skip(name in notApplicable, notApplicable[name]);
        runtime ??= open();
        await suite.run(given, await runtime, kind);
        passed++;
      });
    }
    test("as many cases passed as the documentation states", async () => {
      (await runtime)?.dispose();
      const skipped = Object.keys(notApplicable).filter((name) => cases.some(([known]) => known === name));
      expect({ cases: cases.length, passed, notApplicable: skipped.length }).toEqual(counts);
      expect(new Set(cases.map(([name]) => name)).size, "names are unique").toBe(cases.length);
      expect(skipped, "every reason belongs to a case").toEqual(Object.keys(notApplicable));
    });
  }, file);
}
