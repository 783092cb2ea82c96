/** What the functions of tensors compute, against plain loops over indices, on random shapes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { functional as F, type Runtime, type Tensor, type TensorData } from "../../src/index.ts";
import { type Shape, sizeOf } from "../../src/tensor-data.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { Parts } from "../support/gradient-check.ts";

const { onEach } = await backendsForTests();

/** All indices of a shape, in C order. */
const indicesOf = (shape: Shape): number[][] =>
  shape.reduce<number[][]>((all, n) => all.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])), [[]]);

/** The number at an index that may have more axes, or be longer where the tensor is repeated. */
function at({ shape, data }: TensorData, index: readonly number[]): number {
  const own = index.slice(index.length - shape.length);
  return data[shape.reduce((place, n, axis) => place * n + (n === 1 ? 0 : own[axis]!), 0)]!;
}

type Given = Readonly<Record<string, TensorData>>;

interface Case {
  readonly name: string;
  readonly inputs: Given;
  readonly f: (tensors: Readonly<Record<string, Tensor>>) => Tensor;
  readonly shape: Shape;
  readonly value: (index: readonly number[], given: Given) => number;
  readonly dtype?: "i32";
}

async function check(runtime: Runtime, { name, inputs, f, shape, value, dtype }: Case): Promise<void> {
  const program = await runtime.compile(new Parts({}), {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([key, { shape: own, data }]) => [
        key,
        { shape: own, dtype: data instanceof Int32Array ? ("i32" as const) : ("f32" as const) },
      ]),
    ),
    forward: (tensors) => ({ result: f(tensors) }),
  });
  const { result } = await program.run(inputs);
  program.dispose();
  expect([name, result!.shape]).toEqual([name, shape]);
  expect(result!.data instanceof Int32Array, name).toBe(dtype === "i32");
  indicesOf(shape).forEach((index, i) => {
    const want = value(index, inputs);
    const difference = Math.abs(result!.data[i]! - want);
    expect(
      Number.isNaN(want) ? Number.isNaN(result!.data[i]!) : difference <= 1e-5 * (1 + Math.abs(want)),
      `${name} [${index}]: ${result!.data[i]}, expected ${want}`,
    ).toBe(true);
  });
}

const numbers = new Numbers("values");
const f32 = (shape: Shape, scale = 2): TensorData => ({ shape, data: numbers.floats(sizeOf(shape), scale) });
const i32 = (shape: Shape, low: number, high: number): TensorData => ({
  shape,
  data: numbers.integers(sizeOf(shape), low, high),
});

