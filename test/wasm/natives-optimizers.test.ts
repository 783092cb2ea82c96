/** Optimizers on WebAssembly against their twins: where numbers end, and numbers that are none. */
import { expect, test } from "vitest";
import { kernels } from "../../src/kernels/index.ts";
import { natives } from "../../src/wasm/natives.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";
import { expectTwins, Numbers, type TwinCase } from "../support/against-twin.ts";

const wasm = await WasmBackend.open();

const adamLike = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
/** Params of each with its usual numbers, and what the host sends in step 3. */
const optimizers: Readonly<Record<string, { params: Readonly<Record<string, number>>; hyper: readonly number[] }>> = {
  adadelta: { params: { rho: 0.9, eps: 1e-6 }, hyper: [1] },
  adagrad: { params: { eps: 1e-10 }, hyper: [0.01] },
  adam: { params: { ...adamLike, decoupled: 0, amsgrad: 1 }, hyper: [1e-3, 1 - 0.9 ** 3, 1 - 0.999 ** 3] },
  adamax: { params: adamLike, hyper: [2e-3, 1 - 0.9 ** 3] },
  asgd: { params: { lambd: 1e-4 }, hyper: [0.01, 0.5] },
  ftrl: { params: { power: 0.5, l1: 0.01, l2: 0.1, l2Shrinkage: 0.2, beta: 1 }, hyper: [0.1] },
  lion: { params: { beta1: 0.9, beta2: 0.99 }, hyper: [1e-3] },
  nadam: { params: { ...adamLike, decoupled: 1 }, hyper: [2e-3, 0.7, 0.5, 1 - 0.999 ** 3] },
  radam: { params: { ...adamLike, decoupled: 0 }, hyper: [1e-3, 1 - 0.9 ** 3, 0.02] },
  rmsprop: { params: { alpha: 0.99, eps: 1e-8, momentum: 0.9, centered: 1 }, hyper: [0.01] },
  rprop: { params: { etaMinus: 0.5, etaPlus: 1.2, stepSizeMin: 1e-6, stepSizeMax: 50 }, hyper: [0.01] },
  sgd: { params: { momentum: 0.9, dampening: 0.1, nesterov: 0 }, hyper: [0.1, 0] },
};

/** Arrays of every length up to 9 end in every place of a vector. */
const lengths = [...Array.from({ length: 9 }, (_, i) => i + 1), 67];
const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0];

function caseOf(kernel: string, P: number, isSpecial: boolean): TwinCase {
  const { params, hyper } = optimizers[kernel]!;
  const numbers = new Numbers(`${kernel} ${P}`);
  const moments = kernels[kernel]!.bindings.slice(4).map(({ name }) => name);
  // A mean of squares that is larger than the square of the mean.
  const sizes = numbers.floats(P).map((x) => 1 + Math.abs(x));
  const gradient = numbers.floats(P, 3).map((x, i) => (isSpecial ? (special[i % 7] ?? x) : x));
  return {
    kernel,
    constants: {},
    params: { P, clipValue: isSpecial ? 1 : 2.5, weightDecay: isSpecial ? 0 : 0.01, ...params },
    data: {
      parameter: numbers.floats(P),
      gradient,
      norm: Float32Array.of(7, 0.5),
      hyper: Float32Array.from(hyper),
      ...Object.fromEntries(moments.map((name, k) => [name, k === 0 ? sizes : numbers.floats(P, 0.5).map(Math.abs)])),
    },
    grid: [1, 1, 1],
  };
}

test.each(Object.keys(optimizers))("%s is native and gives what its twin gives", async (kernel) => {
  expect(natives.has(kernel)).toBe(true);
  const cases = Object.fromEntries(lengths.map((P) => [`${P}`, caseOf(kernel, P, false)]));
  await expectTwins(wasm, cases);
});

test.each(Object.keys(optimizers))("%s keeps NaN and infinities as its twin does", async (kernel) => {
  await expectTwins(wasm, { special: caseOf(kernel, 70, true) });
});

test("every optimizer is native", () => {
  const all = Object.values(kernels).filter(({ bindings }) => bindings.some(({ name }) => name === "hyper"));
  expect(all.map(({ name }) => name).filter((name) => !natives.has(name))).toEqual([]);
});
