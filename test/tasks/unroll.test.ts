/** Layers step by step, and back-propagation through time as a sum of paths: by hand, and against the library's own gradients. */
import { expect, test } from "vitest";
import {
  crossEntropy,
  functional,
  Module,
  RNN,
  Runtime,
  type StateDict,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";
import { gradientFlow } from "../../src/tasks/inside/gradient-flow.ts";
import { unroll } from "../../src/tasks/inside/unroll.ts";
import { Classifier, classes, layerOf, normals, Tagger } from "../support/inside-models.ts";
import { crossEntropyOf, headOf, plainLayers } from "../support/plain-layers.ts";

const cpu = await Runtime.open({ backend: "cpu" });
const wasm = await Runtime.open({ backend: "wasm", threads: 1 });

/** Every number as near as float64, or float32, comes. */
function close(got: TensorData | undefined, expected: ArrayLike<number>, digits = 12): void {
  expect(got!.data).toHaveLength(expected.length);
  for (const [i, value] of Array.from(expected).entries()) expect(got!.data[i], `[${i}]`).toBeCloseTo(value, digits);
}

test("the textbook's classifier of two units and three steps, by hand", async () => {
  // h_t = tanh(U x_t + W h_(t-1) + b),  y = softmax(V h_3),  E = -ln y of class 1
  const model = new Classifier(new RNN({ inputSize: 1, hiddenSize: 2 }), 2);
  const matrix = (shape: readonly number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });
  cpu.loadStateDict(model, {
    "rnn.weight_ih_l0": matrix([2, 1], [0.5, -0.3]), // U
    "rnn.weight_hh_l0": matrix([2, 2], [0.4, 0.2, -0.6, 0.7]), // W
    "rnn.bias_ih_l0": matrix([2], [0.1, -0.1]), // b
    "rnn.bias_hh_l0": matrix([2], [0, 0]),
    "head.weight": matrix([2, 2], [1, -1, 0.5, 2]), // V
    "head.bias": matrix([2], [0, 0]),
  });
  // Forward, for x = 1, -2, 0.5. Two numbers are the two units.
  const a1 = [0.5 * 1 + 0.1, -0.3 * 1 - 0.1] as const;
  const h1 = [Math.tanh(a1[0]), Math.tanh(a1[1])] as const;
  const r2 = [0.4 * h1[0] + 0.2 * h1[1], -0.6 * h1[0] + 0.7 * h1[1]] as const;
  const a2 = [0.5 * -2 + r2[0] + 0.1, -0.3 * -2 + r2[1] - 0.1] as const;
  const h2 = [Math.tanh(a2[0]), Math.tanh(a2[1])] as const;
  const r3 = [0.4 * h2[0] + 0.2 * h2[1], -0.6 * h2[0] + 0.7 * h2[1]] as const;
  const a3 = [0.5 * 0.5 + r3[0] + 0.1, -0.3 * 0.5 + r3[1] - 0.1] as const;
  const h3 = [Math.tanh(a3[0]), Math.tanh(a3[1])] as const;
  const z = [1 * h3[0] - 1 * h3[1], 0.5 * h3[0] + 2 * h3[1]] as const;
  const y1 = Math.exp(z[1]) / (Math.exp(z[0]) + Math.exp(z[1]));
  const E = -Math.log(y1);
  // Backward: ∂E/∂z = y - (0, 1), ∂E/∂h_3 = Vᵀ ∂E/∂z, ∂E/∂a_t = ∂E/∂h_t ⊙ (1 - h_t²), ∂E/∂h_(t-1) = Wᵀ ∂E/∂a_t.
  const dz = [1 - y1, y1 - 1] as const;
  const dh3 = [1 * dz[0] + 0.5 * dz[1], -1 * dz[0] + 2 * dz[1]] as const;
  const da3 = [dh3[0] * (1 - h3[0] ** 2), dh3[1] * (1 - h3[1] ** 2)] as const;
  const dh2 = [0.4 * da3[0] - 0.6 * da3[1], 0.2 * da3[0] + 0.7 * da3[1]] as const;
  const da2 = [dh2[0] * (1 - h2[0] ** 2), dh2[1] * (1 - h2[1] ** 2)] as const;
  const dh1 = [0.4 * da2[0] - 0.6 * da2[1], 0.2 * da2[0] + 0.7 * da2[1]] as const;
  const da1 = [dh1[0] * (1 - h1[0] ** 2), dh1[1] * (1 - h1[1] ** 2)] as const;
  // The same to four places, worked out apart from these lines.
  const places = (numbers: readonly number[]) => numbers.map((one) => one.toFixed(4));
  expect(places([...h1, ...h2, ...h3])).toEqual(["0.5370", "-0.3799", "-0.6418", "-0.0880", "0.0756", "0.0734"]);
  expect(places([y1, E, ...da3, ...da2, ...da1])).toEqual([
    "0.5454",
    "0.6062",
    "0.2260",
    "-1.3563",
    "0.5318",
    "-0.8972",
    "0.5344",
    "-0.4464",
  ]);

  const x = matrix([3, 1, 1], [1, -2, 0.5]);
  const target = { shape: [1], data: Int32Array.of(1) };
  const { layers, outputs, losses, paths, gradients } = await unroll(cpu, model, { x, target });
  const [layer] = layers;
  const { a } = layer!.gates;
  close(a!.wx, [0.5, -0.3, -1, 0.6, 0.25, -0.15]);
  close(a!.rh, [0, 0, ...r2, ...r3]);
  close(a!.preactivation, [...a1, ...a2, ...a3]);
  close(layer!.states.h, [...h1, ...h2, ...h3]);
  close(layer!.before, [0, 0, ...h1, ...h2]);
  close(outputs.logits, z);
  expect(losses).toHaveLength(1);
  expect(losses[0]).toBeCloseTo(E, 12);

  // The three paths: W and U as they were used in step 3, 2 and 1. ∂E/∂W is their sum.
  expect(paths.map(({ layer, from, step }) => [layer, from, step])).toEqual([2, 1, 0].map((t) => ["rnn", 2, t]));
  const outer = (da: readonly [number, number], h: readonly [number, number]) => [
    da[0] * h[0],
    da[0] * h[1],
    da[1] * h[0],
    da[1] * h[1],
  ];
  const byW = [outer(da3, h2), outer(da2, h1), outer(da1, [0, 0])];
  const byU = [
    [0.5 * da3[0], 0.5 * da3[1]],
    [-2 * da2[0], -2 * da2[1]],
    [da1[0], da1[1]],
  ];
  for (const [n, { gradients }] of paths.entries()) {
    close(gradients["rnn.weight_hh_l0"], byW[n]!);
    close(gradients["rnn.weight_ih_l0"], byU[n]!);
    close(gradients["rnn.bias_ih_l0"], [da3, da2, da1][n]!);
  }
  const summed = (terms: readonly (readonly number[])[]) =>
    terms[0]!.map((_, i) => terms.reduce((sum, one) => sum + one[i]!, 0));
  close(gradients["rnn.weight_hh_l0"], summed(byW));
  close(gradients["rnn.weight_ih_l0"], summed(byU));
  close(gradients["rnn.bias_hh_l0"], summed([da3, da2, da1]));

  // Cut after two steps, the path by step 1 is gone; after one, that by step 2 too.
  const two = await unroll(cpu, model, { x, target }, { steps: 2 });
  close(two.gradients["rnn.weight_hh_l0"], summed(byW.slice(0, 2)));
  close(two.gradients["rnn.weight_ih_l0"], summed(byU.slice(0, 2)));
  const one = await unroll(cpu, model, { x, target }, { steps: 1 });
  close(one.gradients["rnn.weight_hh_l0"], byW[0]!);

  const { norms } = (await gradientFlow(cpu, model, { x, target })).layers[0]!;
  for (const [t, dh] of [dh1, dh2, dh3].entries()) expect(norms.h![t]).toBeCloseTo(Math.hypot(...dh), 12);
});

