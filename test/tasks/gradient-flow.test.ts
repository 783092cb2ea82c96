/** How a loss's gradient goes back through the steps: against finite differences, and what is known of vanishing and exploding. */
import { describe, expect, test } from "vitest";
import {
  functional,
  Linear,
  LSTM,
  MGU,
  mse,
  OptionError,
  RNN,
  Runtime,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { gates } from "../../src/tasks/inside/gates.ts";
import { gradientFlow, spectralNorm } from "../../src/tasks/inside/gradient-flow.ts";
import { Classifier, classes, layerOf, normals, Tagger } from "../support/inside-models.ts";
import { type Bump, crossEntropyOf, headOf, type PlainCell, plainLayers } from "../support/plain-layers.ts";

const cpu = await Runtime.open({ backend: "cpu" });
const wasm = await Runtime.open({ backend: "wasm", threads: 1 });
const [T, B, I, H, V] = [4, 2, 3, 3, 3];
const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0));

describe.each([1, 2])("%d layers: norms are those of finite differences", (layers) => {
  test.each(["tanh", "relu", "sigmoid", "lstm", "gru"] as const)("%s", async (cell: PlainCell) => {
    const x = normals([T, B, I]);
    for (const [Model, from] of [
      [Tagger, 2],
      [Tagger, "all"],
      [Classifier, undefined],
    ] as const) {
      const model = new Model(layerOf(cell, I, H, layers), V);
      cpu.initialize(model, { seed: 5 });
      const weights = await cpu.stateDict(model);
      const target = classes(Model === Tagger ? [T, B] : [B], V);
      const options = from === undefined ? {} : { from };
      const flow = await gradientFlow(cpu, model, { x, target }, options);
      const steps = from === undefined ? [T - 1] : from === "all" ? [0, 1, 2, 3] : [from];
      const loss = (bump?: Bump) => {
        const top = plainLayers({ cell, layers, T, B, H }, weights, "rnn.", x, bump).at(-1)!;
        const one = (s: number) => {
          const wanted = Model === Tagger ? target.data.slice(s * B, (s + 1) * B) : target.data;
          return crossEntropyOf(
            headOf(top[s]!.h!, weights["head.weight"]!.data, weights["head.bias"]!.data),
            wanted,
            V,
          );
        };
        return steps.reduce((sum, s) => sum + one(s), 0);
      };
      expect(flow.loss).toBeCloseTo(loss(), 12);
      expect(flow.from).toBe(steps.at(-1));
      expect(flow.layers).toHaveLength(layers);
      for (const [layer, { norms }] of flow.layers.entries()) {
        expect(Object.keys(norms)).toEqual(cell === "lstm" ? ["h", "c"] : ["h"]);
        for (const [state, found] of Object.entries(norms))
          for (let step = 0; step < T; step++) {
            const slopes = Array.from({ length: B * H }, (_, index) => {
              const [up, down] = [1e-5, -1e-5].map((by) => loss({ layer, step, state, index, by })) as [number, number];
              return (up - down) / 2e-5;
            });
            expect(found[step], `${layer} ${state} ${step} from ${from}`).toBeCloseTo(norm(slopes), 8);
          }
      }
    }
  });
});

/** A relu classifier of one layer with this R, whose units are all above 0. */
async function rectified(R: readonly number[], steps: number) {
  const size = Math.sqrt(R.length);
  const model = new Classifier(new RNN({ inputSize: 1, hiddenSize: size, nonlinearity: "relu", bias: false }), 2);
  cpu.loadStateDict(model, {
    ...(await cpu.stateDict(model)),
    "rnn.weight_ih_l0": { shape: [size, 1], data: new Float64Array(size).fill(1) },
    "rnn.weight_hh_l0": { shape: [size, size], data: Float64Array.from(R) },
  });
  const x = { shape: [steps, 1, 1], data: new Float64Array(steps).fill(1) };
  const { layers } = await gradientFlow(cpu, model, { x, target: { shape: [1], data: Int32Array.of(1) } });
  return layers[0]!;
}

test("an orthogonal R with relu keeps the norm; one and a half times it, it explodes as the bound says", async () => {
  const turn = [0, 1, 0, 0, 0, 1, 1, 0, 0];
  const kept = await rectified(turn, 12);
  expect(kept.gammas!.weight).toBeCloseTo(1, 12);
  for (const one of kept.norms.h!) expect(one).toBeCloseTo(kept.norms.h!.at(-1)!, 12);
  expect(kept.saturated.a).toEqual(Array(12).fill(0));
  const grown = await rectified(
    turn.map((one) => 1.5 * one),
    12,
  );
  for (const [t, one] of grown.norms.h!.entries()) {
    expect(grown.bound![t]).toBeCloseTo(1.5 ** (11 - t), 8);
    expect(one / (grown.bound![t]! * grown.norms.h!.at(-1)!)).toBeCloseTo(1, 10);
  }
});

