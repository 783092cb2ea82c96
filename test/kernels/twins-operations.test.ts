/** The kernels of the functions of tensors against their twins: expressions, sums, and what works along an axis. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kernels } from "../../src/kernels/index.ts";
import { type OperationName, operationKinds } from "../../src/kernels/operation-kinds.ts";
import { operations } from "../../src/kernels/operations.ts";
import { pointwise, pointwiseSums } from "../../src/kernels/pointwise.ts";
import { type Term, Terms } from "../../src/kernels/terms.ts";
import type { Dispatch, Target } from "../../src/plan/plan.ts";
import { type DType, type Shape, sizeOf } from "../../src/tensor-data.ts";
import { expectTwins, Numbers, type TwinCase } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();
const target: Target = { maxBufferSize: 2 ** 28, maxWorkgroups: 3, software: true };

interface Leaf {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

/** A dispatch of the scheduler as a case: its views name the leaf whose buffer they show. */
function caseOf(command: Dispatch, leaves: readonly Leaf[], y: Float32Array | Int32Array): TwinCase {
  const { bindings, params } = kernels[command.kernel]!;
  const shownAs = new Map<number, string>();
  const data: Record<string, Float32Array | Int32Array | string> = {};
  bindings.forEach(({ name }, i) => {
    const { buffer, offset } = command.bindings[i]!;
    const before = shownAs.get(buffer);
    if (name === "y") data[name] = y;
    else if (before !== undefined) data[name] = before;
    else {
      data[name] = leaves[buffer]!.data;
      shownAs.set(buffer, name);
    }
    expect(offset).toBe(0);
  });
  return {
    kernel: command.kernel,
    constants: {},
    expression: command.expression!,
    params: Object.fromEntries(params.map(({ name }, i) => [name, command.params[i]!])),
    data,
    grid: command.grid,
  };
}

/** Cases of an expression of leaves, everywhere or summed over axes. */
function casesOf(
  leaves: readonly Leaf[],
  shape: Shape,
  write: (terms: Terms, ...operands: Term[]) => Term,
  options: { readonly axes?: readonly number[]; readonly accumulate?: boolean } = {},
): TwinCase {
  const { axes, accumulate = false } = options;
  const terms = new Terms();
  const result = write(
    terms,
    ...leaves.map(({ data }, i) => terms.leaf(i, data instanceof Int32Array ? "i32" : "f32")),
  );
  const size = axes ? sizeOf(shape.filter((_, axis) => !axes.includes(axis))) : sizeOf(shape);
  const to = { buffer: leaves.length, offset: 0, length: size };
  const call = {
    label: "test",
    terms,
    result,
    leaves: leaves.map(({ shape: own, data }, buffer) => ({
      view: { buffer, offset: 0, length: data.length },
      shape: own,
    })),
    shape,
    to,
    accumulate,
  };
  const unused = { buffer: 0, offset: 0, length: 1 };
  const parts = (length: number) => ({ buffer: leaves.length, offset: 0, length });
  const [command] = axes
    ? pointwiseSums(target, { ...call, axes, factor: 0.375 }, unused, parts)
    : pointwise(target, call, unused);
  const count = axes
    ? size * command!.params[kernels["pointwise-sum"]!.params.findIndex(({ name }) => name === "parts")]!
    : size;
  const before = new Numbers("y");
  const y = axes || result.dtype === "f32" ? before.floats(count) : before.integers(count, 50, 90);
  return caseOf(command!, leaves, y);
}

/** Numbers where an operation is defined, of both signs where it takes them. */
function operandsOf(name: OperationName, dtype: DType, shapes: readonly Shape[], numbers: Numbers): Leaf[] {
  return shapes.map((shape, i) => {
    const length = sizeOf(shape);
    if (dtype === "i32" || (operationKinds[name].condition && i === 0))
      return { shape, data: numbers.integers(length, -3, 3) };
    const scale = ["sin", "cos"].includes(name) ? 50 : ["exp", "pow"].includes(name) ? 5 : 20;
    const data = numbers.floats(length, scale);
    return { shape, data: ["sqrt", "log"].includes(name) || (name === "pow" && i === 0) ? data.map(Math.abs) : data };
  });
}

const names = Object.keys(operations) as OperationName[];

