/** The matrix products against their twin: every variant over a table of shapes, with strides, gaps, batches and sums. */
import fc from "fast-check";
import { describe, test } from "vitest";
import { spreadGrid } from "../../src/kernels/kernel.ts";
import { matmul, matmulTiled } from "../../src/kernels/matmul.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { expectTwins, Numbers, type TwinCase, titleOf, whereItRuns } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";

const { onFloat32 } = await backendsForTests();

interface Shape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Batches. */
  readonly Z: number;
  /** Whether a, b are stored transposed. */
  readonly ta: boolean;
  readonly tb: boolean;
  readonly bias: boolean;
  readonly accumulate: boolean;
  readonly sum: boolean;
  /** All batches use the same a, b, bias. */
  readonly shared: boolean;
  readonly rowGap: boolean;
  readonly columnGap: boolean;
  /** Rows of b and c follow each other without a gap. */
  readonly tight: boolean;
  /** How long the parts of K are, at most K; the last one is shorter where they do not divide it. */
  readonly kPart: number;
}

/** Each shape once; the switches go through their combinations from shape to shape. */
const sizes: readonly (readonly [M: number, N: number, K: number])[] = [
  [1, 1, 1],
  [1, 65, 3],
  [2, 3, 19],
  [3, 5, 7],
  [4, 4, 4],
  [5, 64, 1],
  [7, 13, 33],
  [8, 8, 16],
  [9, 17, 15],
  [31, 1, 65],
  [33, 67, 17],
  [64, 64, 16],
  [65, 129, 31],
  [97, 3, 130],
  [130, 131, 5],
];
const mixed = sizes.map(([M, N, K], i) => ({
  M,
  N,
  K,
  Z: 1 + (i % 3),
  ta: i % 2 === 1,
  tb: i % 3 === 1,
  bias: i % 4 < 2,
  accumulate: i % 5 < 2,
  sum: i % 2 === 0,
  shared: i % 7 === 3,
  rowGap: i % 3 === 2,
  columnGap: i % 4 === 3,
  tight: i % 6 === 4,
  kPart: [K, 1, Math.ceil(K / 2), Math.ceil(K / 5)][i % 4]!,
}));
/** One column that is contiguous: a row of the transposed product. */
const columns = [1, 3, 4, 13, 64].flatMap((M, i) =>
  [1, 4, 67].map((K, j) => ({
    ...{ M, N: 1, K, Z: 1 + (j % 2), ta: false, tb: false, tight: true, shared: false },
    ...{ bias: (i + j) % 2 === 0, accumulate: (i + j) % 3 === 0, sum: j === 1, rowGap: i === 3, columnGap: j === 2 },
    kPart: i === 4 ? Math.ceil(K / 8) : K,
  })),
);
const table: readonly Shape[] = [...mixed, ...columns];

/** Every other case as on an adapter whose axes hold fewer workgroups than the product needs. */
function groupsOf(kernel: string, constants: Constants, { M, N, K, kPart, Z }: Shape): [number, number, number] {
  const { ROWS, COLUMNS, LANES, SHARED } = {
    ...{ ROWS: 64, COLUMNS: 64, LANES: 1, SHARED: 1 },
    ...constants,
  } as Record<string, number>;
  const tiles = Math.ceil(M / ROWS!) * Math.ceil(N / COLUMNS! / SHARED!) * SHARED! * Z;
  const count = Math.ceil(kernel === matmulTiled.name ? tiles : tiles / LANES!) * Math.ceil(K / kPart);
  return spreadGrid(count, M % 2 ? 65535 : Math.ceil(Math.cbrt(count)));
}

function caseOf(kernel: string, constants: Constants, shape: Shape): TwinCase {
  const { M, N, K, kPart, Z, ta, tb, shared } = shape;
  const numbers = new Numbers(JSON.stringify(shape));
  const gap = (wanted: boolean, length: number, shift: number) =>
    wanted && length > 1 ? { from: Math.ceil(length / 2), shift } : { from: 0xffffffff, shift: 0 };
  const rowGap = gap(shape.rowGap, M, 11);
  const columnGap = gap(shape.columnGap, K, 13);
  const aRow = ta ? 1 : K + 2;
  const aColumn = ta ? M + 3 : 1;
  const bRow = tb ? 1 : N + (shape.tight ? 0 : 1);
  const bColumn = tb ? K + 2 : 1;
  const cRow = N + (shape.tight ? 0 : 2);
  const aLength = (M - 1) * aRow + (K - 1) * aColumn + 1 + rowGap.shift + columnGap.shift;
  const bLength = (K - 1) * bRow + (N - 1) * bColumn + 1;
  const aBatch = shared ? 0 : aLength + 4;
  const bBatch = shared ? 0 : bLength + 5;
  const biasBatch = shared ? 0 : N + 1;
  const cBatch = M * cRow + 3;
  const sumAt = Z * cBatch + 2;
  const sumBatch = M + 1;
  const cPart = sumAt + Z * sumBatch + 1;
  return {
    kernel,
    constants,
    params: {
      Z,
      M,
      N,
      K,
      kPart,
      cPart,
      aRow,
      aColumn,
      bRow,
      bColumn,
      cRow,
      aBatch,
      bBatch,
      biasBatch,
      cBatch,
      sumBatch,
      sumAt,
      mSplit: rowGap.from,
      mShift: rowGap.shift,
      kSplit: columnGap.from,
      kShift: columnGap.shift,
      hasBias: +shape.bias,
      accumulate: +shape.accumulate,
      hasSum: +shape.sum,
    },
    data: {
      a: numbers.floats((Z - 1) * aBatch + aLength),
      b: numbers.floats((Z - 1) * bBatch + bLength),
      bias: shape.bias ? numbers.floats((Z - 1) * biasBatch + N) : "b",
      c: numbers.floats(Math.ceil(K / kPart) * cPart),
    },
    grid: groupsOf(kernel, constants, shape),
  };
}

const any: fc.Arbitrary<Shape> = fc
  .record({
    parts: fc.integer({ min: 1, max: 9 }),
    M: fc.integer({ min: 1, max: 150 }),
    N: fc.integer({ min: 1, max: 150 }),
    K: fc.integer({ min: 1, max: 80 }),
    Z: fc.integer({ min: 1, max: 3 }),
    ta: fc.boolean(),
    tb: fc.boolean(),
    bias: fc.boolean(),
    accumulate: fc.boolean(),
    sum: fc.boolean(),
    shared: fc.boolean(),
    rowGap: fc.boolean(),
    columnGap: fc.boolean(),
    tight: fc.boolean(),
  })
  .map(({ parts, ...shape }) => ({ ...shape, kPart: Math.ceil(shape.K / parts) }));

const variants = [matmul, matmulTiled].flatMap((kernel) =>
  kernel.variants.map((constants) => [kernel.name, titleOf(constants), constants] as const),
);

onFloat32(({ backend }) => {
  describe.each(variants)("%s, %s", (kernel, _, constants) => {
    whereItRuns(backend, constants);

    test("agrees with its twin on the table", async () => {
      await expectTwins(
        backend,
        Object.fromEntries(table.map((s) => [JSON.stringify(s), caseOf(kernel, constants, s)])),
      );
    });

    test("agrees with its twin on random shapes", async () => {
      await fc.assert(
        fc.asyncProperty(any, (shape) => expectTwins(backend, { random: caseOf(kernel, constants, shape) })),
        { seed: 1, numRuns: 8 },
      );
    });
  });
});