test("norms stay under the bound, and vanish faster with sigmoid than with tanh", async () => {
  const steps = 25;
  const x = normals([steps, 4, I]);
  const share: Record<string, number> = {};
  let weights: StateDict | undefined;
  for (const cell of ["tanh", "sigmoid", "relu"] as const) {
    const model = new Tagger(layerOf(cell, I, 8), 2);
    cpu.initialize(model, { seed: 3 });
    weights ??= await cpu.stateDict(model);
    cpu.loadStateDict(model, weights);
    const target = classes([steps, 4], 2);
    for (const from of [steps - 1, 17]) {
      const [layer] = (await gradientFlow(cpu, model, { x, target }, { from })).layers;
      const h = layer!.norms.h!;
      const { weight, activation } = layer!.gammas!;
      expect(activation).toBe(cell === "sigmoid" ? 0.25 : 1);
      for (let t = 0; t < steps; t++) {
        expect(layer!.bound![t]).toBeCloseTo(t > from ? 0 : (weight * activation) ** (from - t), 12);
        expect(h[t]!).toBeLessThanOrEqual(layer!.bound![t]! * h[from]! * (1 + 1e-9));
        if (t > from) expect(h[t]).toBe(0);
        else expect(h[t]!).toBeGreaterThan(0);
      }
      share[cell] = h[0]! / h[from]!;
    }
  }
  expect(share.sigmoid!).toBeLessThan(share.tanh! / 1000);
  expect(share.tanh!).toBeLessThan(0.1);
});

test("c of an LSTM whose forget gates are open keeps the gradient that an RNN loses, on WebAssembly", async () => {
  const steps = 30;
  const x = normals([steps, 4, I]);
  const target = classes([4], 2);
  const lost = new Classifier(new RNN({ inputSize: I, hiddenSize: 8 }), 2);
  const kept = new Classifier(new LSTM({ inputSize: I, hiddenSize: 8, forgetBias: 6 }), 2);
  const ratios = [];
  for (const [model, state] of [
    [lost, "h"],
    [kept, "c"],
  ] as const) {
    const flow = await gradientFlow(wasm, model, { x, target });
    const norms = flow.layers[0]!.norms[state]!;
    // c of the last step is read by no step.
    if (state === "c") expect(norms.at(-1)).toBe(0);
    ratios.push(norms[0]! / norms.at(-2)!);
    expect(flow.layers[0]!.bound === undefined).toBe(state === "c");
  }
  expect(ratios[0]!).toBeLessThan(1e-3);
  expect(ratios[1]!).toBeGreaterThan(0.1);
});

test("saturated units are those of the gates beyond the thresholds", async () => {
  const x = normals([T, B, I]);
  for (const cell of ["lstm", "gru", "tanh", "sigmoid", "relu"] as const) {
    const model = new Tagger(layerOf(cell, I, 6), 2);
    const dict = await cpu.stateDict(model);
    const large = Object.entries(dict).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((one) => 6 * one) },
    ]);
    cpu.loadStateDict(model, Object.fromEntries(large));
    const [of] = await gates(cpu, model, x);
    for (const saturation of [{}, { tanh: 0.6, sigmoid: 0.3 }]) {
      const batch = { x, target: classes([T, B], 2) };
      const [layer] = (await gradientFlow(cpu, model, batch, { saturation })).layers;
      const { tanh = 0.95, sigmoid = 0.05 } = saturation as { tanh?: number; sigmoid?: number };
      for (const [gate, shares] of Object.entries(layer!.saturated)) {
        const values = of!.values[gate === "a" ? "h" : gate]!.data;
        const isTanh = ["g", "n"].includes(gate) || cell === "tanh";
        const counted = shares.map((_, t) => {
          const step = Array.from(values).slice(t * B * 6, (t + 1) * B * 6);
          const is = (y: number) =>
            cell === "relu" ? y === 0 : isTanh ? y > tanh || y < -tanh : y < sigmoid || y > 1 - sigmoid;
          return step.filter(is).length / step.length;
        });
        expect(shares).toEqual(counted);
        expect(Math.max(...shares), `${cell} ${gate}`).toBeGreaterThan(0);
      }
      expect(Object.keys(layer!.saturated)).toHaveLength({ lstm: 4, gru: 3, tanh: 1, sigmoid: 1, relu: 1 }[cell]);
    }
  }
});

test("the largest singular value", () => {
  const matrix = (shape: readonly number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });
  // The singular values of [[3, 0], [4, 5]] are √45 and √5.
  expect(spectralNorm(matrix([2, 2], [3, 0, 4, 5]))).toBeCloseTo(Math.sqrt(45), 10);
  expect(spectralNorm(matrix([2, 3], [0, 0, -2, 0, 1, 0]))).toBeCloseTo(2, 10);
  expect(spectralNorm(matrix([2, 2], [0, 0, 0, 0]))).toBe(0);
  expect(spectralNorm(matrix([3, 1], [2, 3, 6]))).toBeCloseTo(7, 10);
  expect(() => spectralNorm(matrix([4], [1, 2, 3, 4]))).toThrow("shape [4] and 4 values, expected [M,N]");
});