/** Cases of random axes of one shape; with what it needs to be told from others. */
function casesOf(shape: Shape, axis: number, other: number): Case[] {
  const x = f32(shape);
  const k = i32(shape, -5, 5);
  const rest = shape.filter((_, i) => i !== axis);
  const along = (index: readonly number[]) =>
    Array.from({ length: shape[axis]! }, (_, i) => at(x, [...index.slice(0, axis), i, ...index.slice(axis)]));
  const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);
  const mean = (all: readonly number[]) => sum(all) / all.length;
  const order = shape.map((_, i) => (i + 1) % shape.length);
  const picked = i32(shape.with(axis, 2), 0, shape[axis]! - 1);
  const reduced = (name: string, f: (x: Tensor) => Tensor, value: (all: readonly number[]) => number): Case => ({
    name,
    inputs: { x },
    f: (given) => f(given.x!),
    shape: rest,
    value: (index) => value(along(index)),
  });
  return [
    reduced("sum", (t) => t.sum(axis), sum),
    reduced("mean", (t) => t.mean(axis), mean),
    reduced(
      "max",
      (t) => t.max(axis),
      (all) => Math.max(...all),
    ),
    reduced(
      "min",
      (t) => t.min(axis),
      (all) => Math.min(...all),
    ),
    reduced(
      "variance",
      (t) => t.variance(axis, { correction: 0 }),
      (all) => mean(all.map((v) => (v - mean(all)) ** 2)),
    ),
    reduced(
      "logSumExp",
      (t) => t.logSumExp(axis),
      (all) => Math.log(sum(all.map(Math.exp))),
    ),
    {
      ...reduced(
        "argmax",
        (t) => t.argmax(axis),
        (all) => all.indexOf(Math.max(...all)),
      ),
      dtype: "i32",
    },
    {
      ...reduced(
        "argmin",
        (t) => t.argmin(axis),
        (all) => all.indexOf(Math.min(...all)),
      ),
      dtype: "i32",
    },
    { name: "sum of all", inputs: { x }, f: ({ x: t }) => t!.sum(), shape: [], value: () => sum([...x.data]) },
    {
      name: "argmax of all",
      inputs: { x },
      f: ({ x: t }) => t!.argmax(),
      shape: [],
      value: () => x.data.indexOf(Math.max(...x.data) as never),
      dtype: "i32",
    },
    {
      name: "sum of whole numbers",
      inputs: { k },
      f: ({ k: t }) => t!.sum(undefined, { keepdim: true }),
      shape: shape.map(() => 1),
      value: () => sum([...k.data]),
    },
    {
      name: "softmax",
      inputs: { x },
      f: ({ x: t }) => t!.softmax(axis),
      shape,
      value: (index) => Math.exp(at(x, index)) / sum(along(index.filter((_, i) => i !== axis)).map(Math.exp)),
    },
    {
      name: "cumSum",
      inputs: { x },
      f: ({ x: t }) => t!.cumSum(axis),
      shape,
      value: (index) => sum(along(index.filter((_, i) => i !== axis)).slice(0, index[axis]! + 1)),
    },
    {
      name: "topK",
      inputs: { x },
      f: ({ x: t }) => t!.topK(shape[axis]!, { axis }).values,
      shape,
      value: (index) => along(index.filter((_, i) => i !== axis)).sort((a, b) => b - a)[index[axis]!]!,
    },
    {
      name: "permute",
      inputs: { x },
      f: ({ x: t }) => t!.permute(order),
      shape: order.map((i) => shape[i]!),
      value: (index) =>
        at(
          x,
          shape.map((_, i) => index[order.indexOf(i)]!),
        ),
    },
    {
      name: "permute of whole numbers",
      inputs: { k },
      f: ({ k: t }) => t!.permute(order),
      shape: order.map((i) => shape[i]!),
      value: (index) =>
        at(
          k,
          shape.map((_, i) => index[order.indexOf(i)]!),
        ),
      dtype: "i32",
    },
    {
      name: "transpose",
      inputs: { x },
      f: ({ x: t }) => t!.transpose(axis, other),
      shape: shape.with(axis, shape[other]!).with(other, shape[axis]!),
      value: (index) => at(x, index.with(axis, index[other]!).with(other, index[axis]!)),
    },
    {
      name: "flip",
      inputs: { x },
      f: ({ x: t }) => t!.flip(axis),
      shape,
      value: (index) => at(x, index.with(axis, shape[axis]! - 1 - index[axis]!)),
    },
    {
      name: "every other entry",
      inputs: { k },
      f: ({ k: t }) =>
        t!.slice(shape[axis]! > 1 ? 1 : 0, Math.ceil((shape[axis]! - (shape[axis]! > 1 ? 1 : 0)) / 2), axis, 2),
      shape: shape.with(axis, Math.ceil((shape[axis]! - (shape[axis]! > 1 ? 1 : 0)) / 2)),
      value: (index) => at(k, index.with(axis, 2 * index[axis]! + (shape[axis]! > 1 ? 1 : 0))),
      dtype: "i32",
    },
    {
      name: "pad",
      inputs: { k },
      f: ({ k: t }) =>
        t!.pad(
          shape.map((_, i) => (i === axis ? [2, 1] : [0, 0])),
          { value: 7 },
        ),
      shape: shape.with(axis, shape[axis]! + 3),
      value: (index) =>
        index[axis]! >= 2 && index[axis]! < shape[axis]! + 2 ? at(k, index.with(axis, index[axis]! - 2)) : 7,
      dtype: "i32",
    },
    {
      name: "stack",
      inputs: { x, k },
      f: ({ x: t, k: w }) => F.stack([t!, w!.toFloat()], axis),
      shape: [...shape.slice(0, axis), 2, ...shape.slice(axis)],
      value: (index) =>
        at(
          index[axis] ? k : x,
          index.filter((_, i) => i !== axis),
        ),
    },
    {
      name: "concat of whole numbers",
      inputs: { k },
      f: ({ k: t }) => F.concat([t!, t!], axis),
      shape: shape.with(axis, 2 * shape[axis]!),
      value: (index) => at(k, index.with(axis, index[axis]! % shape[axis]!)),
      dtype: "i32",
    },
    {
      name: "gather",
      inputs: { x, picked },
      f: ({ x: t, picked: p }) => t!.gather(p!, axis),
      shape: picked.shape,
      value: (index) => at(x, index.with(axis, at(picked, index))),
    },
    {
      name: "whole numbers and plain ones",
      inputs: { k },
      f: ({ k: t }) => t!.mul(3).sub(1).abs().maximum(4),
      shape,
      value: (index) => Math.max(Math.abs(at(k, index) * 3 - 1), 4),
      dtype: "i32",
    },
    {
      name: "whole numbers divided",
      inputs: { k },
      f: ({ k: t }) => t!.div(4),
      shape,
      value: (index) => at(k, index) / 4,
    },
    {
      name: "masks",
      inputs: { x, k },
      f: ({ x: t, k: w }) => F.logicalOr(F.logicalAnd(t!.gt(0), w!.ne(2)), F.logicalNot(w!)).where(t!.lt(1), 5),
      shape,
      value: (index) => (at(x, index) < 1 ? Number((at(x, index) > 0 && at(k, index) !== 2) || at(k, index) === 0) : 5),
      dtype: "i32",
    },
    {
      name: "a number cut to a whole one",
      inputs: { x },
      f: ({ x: t }) => t!.mul(3).toInt(),
      shape,
      value: (index) => Math.trunc(Math.fround(at(x, index) * 3)),
      dtype: "i32",
    },
  ];
}

