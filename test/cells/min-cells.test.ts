/** minGRU and minLSTM: the equations of the paper, streaming, lengths, dispatches that do not grow with T, and that they learn. */
import { describe, expect, test } from "vitest";
import {
  adam,
  type Batch,
  countPlan,
  Embedding,
  Linear,
  MinGRU,
  MinLSTM,
  type MinRecurrentOptions,
  type MinState,
  Module,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { differences, Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";

const { onEach, runtimes } = await runtimesForTests();

const kinds = { MinGRU, MinLSTM } as const;
type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** One layer over one sequence, as the paper writes it: x `[T,I]`, weight `[G*H,I]`, from h to all h. */
function equations(
  kind: Kind,
  x: readonly (readonly number[])[],
  weights: StateDict,
  h: readonly number[],
): number[][] {
  const [weight, bias] = [weights.weight_ih_l0!.data, weights.bias_ih_l0!.data];
  const H = h.length;
  let state = [...h];
  return x.map((now) => {
    const rows = Array.from(bias, (b, r) => b + now.reduce((sum, v, i) => sum + v * weight[r * now.length + i]!, 0));
    state = state.map((before, u) => {
      const candidate = rows[rows.length - H + u]!;
      const first = sigmoid(rows[u]!);
      if (kind === "MinGRU") return (1 - first) * before + first * candidate;
      const input = sigmoid(rows[H + u]!);
      return (first / (first + input)) * before + (input / (first + input)) * candidate;
    });
    return state;
  });
}

onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-12 : 1e-5;
  const runtime = runtimes[kind];
  const same = (what: string, expected: ArrayLike<number>, got: ArrayLike<number>) =>
    expect(
      differences(
        what,
        { before: undefined, expected: Float64Array.from(expected), got: Float64Array.from(got) },
        tolerance,
      ),
    ).toEqual([]);

  describe.each(kindNames)("%s", (kind) => {
    const make = (options: MinRecurrentOptions) => new kinds[kind](options);
    const values = (name: string, ...shape: number[]) => ({
      shape,
      data: new Numbers(name).floats(shape.reduce((a, b) => a * b)),
    });

    test.each([1, 5, 150])("does what the paper says, from a state, over %i steps", async (T) => {
      const [B, I, H] = [3, 4, 5];
      const layer = make({ inputSize: I, hiddenSize: H });
      const program = await runtime.compile(layer, {
        inputs: { x: { shape: [T, B, I] }, h: { shape: [1, B, H] } },
        forward({ x, h }) {
          const { output, state } = layer.forward(x!, { h: h! });
          return { output, last: state.h };
        },
      });
      const given = { x: values("x", T, B, I), h: values("h", 1, B, H) };
      const { output, last } = await program.run(given);
      const weights = await runtime.stateDict(layer);
      for (let b = 0; b < B; b++) {
        const x = Array.from({ length: T }, (_, t) => [...given.x.data.slice((t * B + b) * I, (t * B + b + 1) * I)]);
        const expected = equations(kind, x, weights, [...given.h.data.slice(b * H, (b + 1) * H)]);
        const got = expected.map((_, t) => output!.data.slice((t * B + b) * H, (t * B + b + 1) * H));
        same(
          "output",
          expected.flat(),
          got.flatMap((row) => [...row]),
        );
        same("last", expected.at(-1)!, last!.data.slice(b * H, (b + 1) * H));
      }
      program.dispose();
    });

    test.each([
      ["two layers of one size", { hiddenSize: 3, numLayers: 2, residual: true }],
      ["layers of two sizes", { hiddenSize: [5, 2] }],
    ] as const)("streams: step by step is as the whole sequence, %s", async (_, sizes) => {
      const [T, B, I] = [70, 2, 3];
      const layer = make({ inputSize: I, ...sizes });
      const named = ({ h }: MinState) => Object.fromEntries([h].flat().map((one, l) => [`h${l}`, one]));
      const x = values("x", T, B, I);
      const whole = await runtime.compile(layer, {
        inputs: { x: { shape: [T, B, I] } },
        forward({ x: all }) {
          const { output, state } = layer.forward(all!);
          return { output, ...named(state) };
        },
      });
      const expected = await whole.run({ x });
      const states = Object.fromEntries(
        Object.entries(expected)
          .filter(([name]) => name !== "output")
          .map(([name, { shape }]) => [name, { shape }]),
      );
      const step = await runtime.compile(layer, {
        inputs: { x: { shape: [1, B, I] }, ...states },
        forward({ x: now, ...before }) {
          const list: Tensor[] = Object.values(before);
          const { output, state } = layer.forward(now!, { h: list.length === 1 ? list[0]! : list });
          return { output, ...Object.fromEntries(Object.entries(named(state)).map(([n, h]) => [`next ${n}`, h])) };
        },
      });
      let carried: StateDict = Object.fromEntries(
        Object.entries(states).map(([name, { shape }]) => [
          name,
          { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) },
        ]),
      );
      const outputs: number[] = [];
      for (let t = 0; t < T; t++) {
        const now = { shape: [1, B, I], data: x.data.slice(t * B * I, (t + 1) * B * I) };
        const { output, ...next } = await step.run({ x: now, ...carried });
        outputs.push(...output!.data);
        carried = Object.fromEntries(Object.keys(states).map((name) => [name, next[`next ${name}`]!]));
      }
      same("output", expected.output!.data, outputs);
      for (const name of Object.keys(states)) same(name, expected[name]!.data, carried[name]!.data);
      for (const program of [whole, step]) program.dispose();
    });

    test("with lengths each sequence is as if it were alone; a mask with holes is as if the steps were not there", async () => {
      const [T, B, I, H] = [6, 4, 3, 4];
      const lengths = [6, 1, 0, 4];
      const layer = make({ inputSize: I, hiddenSize: H, numLayers: 2, batchFirst: true });
      const x = values("x", B, T, I);
      const compile = (T_: number, B_: number, real: "lengths" | "mask" | "none") =>
        runtime.compile(layer, {
          inputs: {
            x: { shape: [B_, T_, I] },
            ...(real === "lengths" && { lengths: { shape: [B_], dtype: "i32" as const } }),
            ...(real === "mask" && { mask: { shape: [B_, T_], dtype: "i32" as const } }),
          },
          forward({ x: all, ...given }) {
            const { output, state } = layer.forward(all!, undefined, given);
            return { output, h: state.h };
          },
        });
      const holes = Int32Array.from({ length: B * T }, (_, i) => (i % T < lengths[Math.floor(i / T)]! ? i % 2 : 0));
      const ends = Int32Array.from({ length: B * T }, (_, i) => (i % T < lengths[Math.floor(i / T)]! ? 1 : 0));
      const byLengths = await compile(T, B, "lengths");
      const byMask = await compile(T, B, "mask");
      const cases = [
        [ends, await byLengths.run({ x, lengths: { shape: [B], data: Int32Array.from(lengths) } })],
        [ends, await byMask.run({ x, mask: { shape: [B, T], data: ends } })],
        [holes, await byMask.run({ x, mask: { shape: [B, T], data: holes } })],
      ] as const;
      for (const [mask, got] of cases) {
        for (let b = 0; b < B; b++) {
          const steps = Array.from({ length: T }, (_, t) => t).filter((t) => mask[b * T + t]);
          const rows = (t: number) => got.output!.data.slice((b * T + t) * H, (b * T + t + 1) * H);
          for (let t = 0; t < T; t++) if (!steps.includes(t)) expect([...rows(t)]).toEqual(new Array(H).fill(0));
          const finals = [0, 1].flatMap((layer_) => [
            ...got.h!.data.slice((layer_ * B + b) * H, (layer_ * B + b + 1) * H),
          ]);
          if (steps.length === 0) {
            expect(finals).toEqual(new Array(2 * H).fill(0));
            continue;
          }
          const alone = await compile(steps.length, 1, "none");
          const data = Float32Array.from(steps.flatMap((t) => [...x.data.slice((b * T + t) * I, (b * T + t + 1) * I)]));
          const expected = await alone.run({ x: { shape: [1, steps.length, I], data } });
          alone.dispose();
          same(
            "output",
            expected.output!.data,
            steps.flatMap((t) => [...rows(t)]),
          );
          same("h", expected.h!.data, finals);
        }
      }
      for (const program of [byLengths, byMask]) program.dispose();
    });

    test("learns to tell whether an early token was a 1, at the end of 20 others", async () => {
      class First extends Module {
        readonly embedding = new Embedding({ numEmbeddings: 3, embeddingDim: 8 });
        readonly rnn = make({ inputSize: 8, hiddenSize: 12 });
        readonly head = new Linear({ inFeatures: 12, outFeatures: 2 });
        forward(tokens: Tensor, state?: MinState) {
          const { output, state: next } = this.rnn.forward(this.embedding.forward(tokens), state);
          return { logits: this.head.forward(output), state: next };
        }
      }
      const [T, B] = [21, 16];
      function* batches(): Generator<Batch> {
        const numbers = new Numbers("first");
        for (;;) {
          const first = numbers.integers(B, 0, 1);
          const target = new Int32Array(T * B).fill(-100);
          target.set(first, (T - 1) * B);
          const x = Int32Array.from({ length: T * B }, (_, i) => (i < B ? first[i]! : 2));
          yield { x: { shape: [T, B], data: x }, target: { shape: [T, B], data: target }, resetState: true };
        }
      }
      const trainer = runtime.trainer(new First(), { optimizer: adam({ lr: 0.02 }) });
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(batches(), { steps: 80 })) losses.push(loss);
      expect(losses[0]).toBeGreaterThan(0.5);
      expect(losses.at(-1)).toBeLessThan(0.05);
    });
  });
});