test("a loss of one's own, of a cell without a bound, over several outputs", async () => {
  const model = new MGU({ inputSize: I, hiddenSize: H });
  const target = normals([T, B, H], 4);
  const loss = ({ output }: { output: Tensor }, wanted: Tensor) => mse().apply(output, wanted);
  const x = normals([T, B, I]);
  const { layers, loss: found } = await gradientFlow(cpu, model, { x, target }, { loss, from: 1 });
  const { output } = (await cpu.predict(model, x)) as StateDict;
  const errors = Array.from({ length: B * H }, (_, i) => output!.data[B * H + i]! - target.data[B * H + i]!);
  expect(found).toBeCloseTo(norm(errors) ** 2 / (B * H), 12);
  expect(layers[0]!.norms.h![1]).toBeCloseTo((2 * norm(errors)) / (B * H), 12);
  expect(layers[0]!.norms.h!.slice(2)).toEqual([0, 0]);
  expect([layers[0]!.bound, layers[0]!.gammas, layers[0]!.saturated]).toEqual([undefined, undefined, {}]);
});

test("padding carries no gradient, and targets that are ignored have no loss", async () => {
  class Padded extends Tagger {
    override forward(given: unknown) {
      const { x, lengths } = given as { x: Tensor; lengths: Tensor };
      const { output, state } = this.rnn.forward(x, undefined, { lengths });
      return { logits: this.head.forward(functional.lastPool(output, { lengths })), state };
    }
  }
  for (const cell of ["tanh", "lstm", "gru"] as const) {
    const model = new Padded(layerOf(cell, I, H, 2), V);
    const plain = new Classifier(model.rnn, V);
    plain.head = model.head;
    const x = normals([T + 3, 1, I]);
    const target = classes([1], V);
    const padded = await gradientFlow(cpu, model, {
      x: { x, lengths: { shape: [1], data: Int32Array.of(T) } },
      target,
    });
    const short = { shape: [T, 1, I], data: x.data.slice(0, T * I) };
    const flow = await gradientFlow(cpu, plain, { x: short, target });
    expect(padded.loss).toBeCloseTo(flow.loss, 12);
    for (const [l, { norms }] of flow.layers.entries())
      for (const [state, values] of Object.entries(norms))
        for (const [t, one] of padded.layers[l]!.norms[state]!.entries()) expect(one).toBeCloseTo(values[t] ?? 0, 12);
  }
  const tagger = new Tagger(layerOf("gru", I, H), V);
  const target = { shape: [T, B], data: Int32Array.of(0, 1, 2, 1, -100, 2, -100, -100) };
  const { loss, layers } = await gradientFlow(cpu, tagger, { x: normals([T, B, I]), target });
  expect([loss, ...layers[0]!.norms.h!]).toEqual([0, 0, 0, 0, 0]);
});

test("what makes no sense is refused", async () => {
  const x = normals([T, B, I]);
  const model = new Tagger(layerOf("tanh", I, H), V);
  const batch = { x, target: classes([T, B], V) };
  const refused = (options: object, message: string) =>
    expect(gradientFlow(cpu, model, batch, options)).rejects.toThrow(message);
  await refused({ from: 4 }, 'gradientFlow: from is 4, expected a step from 0 to 3, or "all"');
  await refused({ from: "last" }, 'from is "last"');
  await refused({ step: 3 }, "options are loss, from, saturation");
  await refused({ saturation: { tanh: 2 } }, "saturation.tanh is 2");
  await refused({ saturation: { relu: 2 } }, "options are tanh, sigmoid");
  await refused({ loss: 3 }, "gradientFlow: loss is 3");
  await refused({ loss: ({ logits }: { logits: Tensor }) => logits }, "the loss is [1,2,3], expected one number");
  const one = { x, target: classes([B], V) };
  const classifier = new Classifier(layerOf("gru", I, H), V);
  await expect(gradientFlow(cpu, classifier, one, { from: 1 })).rejects.toThrow("one loss for the whole sequence");
  await expect(gradientFlow(cpu, classifier, one, { from: 1 })).rejects.toThrow(OptionError);
  await expect(gradientFlow(cpu, model, { x } as never)).rejects.toThrow("the batch has x, expected { x, target }");
  const bare = layerOf("tanh", I, H);
  await expect(gradientFlow(cpu, bare, batch)).rejects.toThrow("the model returned output; for others give a loss");
  const linear = new Linear({ inFeatures: I, outFeatures: V });
  await expect(gradientFlow(cpu, linear, batch)).rejects.toThrow("Linear: it has no recurrent layer");
});