onEach(({ open }) => {
  test("axes of random shapes", async () => {
    const runtime = await open();
    const any = fc
      .array(fc.constantFrom(1, 2, 3, 5), { minLength: 1, maxLength: 4 })
      .chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length - 1), fc.nat(shape.length - 1)));
    await fc.assert(
      fc.asyncProperty(any, async ([shape, axis, other]) => {
        for (const one of casesOf(shape, axis, other)) await check(runtime, one);
      }),
      { seed: 3, numRuns: 6 },
    );
    runtime.dispose();
  });

  test("operands of random shapes that are broadcast", async () => {
    const runtime = await open();
    const any = fc
      .array(fc.constantFrom(1, 2, 3), { minLength: 1, maxLength: 5 })
      .chain((whole) =>
        fc.tuple(
          fc.constant(whole),
          fc.array(fc.boolean(), { minLength: whole.length, maxLength: whole.length }),
          fc.array(fc.boolean(), { minLength: whole.length, maxLength: whole.length }),
          fc.nat(whole.length),
        ),
      );
    await fc.assert(
      fc.asyncProperty(any, async ([whole, left, right, missing]) => {
        const a = f32(whole.map((n, i) => (left[i] && !right[i] ? 1 : n)));
        const b = f32(whole.map((n, i) => (right[i] ? 1 : n)).slice(missing));
        const shape = whole.map((_, i) => Math.max(a.shape[i]!, b.shape[i - missing] ?? 1));
        const cases: readonly (readonly [
          string,
          (x: Tensor, y: Tensor) => Tensor,
          (x: number, y: number) => number,
        ])[] = [
          ["add", F.add, (x, y) => x + y],
          ["div", F.div, (x, y) => x / y],
          ["maximum", F.maximum, Math.max],
          ["where", (x, y) => F.where(x.gt(y), x.sub(y), y.mul(x)), (x, y) => (x > y ? x - y : x * y)],
        ];
        for (const [name, f, value] of cases) {
          const one = { name, inputs: { a, b }, f: ({ a: x, b: y }: Readonly<Record<string, Tensor>>) => f(x!, y!) };
          await check(runtime, { ...one, shape, value: (index) => value(at(a, index), at(b, index)) });
        }
      }),
      { seed: 4, numRuns: 12 },
    );
    runtime.dispose();
  });

  test("matrix products of random shapes", async () => {
    const runtime = await open();
    const length = fc.constantFrom(1, 2, 3, 7);
    const any = fc.record({
      M: length,
      N: length,
      K: length,
      left: fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
      right: fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(any, async ({ M, N, K, left, right }) => {
        const [a, b] = [f32([...left, M, K]), f32([...right, K, N])];
        const rank = Math.max(left.length, right.length);
        const batch = Array.from({ length: rank }, (_, i) =>
          Math.max(left[i - rank + left.length] ?? 1, right[i - rank + right.length] ?? 1),
        );
        await check(runtime, {
          name: `[${a.shape}] times [${b.shape}]`,
          inputs: { a, b },
          f: ({ a: x, b: y }) => x!.matmul(y!),
          shape: [...batch, M, N],
          value: (index) => {
            const [before, m, n] = [index.slice(0, -2), index.at(-2)!, index.at(-1)!];
            let sum = 0;
            for (let k = 0; k < K; k++) sum += at(a, [...before, m, k]) * at(b, [...before, k, n]);
            return sum;
          },
        });
      }),
      { seed: 5, numRuns: 15 },
    );
    runtime.dispose();
  });
});
