/** Functions of tensors at the ends of what their numbers can be: NaN, the ends of i32, tiny values, powers of 0. */
import { expect, test } from "vitest";
import { functional as F, OptionError, Runtime, type Tensor } from "../../src/index.ts";
import { runtimesForTests } from "../support/backends.ts";
import { Parts } from "../support/gradient-check.ts";

const { onEach, runtimes } = await runtimesForTests();

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

/** What a function makes of these numbers: of `x` as f32, of `k` as i32. */
async function resultOf(
  runtime: Runtime,
  f: (tensors: { x: Tensor; k: Tensor }) => Tensor,
  given: { readonly x?: readonly number[]; readonly k?: readonly number[] },
): Promise<number[]> {
  const { x = [0], k = [0] } = given;
  const program = await runtime.compile(new Parts({}), {
    inputs: { x: { shape: [x.length] }, k: { shape: [k.length], dtype: "i32" } },
    forward: (tensors) => ({ y: f(tensors) }),
  });
  const { y } = await program.run({
    x: { shape: [x.length], data: Float32Array.from(x) },
    k: { shape: [k.length], data: Int32Array.from(k) },
  });
  program.dispose();
  return [...y!.data];
}

onEach(({ kind }) => {
  const runtime = runtimes[kind];
  const of = async (f: (x: Tensor) => Tensor, x: readonly number[]) => resultOf(runtime, (t) => f(t.x), { x });
  const ofWhole = async (f: (k: Tensor) => Tensor, k: readonly number[]) => resultOf(runtime, (t) => f(t.k), { k });

  test("NaN is not equal to anything, and neither more nor less", async () => {
    const x = [Number.NaN, 1, 0, -2];
    expect(await of((t) => t.ne(t), x)).toEqual([1, 0, 0, 0]);
    expect(await of((t) => t.ne(t.mul(-1)), x)).toEqual([1, 1, 0, 1]);
    expect(await of((t) => t.ne(1), x)).toEqual([1, 0, 1, 1]);
    expect(await of((t) => t.eq(t), x)).toEqual([0, 1, 1, 1]);
    for (const f of [F.lt, F.le, F.gt, F.ge]) expect((await of((t) => f(t, 0), x))[0]).toBe(0);
  });

  test("NaN is a condition that holds, because it is not 0", async () => {
    const x = [Number.NaN, 1, 0, -2];
    expect(await of((t) => F.where(t, 5, 6), x)).toEqual([5, 5, 6, 5]);
    expect(await of((t) => F.where(t.ne(t), 0, t), x)).toEqual([0, 1, 0, -2]);
    expect(await of((t) => t.logicalNot(), x)).toEqual([0, 0, 1, 0]);
    expect(await of((t) => t.logicalAnd(t), x)).toEqual([1, 1, 0, 1]);
    expect(await of((t) => t.logicalOr(t), x)).toEqual([1, 1, 0, 1]);
  });

  test("the ends of i32", async () => {
    const k = [LEAST, MOST, 0];
    expect(await ofWhole((t) => t.eq(LEAST), k)).toEqual([1, 0, 0]);
    expect(await ofWhole((t) => t.maximum(LEAST).minimum(MOST), k)).toEqual(k);
    expect(await ofWhole((t) => t.clamp({ max: 0 }), k)).toEqual([LEAST, 0, 0]);
    expect(await ofWhole((t) => t.clamp({ min: 0 }), k)).toEqual([0, MOST, 0]);
    expect(await ofWhole((t) => t.pad([[1, 0]], { value: LEAST }), k)).toEqual([LEAST, ...k]);
    expect(await ofWhole((t) => t.eq(F.constant([LEAST], { dtype: "i32" })), k)).toEqual([1, 0, 0]);
  });

  test("a plain number that i32 does not have makes f32", async () => {
    const k = [LEAST, MOST, 7];
    expect(await ofWhole((t) => t.lt(3e9), k)).toEqual([1, 1, 1]);
    expect(await ofWhole((t) => t.gt(-3e9), k)).toEqual([1, 1, 1]);
    expect((await ofWhole((t) => t.mul(1e10), k))[2]).toBeCloseTo(7e10, -4);
    expect((await ofWhole((t) => t.clamp({ min: -3e9, max: 3e9 }), k))[2]).toBe(7);
  });

  test("whole numbers of what has none", async () => {
    expect(await of((t) => t.toInt(), [Number.NaN, 3e9, -3e9, 2.7, -2.7])).toEqual([0, MOST, LEAST, 2, -2]);
  });

  test("rounding: halves go to the even number, what has no place behind the point stays", async () => {
    const x = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, -0.49999997, 2.7, -2.2, 8388607.5, 1e10, -3e38];
    const rounded = [0, 2, 2, 0, -2, -2, 0, 0, 3, -2, 8388608, 1e10, Math.fround(-3e38)];
    expect((await of(F.round, x)).map((y) => y + 0)).toEqual(rounded);
    expect((await of(F.ceil, x.slice(0, 10))).map((y) => y + 0)).toEqual([1, 2, 3, 0, -1, -2, 1, 0, 3, -2]);
    expect((await of(F.trunc, x.slice(0, 10))).map((y) => y + 0)).toEqual([0, 1, 2, 0, -1, -2, 0, 0, 2, -2]);
    for (const f of [F.round, F.ceil, F.trunc, F.erf]) expect((await of(f, [Number.NaN]))[0]).toBeNaN();
  });

  test("remainders have the sign of what is divided by; those of whole numbers are exact", async () => {
    const k = [7, -7, 6, -6, 0, MOST, LEAST, 2147480003, -2147480003, 16777217, 5];
    for (const b of [3, -3, 1, 7, -46341, 1000003, 2147483647]) {
      const want = k.map((a) => ((a % b) + b) % b);
      expect(await ofWhole((t) => F.remainder(t, b), k), `by ${b}`).toEqual(want.map((y) => y + 0));
    }
    expect(await resultOf(runtime, (t) => F.remainder(17, t.k), { k: [5, -5, 20] })).toEqual([2, -3, 17]);
    const x = [5.5, -5.5, 6, -6, 0.25];
    const close = (got: readonly number[], want: readonly number[]) =>
      want.forEach((value, i) => {
        expect(got[i]).toBeCloseTo(value, 5);
      });
    close(await of((t) => F.remainder(t, 2), x), [1.5, 0.5, 0, 0, 0.25]);
    close(await of((t) => F.remainder(t, -1.5), x), [-0.5, -1, 0, 0, -1.25]);
  });

  test("the error function keeps its digits near 0, and is 1 far from it", async () => {
    const x = [1e-6, 0.1, -0.5, 0.69, 0.71, -1, 2, -3.5, 20, -1e30];
    const want = [
      1.128379167095e-6, 0.1124629160182849, -0.5204998778130465, 0.6708400622064803, 0.6846655550176832,
      -0.8427007929497149, 0.9953222650189527, -0.9999992569016276, 1, -1,
    ];
    (await of(F.erf, x)).forEach((y, i) => {
      expect(Math.abs(y / want[i]! - 1), `erf(${x[i]}) = ${y}`).toBeLessThan(kind === "cpu" ? 1e-7 : 4e-7);
    });
  });

  test("products know what a 0 leaves, and triangles what a NaN beside them is", async () => {
    const opened = await runtime;
    const program = await opened.compile(new Parts({}), {
      inputs: { x: { shape: [3, 3] } },
      forward: ({ x }) => ({ y: F.prod(x, 1), z: F.prod(x), low: F.tril(x, -1), high: F.triu(x) }),
      seeds: ["y"],
      gradients: ["x"],
    });
    const data = Float32Array.of(2, 0, 3, 0, 0, 5, -1, -2, -3);
    const got = await program.run({
      x: { shape: [3, 3], data },
      "gradient.y": { shape: [3], data: Float32Array.of(1, 1, 1) },
    });
    expect([...got.y!.data].map((y) => y + 0)).toEqual([0, 0, -6]);
    expect(got.z!.data[0]! + 0).toBe(0);
    expect([...got["grad.x"]!.data].map((y) => y + 0)).toEqual([0, 6, 0, 0, 0, 0, 6, 3, 2]);
    expect([...got.low!.data]).toEqual([0, 0, 0, 0, 0, 0, -1, -2, 0]);
    expect([...got.high!.data]).toEqual([2, 0, 3, 0, 0, 5, 0, 0, -3]);
    data[2] = Number.NaN;
    const again = await program.run({
      x: { shape: [3, 3], data },
      "gradient.y": { shape: [3], data: Float32Array.of(1, 1, 1) },
    });
    program.dispose();
    expect([...again.low!.data]).toEqual([0, 0, 0, 0, 0, 0, -1, -2, 0]);
  });

  test("sigmoid and softplus of numbers far below 0", async () => {
    const x = [-20, -35, -60];
    const ratios = (y: readonly number[]) => y.map((value, i) => Number((value / Math.exp(x[i]!)).toFixed(4)));
    expect(ratios(await of((t) => t.sigmoid(), x))).toEqual([1, 1, 1]);
    expect(ratios(await of((t) => t.softplus(), x))).toEqual([1, 1, 1]);
    const logarithms = await of((t) => t.sigmoid().log(), x);
    for (const [i, value] of logarithms.entries()) expect(value).toBeCloseTo(x[i]!, 4);
  });

  test("a power of 0 does not change with what it is taken of", async () => {
    const opened = await runtime;
    const program = await opened.compile(new Parts({}), {
      inputs: { x: { shape: [3] }, n: { shape: [3] } },
      forward: ({ x, n }) => ({ plain: x.pow(0), given: x.pow(n) }),
      seeds: ["plain", "given"],
      gradients: ["x"],
    });
    const vector = (...data: number[]) => ({ shape: [3], data: Float32Array.from(data) });
    const run = (plain: number, given: number) =>
      program.run({
        x: vector(0, 2, -3),
        n: vector(0, 0, 2),
        "gradient.plain": vector(plain, plain, plain),
        "gradient.given": vector(given, given, given),
      });
    for (const value of (await run(1, 0))["grad.x"]!.data) expect(value).toBeCloseTo(0, 10);
    const { data } = (await run(0, 1))["grad.x"]!;
    expect(data[0]).toBeCloseTo(0, 10);
    expect(data[1]).toBeCloseTo(0, 10);
    expect(data[2]).toBeCloseTo(-6, 4);
    program.dispose();
  });

  test("sine and cosine of what is too large for f32 to tell the angle are NaN, not large numbers", async () => {
    const y = await of((t) => t.sin().add(t.cos()), [3e9, -1e30, 8000]);
    if (kind === "gpu") expect(y.slice(0, 2)).toEqual([Number.NaN, Number.NaN]);
    expect(y[2]).toBeCloseTo(Math.sin(8000) + Math.cos(8000), 5);
  });
});

test("constants of i32 are whole and in its range", () => {
  for (const value of [1.5, 3e9, Number.NaN])
    expect(() => F.constant([0, value], { dtype: "i32" })).toThrow(
      new OptionError(
        `constant: values[1] is ${value}, expected a whole number from ${LEAST} to ${MOST} for dtype i32`,
      ),
    );
});

test("what whole numbers are padded with is one of them", async () => {
  const opened = await Runtime.open({ backend: "cpu" });
  const padded = (value: number) =>
    opened.compile(new Parts({}), {
      inputs: { k: { shape: [2], dtype: "i32" } },
      forward: ({ k }) => ({ y: k.pad([[1, 0]], { value }) }),
    });
  for (const value of [0.5, 3e9])
    await expect(padded(value)).rejects.toThrow(`pad: value is ${value}, and x holds whole numbers`);
});