const [T, B, I, H, V] = [5, 2, 3, 4, 3];

/** The library's own gradients of the sum of the losses of these steps. @param detached the state behind this step is a constant */
async function ownGradients(runtime: Runtime, model: Tagger, data: StateDict, from: readonly number[], detached = -1) {
  const program = await runtime.compile(model, {
    inputs: { x: { shape: [T, B, I] }, target: { shape: [T, B], dtype: "i32" } },
    forward({ x, target }) {
      const first = detached < 0 ? undefined : model.rnn.forward(x.slice(0, detached + 1, 0)).state;
      const state = first && Object.fromEntries(Object.entries(first).map(([name, one]) => [name, one.detach()]));
      const { output } = model.rnn.forward(x.slice(detached + 1, T - detached - 1, 0), state);
      const losses = from.map((s) => {
        const logits = model.head.forward(output.slice(s - detached - 1, 1, 0));
        return crossEntropy()
          .apply(logits, target.slice(s, 1, 0))
          .loss.reshape([1]);
      });
      return { loss: functional.concat(losses).sum() };
    },
    seeds: ["loss"],
    parameterGradients: true,
  });
  return program.run({ ...data, "gradient.loss": { shape: [], data: Float32Array.of(1) } } as never);
}

test.each(["tanh", "relu", "sigmoid"] as const)("%s: the paths add up to the library's gradients", async (cell) => {
  const x = normals([T, B, I]);
  const target = classes([T, B], V);
  for (const [runtime, layers, digits] of [
    [cpu, 1, 12],
    [cpu, 2, 12],
    [wasm, 2, 5],
  ] as const) {
    const model = new Tagger(layerOf(cell, I, H, layers), V);
    runtime.initialize(model, { seed: 9 });
    for (const from of [3, "all"] as const) {
      const steps = from === "all" ? [0, 1, 2, 3, 4] : [from];
      const { gradients, losses, paths, outputs } = await unroll(runtime, model, { x, target }, { from });
      const own: StateDict = await ownGradients(runtime, model, { x, target }, steps);
      expect(Object.keys(gradients)).toHaveLength(4 * layers);
      for (const [name, { data }] of Object.entries(gradients)) close(own[`grad.${name}`], data, digits);
      expect(losses.reduce((sum, one) => sum + one, 0)).toBeCloseTo(own.loss!.data[0]!, digits);
      expect(paths).toHaveLength(layers * steps.reduce((sum, s) => sum + s + 1, 0));
      expect(outputs.logits!.shape).toEqual([T, B, V]);
    }
    // Cut after two steps: as if the state before them were a constant.
    const cut = await unroll(runtime, model, { x, target }, { steps: 2 });
    const own: StateDict = await ownGradients(runtime, model, { x, target }, [4], 2);
    for (const [name, { data }] of Object.entries(cut.gradients)) close(own[`grad.${name}`], data, digits);
    expect(cut.paths.map(({ step }) => step)).toEqual(Array.from({ length: layers }, () => [4, 3]).flat());
  }
});

