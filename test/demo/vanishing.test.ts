/** The numbers of the page "Vanishing and exploding": its own arithmetic, and what clipping does, against the library. */
import { expect, test } from "vitest";
import { mse, Runtime } from "webgpu-rnn";
import { gradientFlow, spectralNorm } from "webgpu-rnn/tasks";
import {
  boundOf,
  H,
  I,
  inputs,
  type Kind,
  kinds,
  layerOf,
  shares,
  spectralRadius,
} from "../../demo/pages/vanishing/flow.ts";
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

/** The mean loss of the last 50 steps, with and without clipping; none for a training that has diverged. */
async function lossesOf(kind: Kind, seed: number) {
  const layer = layerOf(kind, { seed, radius: 1, scale: 0.5, forget: 2 });
  const last: Readonly<Record<string, number>>[] = [];
  for await (const { step, values } of train(wasm, layer, { seed, rate: 0.2, limit: 0.5 }))
    if (step > 250) last.push(values);
  expect(wasm.memory().bytes).toBe(0);
  const mean = (name: string) => last.reduce((sum, values) => sum + (values[name] ?? Number.NaN), 0) / last.length;
  return { clipped: mean("clipped"), free: mean("free") };
}

test.each([1, 2, 3])("seed %d: what explodes is learned with clipping, and not without", async (seed) => {
  const { clipped, free } = await lossesOf("tanh", seed);
  expect(clipped).toBeLessThan(0.3);
  expect(free).toBeNaN();
});

test("what vanishes is not learned, clipped or not", async () => {
  const { clipped, free } = await lossesOf("sigmoid", 1);
  expect(clipped).toBeGreaterThan(0.7);
  expect(free).toBeGreaterThan(0.7);
});