onFloat32(({ backend }) => {
  describe.each(names)("%s", (name) => {
    const { operands } = operationKinds[name];
    const { integer } = operations[name];
    const shapes: readonly (readonly Shape[])[] = [
      [[997], [997], [997]],
      [
        [3, 1, 5, 1],
        [7, 1, 2],
        [1, 5, 2],
      ],
      [[2, 3, 4], [], [4]],
    ];
    const spaces: readonly Shape[] = [[997], [3, 7, 5, 2], [2, 3, 4]];
    const dtypes: readonly DType[] = integer ? ["f32", "i32"] : ["f32"];
    test.each(dtypes)("of %s agrees with its twin", async (dtype) => {
      const cases = shapes.map((all, i) => {
        const leaves = operandsOf(name, dtype, all.slice(0, operands), new Numbers(`${name} ${i}`));
        const space = operands === 1 ? all[0]! : operands === 2 && i === 1 ? [3, 7, 5, 2] : spaces[i]!;
        return [`${dtype} ${i}`, casesOf(leaves, space, (terms, ...terms3) => terms.apply(name, ...terms3))] as const;
      });
      await expectTwins(backend, Object.fromEntries(cases));
    });
  });

  /** What WGSL may lose: NaN, infinities, zeros, and both ends of the range. */
  test("values at the ends of the range", async () => {
    const data = Float32Array.of(
      Number.NaN,
      Infinity,
      -Infinity,
      0,
      1,
      -1,
      88.5,
      -87,
      -103,
      1e-30,
      3e38,
      -3e38,
      0.99,
      1.01,
    );
    // What two of them make stays within f32: the twin knows larger numbers.
    const small = data.map((x) => (Math.abs(x) === Infinity ? x : Math.max(-1e12, Math.min(x, 1e12))));
    const other = Float32Array.from(data, (_, i) => [2, -1, 0.5, 0, 3][i % 5]!);
    const unary = names.filter(
      (name) => operationKinds[name].operands === 1 && !["sin", "cos", "geluSlope", "int", "float"].includes(name),
    );
    const binary: OperationName[] = ["add", "mul", "max", "min", "pow"];
    const leaf = (numbers: Float32Array) => ({ shape: [numbers.length], data: numbers });
    await expectTwins(
      backend,
      Object.fromEntries([
        ...unary.map((name) => [name, casesOf([leaf(data)], [data.length], (t, a) => t.apply(name, a!))] as const),
        ...binary.map(
          (name) =>
            [name, casesOf([leaf(small), leaf(other)], [data.length], (t, a, b) => t.apply(name, a!, b!))] as const,
        ),
        [
          "infinite constants",
          casesOf([leaf(other)], [other.length], (t, a) => t.apply("where", t.apply("gt", a!, 0), a!, -Infinity)),
        ],
        [
          "NaN as a constant",
          casesOf([leaf(other)], [other.length], (t, a) => t.apply("where", t.apply("gt", a!, 0), a!, NaN)),
        ],
      ]),
    );
  });
});

const shape = fc.array(fc.constantFrom(1, 1, 2, 3, 7), { minLength: 1, maxLength: 4 });
/** A shape with axes of length 1, or without its first ones. */
const broadcastable = (whole: Shape) =>
  fc
    .tuple(fc.array(fc.boolean(), { minLength: whole.length, maxLength: whole.length }), between(0, whole.length))
    .map(([ones, missing]) => whole.map((n, axis) => (ones[axis] ? 1 : n)).slice(missing));

const write = (t: Terms, a: Term, b: Term, c: Term): Term => {
  const product = t.apply("mul", a, b);
  return t.apply("add", t.apply("tanh", t.apply("sub", product, 0.5)), t.apply("mul", product, t.apply("max", c, a)));
};