test("a path is the difference that the weights of one step make", async () => {
  const sizes = { cell: "tanh", layers: 1, T, B, H } as const;
  const x = normals([T, B, I]);
  const target = classes([B], V);
  const model = new Classifier(layerOf("tanh", I, H), V);
  const weights = await cpu.stateDict(model);
  const { paths } = await unroll(cpu, model, { x, target });
  const R = weights["rnn.weight_hh_l0"]!;
  const own = plainLayers(sizes, weights, "rnn.", x)[0]!;
  for (const { step, gradients } of paths) {
    if (step === 0) continue;
    for (const at of [0, 7, 13]) {
      const [unit, input] = [Math.floor(at / H), at % H];
      // A change of R[unit][input] in this step alone, to first order: h of that unit, through its activation, in every row.
      const loss = (by: number) => {
        let steps = own;
        for (let row = 0; row < B; row++) {
          const before = own[step - 1]!.h![row * H + input]!;
          const index = row * H + unit;
          const h = own[step]!.h![index]!;
          const bumped = plainLayers(sizes, weights, "rnn.", x, {
            layer: 0,
            step,
            state: "h",
            index,
            by: Math.tanh(Math.atanh(h) + by * before) - h,
          })[0]!;
          // Rows do not see each other: each is taken from the run in which it was changed.
          const merged = steps[T - 1]!.h!.map((one, i) => (Math.floor(i / H) === row ? bumped[T - 1]!.h![i]! : one));
          steps = [...steps.slice(0, T - 1), { h: merged }];
        }
        const logits = headOf(steps[T - 1]!.h!, weights["head.weight"]!.data, weights["head.bias"]!.data);
        return crossEntropyOf(logits, target.data, V);
      };
      const slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
      expect(gradients["rnn.weight_hh_l0"]!.data[at], `R[${at}] of ${R.shape} in step ${step}`).toBeCloseTo(slope, 8);
    }
  }
});

test.each(["lstm", "gru"] as const)("%s: every intermediate of every step", async (cell) => {
  const model = new Tagger(layerOf(cell, I, H, 2), V);
  const x = normals([T, B, I]);
  const weights = await cpu.stateDict(model);
  const { layers, outputs, paths, losses, gradients } = await unroll(cpu, model, { x });
  const plain = plainLayers({ cell, layers: 2, T, B, H }, weights, "rnn.", x);
  expect([paths, losses, gradients]).toEqual([[], [], {}]);
  for (const [l, { x: input, before, gates, states, name }] of layers.entries()) {
    expect(name).toBe(`rnn.l${l}`);
    close(input, l === 0 ? x.data : plain[0]!.flatMap(({ h }) => h!));
    close(before, [...Array(B * H).fill(0), ...plain[l]!.slice(0, -1).flatMap(({ h }) => h!)]);
    for (const [state, one] of Object.entries(states))
      close(
        one,
        plain[l]!.flatMap((step) => step[state]!),
      );
    const [bih, bhh] = ["bias_ih", "bias_hh"].map((kind) => weights[`rnn.${kind}_l${l}`]!.data);
    for (const [g, [gate, { wx, rh, preactivation, activation }]] of Object.entries(gates).entries()) {
      close(
        activation,
        plain[l]!.flatMap((step) => step[gate]!),
      );
      const isReset = cell === "gru" && gate === "n";
      const sum = Array.from(wx.data, (one, i) => {
        const [b, b2] = [bih![g * H + (i % H)]!, bhh![g * H + (i % H)]!];
        return isReset ? one + b + gates.r!.activation.data[i]! * rh.data[i]! : one + b + rh.data[i]! + b2;
      });
      close(preactivation, sum);
      close(
        activation,
        sum.map((one) => (["g", "n"].includes(gate) ? Math.tanh(one) : 1 / (1 + Math.exp(-one)))),
      );
    }
  }
  close(
    outputs.logits,
    plain[1]!.flatMap(({ h }) => headOf(h!, weights["head.weight"]!.data, weights["head.bias"]!.data)),
  );
});

