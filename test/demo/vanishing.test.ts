/** The numbers of the page "Vanishing and exploding": its own arithmetic, and what clipping does, against the library. */
import { expect, test } from "vitest";
import { mse, Runtime } from "webgpu-rnn";
import { gradientFlow, spectralNorm } from "webgpu-rnn/tasks";
import { boundOf, H, I, inputs, kinds, layerOf, shares, spectralRadius } from "../../demo/pages/vanishing/flow.ts";
import { networkOf, train } from "../../demo/pages/vanishing/program.ts";

const cpu = await Runtime.open({ backend: "cpu" });
const wasm = await Runtime.open({ backend: "wasm", threads: 1 });
const start = { seed: 3, radius: 1.2, scale: 0.5, forget: 1 };
const T = 12;

test.each(kinds)("%s: the norms are those of gradientFlow", async (kind) => {
  const layer = layerOf(kind, start);
  const x = inputs(T, start.seed);
  const batch = { x: { shape: [T, 1, I], data: x }, target: { shape: [1, 1], data: Float64Array.of(9) } };
  const flow = await gradientFlow(cpu, networkOf(cpu, layer), batch, { loss: mse() });
  const { norms, bound, gammas } = flow.layers[0]!;
  const found = shares(layer, x);
  expect(found).toHaveLength(T);
  for (const [n, share] of found.entries()) {
    const t = T - 1 - n;
    const expected = Math.hypot(norms.h![t]!, norms.c?.[t] ?? 0) / norms.h![T - 1]!;
    expect(share / expected, `${n} steps back`).toBeCloseTo(1, 10);
    if (bound) {
      expect(share).toBeLessThanOrEqual(bound[t]! * (1 + 1e-9));
      expect(boundOf(kind, gammas!.weight, T)[n]! / bound[t]!).toBeCloseTo(1, 10);
    }
  }
});

test("W has the spectral radius that was asked for", () => {
  const { W } = layerOf("tanh", { ...start, radius: 0.7 });
  expect(spectralRadius(W)).toBeCloseTo(0.7, 2);
  // A diagonal has its largest entry, whatever its sign.
  const diagonal = new Float64Array(H * H);
  for (let i = 0; i < H; i++) diagonal[i * H + i] = i === 3 ? -1.5 : i / H;
  expect(spectralRadius(diagonal)).toBeCloseTo(1.5, 2);
  // All singular values of an orthogonal matrix are 1.
  const Q = layerOf("orthogonal", { ...start, radius: 1 }).W;
  expect(spectralNorm({ shape: [H, H], data: Q })).toBeCloseTo(1, 10);
});

test.each([1, 2, 3])("seed %d: what explodes is learned with clipping, and diverges without", async (seed) => {
  const layer = layerOf("tanh", { seed, radius: 1.5, scale: 0.5, forget: 2 });
  const losses: number[] = [];
  let end: number | undefined;
  for await (const { values, diverged } of train(wasm, layer, { seed, rate: 0.1, limit: 0.5 })) {
    losses.push(values.clipped!);
    end = diverged;
  }
  expect(losses.slice(-50).reduce((sum, one) => sum + one, 0) / 50).toBeLessThan(0.3);
  expect(end).toBeGreaterThan(1);
  expect(wasm.memory().bytes).toBe(0);
});

test("what vanishes is not learned, clipped or not", async () => {
  const layer = layerOf("sigmoid", { seed: 1, radius: 1.5, scale: 0.5, forget: 2 });
  let last: Readonly<Record<string, number>> = {};
  for await (const { values } of train(wasm, layer, { seed: 1, rate: 0.1, limit: 0.5 })) last = values;
  expect(last.clipped).toBeGreaterThan(0.5);
  expect(last.free).toBeGreaterThan(0.5);
});
