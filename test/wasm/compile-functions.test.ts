/** Functions that the compiler makes itself, over all of f32, against JavaScript's. */
import { expect, test } from "vitest";
import { sigmoid } from "../../src/cells/activations.ts";
import { cellOf, valuesOf } from "./compile-wgsl.ts";

const COUNT = 20_000;
const from = (low: number, high: number) =>
  Float32Array.from({ length: COUNT }, (_, i) => low + ((high - low) * i) / (COUNT - 1));
/** Positive numbers of every size between two. */
const sizes = (low: number, high: number) => from(Math.log(low), Math.log(high)).map(Math.exp);
const negative = (x: Float32Array) => x.map((one) => -one);

/** The largest error, relative to the value; what is too small for a normal number counts as much as the smallest one. */
function worst(wgsl: string, f: (x: number) => number, x: Float32Array): number {
  return valuesOf(cellOf(wgsl), x).reduce((most, y, i) => {
    const wanted = f(x[i]!);
    return Math.max(most, Math.abs(y - wanted) / Math.max(Math.abs(wanted), 2 ** -126));
  }, 0);
}

const cases: readonly (readonly [
  wgsl: string,
  f: (x: number) => number,
  of: readonly Float32Array[],
  error: number,
])[] = [
  ["exp(v)", Math.exp, [from(-110, 88.7), from(-1, 1)], 1.5e-7],
  ["exp2(v)", (x) => 2 ** x, [from(-160, 127.9)], 1.5e-7],
  ["log(v)", Math.log, [sizes(1e-44, 3e38), from(0.5, 2)], 2.5e-7],
  ["log2(v)", Math.log2, [sizes(1e-44, 3e38), from(0.5, 2)], 3e-7],
  ["tanh(v)", Math.tanh, [sizes(1e-38, 100), negative(sizes(1e-38, 100))], 2.5e-7],
  ["hyperbolicTangent(v)", Math.tanh, [from(-1, 1)], 2.5e-7],
  // As exact as x·log2(e) is in f32: |x| times 1e-7, where the value is small.
  ["sigmoid(v)", sigmoid, [from(-3, 40)], 3e-7],
  ["sigmoid(v)", sigmoid, [from(-87, 0)], 6e-6],
  ["sinh(v)", Math.sinh, [sizes(1e-38, 89.3), negative(sizes(1e-38, 89.3))], 3e-7],
  ["cosh(v)", Math.cosh, [from(-89.3, 89.3)], 3e-7],
  ["inverseSqrt(v)", (x) => 1 / Math.sqrt(x), [sizes(1e-38, 1e38)], 1.5e-7],
  ["pow(v, Real(1.5))", (x) => x ** 1.5, [sizes(1e-3, 1e3)], 2e-6],
  ["softplus(v)", (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), [from(-80, 80)], 1e-6],
  ["elu(v, 1.0)", (x) => (x >= 0 ? x : Math.expm1(x)), [from(-20, 1)], 4e-7],
  ["softsign(v)", (x) => x / (1 + Math.abs(x)), [from(-20, 20)], 1.5e-7],
];
for (const [wgsl, f, ranges, error] of cases)
  test(`${wgsl} from ${Math.min(...ranges.map((x) => Math.min(...x)))} on is within ${error}`, () => {
    for (const x of ranges) expect(worst(wgsl, f, x)).toBeLessThan(error);
  });

const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
const ends = Float32Array.of(nan, inf, -inf, 0, 100, -200);
test.each([
  ["exp(v)", [nan, inf, 0, 1, inf, 0]],
  ["exp2(v)", [nan, inf, 0, 1, 2 ** 100, 0]],
  ["log(v)", [nan, inf, nan, -inf, Math.fround(Math.log(100)), nan]],
  ["tanh(v)", [nan, 1, -1, 0, 1, -1]],
  ["sinh(v)", [nan, inf, -inf, 0, inf, -inf]],
  ["cosh(v)", [nan, inf, inf, 1, inf, inf]],
  ["sign(v)", [nan, 1, -1, 0, 1, -1]],
  ["relu(v)", [nan, inf, 0, 0, 100, 0]],
  ["orNaN(v, Real(7.0))", [nan, 7, 7, 7, 7, 7]],
  ["min(v, Real(1.0))", [nan, 1, -inf, 0, 1, -200]],
  ["max(Real(1.0), v)", [nan, inf, 1, 1, 100, 1]],
  ["clamp(v, Real(-1.0), Real(1.0))", [nan, 1, -1, 0, 1, -1]],
  ["saturate(v)", [nan, 1, 0, 0, 1, 0]],
  ["sigmoid(v) * 1.0", [nan, 1, 2 ** -126, 0.5, 1, 2 ** -126]],
])("%s at the ends of f32", (wgsl, expected) => {
  expect([...valuesOf(cellOf(wgsl), ends)]).toEqual(expected);
});

test("NaN of any bits goes through what computes with the bits of its exponent", () => {
  const given = new Float32Array(Uint32Array.of(0x7fc00001, 0xffc001ff, 0x7fffffff, 0xffc00000).buffer);
  for (const wgsl of ["exp(v)", "exp2(v)", "log(v)", "tanh(v)", "sigmoid(v)", "sinh(v)", "cosh(v)"])
    expect([...valuesOf(cellOf(wgsl), given)]).toEqual([nan, nan, nan, nan]);
});

const some = Float32Array.of(-2.5, -1.5, -0.75, -0.25, 0.25, 0.75, 1.5, 2.5);
const even = (x: number) => (x % 1 === 0.5 || x % 1 === -0.5 ? 2 * Math.round(x / 2) : Math.round(x));
test.each<[string, (x: number) => number]>([
  ["abs(v)", Math.abs],
  ["ceil(v)", Math.ceil],
  ["floor(v)", Math.floor],
  ["trunc(v)", Math.trunc],
  ["round(v)", even],
  ["fract(v)", (x) => x - Math.floor(x)],
  ["sqrt(abs(v))", (x) => Math.fround(Math.sqrt(Math.abs(x)))],
  ["mix(Real(1.0), Real(3.0), v)", (x) => 1 - x + 3 * x],
  ["fma(v, v, Real(1.0))", (x) => x * x + 1],
  ["step(Real(0.75), v)", (x) => (x >= 0.75 ? 1 : 0)],
  ["smoothstep(Real(0.0), Real(1.0), v)", (x) => (x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x))],
  ["v % 2.0", (x) => x % 2],
  ["orNaN(v, Real(7.0))", () => 7],
])("%s", (wgsl, f) => {
  expect([...valuesOf(cellOf(wgsl), some)].map((y) => y + 0)).toEqual([...some].map((x) => f(x) + 0));
});