test.each(kindNames)("the dispatches of %s do not grow with T", async (kind) => {
  const runtime = runtimes.cpu;
  const dispatches = async (T: number, { layers = 1, lengths = false, gradients = false } = {}) => {
    const B = 2;
    const layer = new kinds[kind]({ inputSize: 3, hiddenSize: 4, numLayers: layers });
    const program = await runtime.compile(layer, {
      inputs: { x: { shape: [T, B, 3] }, ...(lengths && { lengths: { shape: [B], dtype: "i32" as const } }) },
      forward: ({ x, ...given }) => ({ output: layer.forward(x!, undefined, given).output }),
      ...(gradients && { seeds: ["output"], gradients: ["x"], parameterGradients: true }),
    });
    const { dispatches: count } = countPlan(program.plan);
    program.dispose();
    return count;
  };
  // The product for the gates, the gates, the scan (of three dispatches on a GPU: test/twins-scan.test.ts).
  for (const T of [1, 64, 5000]) expect(await dispatches(T)).toBe(3);
  expect(await dispatches(500, { layers: 3 })).toBe(9);
  // The mask, and zeros where it is.
  expect(await dispatches(500, { layers: 3, lengths: true })).toBe(11);
  // Backward: the scan, the gates, the gradients of W and x.
  for (const T of [1, 500]) expect(await dispatches(T, { gradients: true })).toBe(3 + 4);
});