test("an encoder and a decoder of other lengths: all steps of the encoder stand before the loss", async () => {
  class Pair extends Module {
    encoder = new RNN({ inputSize: I, hiddenSize: H });
    decoder = new RNN({ inputSize: I, hiddenSize: H });
    forward({ source, x }: { source: Tensor; x: Tensor }) {
      return { logits: this.decoder.forward(x, this.encoder.forward(source).state).output };
    }
  }
  const model = new Pair();
  const x = { source: normals([T, B, I]), x: normals([2, B, I], 6) };
  const target = classes([2, B], H);
  const { gradients, paths } = await unroll(cpu, model, { x, target }, { from: 0 });
  expect(paths.filter(({ layer }) => layer === "encoder").map(({ step }) => step)).toEqual([4, 3, 2, 1, 0]);
  expect(paths.filter(({ layer }) => layer === "decoder").map(({ step }) => step)).toEqual([0]);
  const program = await cpu.compile(model, {
    inputs: { source: { shape: [T, B, I] }, x: { shape: [2, B, I] }, target: { shape: [2, B], dtype: "i32" } },
    forward: ({ source, x, target }) => ({
      loss: crossEntropy().apply(model.forward({ source, x }).logits.slice(0, 1, 0), target.slice(0, 1, 0)).loss,
    }),
    seeds: ["loss"],
    parameterGradients: true,
  });
  const own: StateDict = await program.run({
    ...x,
    target,
    "gradient.loss": { shape: [], data: Float64Array.of(1) },
  } as never);
  for (const [name, { data }] of Object.entries(gradients)) close(own[`grad.${name}`], data);
  expect(Object.keys(gradients)).toHaveLength(8);
  const cut = unroll(cpu, model, { x, target }, { steps: 2 });
  await expect(cut).rejects.toThrow("steps is 2, but encoder goes over 5 steps and decoder over 2");
  const { layers } = await gradientFlow(cpu, model, { x, target });
  expect(layers.map(({ bound, norms }) => [bound?.length, norms.h!.length])).toEqual([
    [undefined, 5],
    [2, 2],
  ]);
});

test("what has no paths is refused", async () => {
  const x = normals([T, B, I]);
  const target = classes([T, B], V);
  const model = new Tagger(layerOf("tanh", I, H), V);
  const refused = (input: object, options: object, message: string) =>
    expect(unroll(cpu, model, input as never, options)).rejects.toThrow(message);
  await refused({ x }, { steps: 2 }, "unroll: steps without a target");
  await refused({ x, target }, { steps: 0 }, "unroll: steps is 0, expected a whole number of at least 1");
  await refused({ x, target }, { from: -1 }, "unroll: from is -1, expected a step from 0 to 4");
  await refused({ x, target }, { window: 3 }, "options are loss, from, steps");
  await refused({ target }, {}, "the input has no x");
  const lstm = new Tagger(layerOf("lstm", I, H), V);
  await expect(unroll(cpu, lstm, { x, target })).rejects.toThrow("the model has lstm; leave out the target");

  class Padded extends Tagger {
    override forward(given: unknown) {
      const { x, lengths } = given as { x: Tensor; lengths: Tensor };
      const { output, state } = this.rnn.forward(x, undefined, { lengths });
      return { logits: this.head.forward(output), state };
    }
  }
  const padded = new Padded(layerOf("tanh", I, H), V);
  const input = { x: { x, lengths: { shape: [B], data: Int32Array.of(5, 3) } }, target };
  await expect(unroll(cpu, padded, input)).rejects.toThrow("rnn: h of step 3, row 1 is not the activation");
  expect((await unroll(cpu, padded, { x: input.x })).paths).toEqual([]);
});