onFloat32(({ backend }) => {
  test("chains of random shapes, everywhere and summed over random axes", async () => {
    const any = shape.chain((whole) =>
      fc.record({
        whole: fc.constant(whole),
        leaves: fc.tuple(broadcastable(whole), broadcastable(whole), broadcastable(whole)),
        axes: fc.subarray(whole.map((_, axis) => axis)),
        accumulate: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(any, async ({ whole, leaves, axes, accumulate }) => {
        const numbers = new Numbers(JSON.stringify([whole, leaves]));
        const given = leaves.map((own) => ({ shape: own, data: numbers.floats(sizeOf(own)) }));
        const chain = (t: Terms, ...terms: Term[]) => write(t, terms[0]!, terms[1]!, terms[2]!);
        await expectTwins(backend, {
          everywhere: casesOf(given, whole, chain, { accumulate }),
          ...(axes.length > 0 && { summed: casesOf(given, whole, chain, { axes, accumulate }) }),
        });
      }),
      { seed: 8, numRuns: 40 },
    );
  });

  test("more numbers than are computed together, broadcast and summed", async () => {
    const whole = [3, 1031, 2];
    const leaves = [[], [1031, 1], [3, 1, 2]].map((own, i) => ({
      shape: own,
      data: new Numbers(`many ${i}`).floats(sizeOf(own)),
    }));
    const chain = (t: Terms, ...terms: Term[]) => write(t, terms[0]!, terms[1]!, terms[2]!);
    const axes = [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]];
    await expectTwins(backend, {
      everywhere: casesOf(leaves, whole, chain, { accumulate: true }),
      ...Object.fromEntries(
        axes.map((some) => [`over ${some}`, casesOf(leaves, whole, chain, { axes: some, accumulate: true })]),
      ),
    });
  });

  test("a long sum in parts", async () => {
    const data = new Numbers("long").floats(3 * 1031);
    await expectTwins(backend, {
      rows: casesOf([{ shape: [3, 1031], data }], [3, 1031], (t, a) => t.apply("sigmoid", a!), { axes: [1] }),
      columns: casesOf([{ shape: [1031, 3], data }], [1031, 3], (t, a) => t.apply("mul", a!, 2), { axes: [0] }),
      all: casesOf(
        [{ shape: [3, 1031], data: new Numbers("whole").integers(3 * 1031, 0, 1) }],
        [3, 1031],
        (t, a) => t.apply("float", a!),
        { axes: [0, 1] },
      ),
    });
  });
});

interface Rows {
  readonly A: number;
  readonly R: number;
  readonly C: number;
  readonly K: number;
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const rows: readonly Rows[] = [
  { A: 1, R: 1, C: 1, K: 1, accumulate: false, looped: false },
  { A: 3, R: 7, C: 5, K: 4, accumulate: true, looped: false },
  { A: 67, R: 2, C: 3, K: 2, accumulate: false, looped: true },
  { A: 1, R: 131, C: 1, K: 131, accumulate: true, looped: true },
];
const anyRows = fc.record({
  A: between(1, 9),
  R: between(1, 40),
  C: between(1, 9),
  K: between(1, 5),
  accumulate: fc.boolean(),
  looped: fc.boolean(),
});
const groups = (count: number, looped: boolean): [number, number, number] => [
  looped ? Math.max(1, Math.floor(count / 128)) : Math.ceil(count / 64),
  1,
  1,
];

const topK = suite<Rows>({
  kernel: "top-k",
  table: rows,
  any: anyRows,
  caseOf({ A, R, C, K, looped }, numbers) {
    const k = Math.min(K, R);
    // Few values, so that many are equal; some are NaN.
    const x = numbers.floats(A * R * C, 3).map((value, i) => (i % 11 === 5 ? Number.NaN : Math.round(value)));
    return {
      params: { A, R, C, K: k },
      data: { x, y: numbers.floats(A * k * C), index: numbers.integers(A * k * C, 0, 9) },
      grid: groups(A * C, looped),
    };
  },
});

const gather = suite<Rows>({
  kernel: "gather",
  table: rows,
  any: anyRows,
  caseOf: ({ A, R, C, K, accumulate, looped }, numbers) => ({
    params: { A, R, C, K },
    data: {
      // Whole numbers as well; of these only those that are there.
      x: accumulate ? numbers.integers(A * R * C, -9, 9) : numbers.floats(A * R * C),
      index: numbers.integers(A * K * C, accumulate ? 0 : -1, accumulate ? R - 1 : R),
      y: accumulate ? new Int32Array(A * K * C) : numbers.floats(A * K * C),
    },
    grid: groups(A * K * C, looped),
  }),
});

const gatherBackward = suite<Rows>({
  kernel: "gather-backward",
  table: rows,
  any: anyRows,
  caseOf: ({ A, R, C, K, accumulate, looped }, numbers) => ({
    params: { A, R, C, K, accumulate: +accumulate },
    data: {
      index: numbers.integers(A * K * C, -1, R),
      outputGradient: numbers.floats(A * K * C),
      gradient: numbers.floats(A * R * C),
    },
    grid: groups(A * R * C, looped),
  }),
});

const cumulative = suite<Rows & { readonly reverse?: boolean }>({
  kernel: "cumulative-sum",
  table: [...rows, { A: 5, R: 13, C: 3, K: 1, accumulate: true, looped: false, reverse: true }],
  any: fc.tuple(anyRows, fc.boolean()).map(([given, reverse]) => ({ ...given, reverse })),
  caseOf: ({ A, R, C, reverse = false, accumulate, looped }, numbers) => ({
    params: { A, R, C, reverse: +reverse, accumulate: +accumulate },
    data: { x: numbers.floats(A * R * C), y: numbers.floats(A * R * C) },
    grid: groups(A * C, looped),
  }),
});

onFloat32(({ backend }) => testTwins(backend, [topK, gather, gatherBackward, cumulative], { seed: 5, numRuns: 12 }));
