/** Running sums and averages against their twin. */
import fc from "fast-check";
import { backendsForTests } from "../support/backends.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

interface Blend {
  readonly P: number;
  readonly keep: number;
  readonly by: number;
  readonly divide: boolean;
  readonly looped: boolean;
}

const blend = suite<Blend>({
  kernel: "blend",
  table: [
    { P: 1, keep: 1, by: 1, divide: false, looped: false },
    { P: 67, keep: 0, by: 0.75, divide: false, looped: false },
    { P: 129, keep: 0.875, by: 0.125, divide: false, looped: true },
    { P: 257, keep: 0, by: 3, divide: true, looped: true },
    { P: 31, keep: 0, by: 0, divide: true, looped: false },
  ],
  any: fc.record({
    P: between(1, 400),
    keep: fc.constantFrom(0, 1, 0.75),
    by: fc.constantFrom(0, 1, 7, 0.25),
    divide: fc.boolean(),
    looped: fc.boolean(),
  }),
  caseOf({ P, keep, by, divide, looped }, numbers) {
    // What is not kept may be NaN from before.
    const y = keep === 0 ? new Float32Array(P).fill(Number.NaN) : numbers.floats(P);
    return {
      params: { P, divide: +divide },
      data: { x: numbers.floats(P), keep: Float32Array.of(keep), by: Float32Array.of(by), y },
      grid: [looped ? Math.max(1, Math.floor(P / 128)) : Math.ceil(P / 64), 1, 1],
    };
  },
});

onFloat32(({ backend }) => testTwins(backend, [blend], { seed: 7, numRuns: 10 }));
