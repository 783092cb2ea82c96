/** The numbers of the page "Recurrence, step by step": its own arithmetic and its training, against the library. */
import { expect, test } from "vitest";
import { crossEntropy, Runtime } from "webgpu-rnn";
import { gradientFlow } from "webgpu-rnn/tasks";
import { sequenceOf, sequences } from "../../demo/pages/recurrence/data.ts";
import { factorsOf, stepOf, sumOf } from "../../demo/pages/recurrence/factors.ts";
import { Learner, learners, Network, train } from "../../demo/pages/recurrence/program.ts";
import { lossOf } from "../../demo/pages/recurrence/start.ts";

const cpu = await Runtime.open({ backend: "cpu" });
const oneByOne = [[0], [1], [2]];
const close = (got: readonly number[], expected: ArrayLike<number>) => {
  expect(got).toHaveLength(expected.length);
  for (const [i, one] of got.entries()) expect(one, `[${i}]`).toBeCloseTo(expected[i]!, 12);
};

test.each(["tanh", "sigmoid", "relu"] as const)(
  "%s: each factor of the chain rule is the library's",
  async (activation) => {
    const learner = new Learner(cpu, activation, 7, oneByOne);
    learner.weights = { U: [0.5, -0.3], W: [0.4, 0.2, -0.6, 0.7], b: [0.1, -0.1], V: [1, -1, 0.5, 2] };
    const sequence = sequenceOf([1, -2, 0.5]);
    const found = await learner.follow(sequence);
    const { byZ, steps } = factorsOf(found, activation);
    // A path through step t is ∂E/∂a_t by what came into a_t: 1 for b, x_t for U, h_(t-1) for W.
    for (const { step, U, W, b } of found.paths) {
      const { byA } = steps[step - 1]!;
      const before = stepOf(found.h, step - 1);
      close(byA, b);
      close(
        U,
        byA.map((one) => one * sequence.x[step - 1]!),
      );
      close(
        W,
        byA.flatMap((one) => before.map((unit) => one * unit)),
      );
    }
    close(
      found.gradient.V,
      byZ.flatMap((one) => stepOf(found.h, 3).map((unit) => one * unit)),
    );
    // The same gradients as the library's own, without any path.
    const network = new Network(activation, 1);
    const wide = (shape: number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });
    cpu.loadStateDict(network, {
      "rnn.weight_ih_l0": wide([2, 1], found.weights.U),
      "rnn.weight_hh_l0": wide([2, 2], found.weights.W),
      "rnn.bias_ih_l0": wide([2], found.weights.b),
      "rnn.bias_hh_l0": wide([2], [0, 0]),
      "head.weight": wide([2, 2], found.weights.V),
    });
    const batch = { x: wide([3, 1, 1], sequence.x), target: { shape: [1], data: Int32Array.of(sequence.label) } };
    const program = await cpu.compile(network, {
      inputs: { x: { shape: [3, 1, 1] }, target: { shape: [1], dtype: "i32" } },
      forward: ({ x, target }) => ({ loss: crossEntropy().apply(network.forward(x).logits, target).loss }),
      seeds: ["loss"],
      parameterGradients: true,
    });
    const own: Record<string, { data: ArrayLike<number> }> = await program.run({
      ...batch,
      "gradient.loss": { shape: [], data: Float64Array.of(1) },
    } as never);
    close(found.gradient.U, own["grad.rnn.weight_ih_l0"]!.data);
    close(found.gradient.W, own["grad.rnn.weight_hh_l0"]!.data);
    close(found.gradient.b, own["grad.rnn.bias_ih_l0"]!.data);
    close(found.gradient.V, own["grad.head.weight"]!.data);
    expect(found.loss).toBeCloseTo(own.loss!.data[0]!, 12);
    const { norms } = (await gradientFlow(cpu, network, batch)).layers[0]!;
    close(
      steps.map(({ byH }) => Math.hypot(...byH)),
      norms.h!,
    );
    for (const cut of [1, 2, 3]) {
      const { gradient } = await learner.follow(sequence, cut);
      const sum = sumOf(found, cut);
      for (const name of ["U", "W", "b", "V"] as const) close(sum[name], gradient[name]);
    }
  },
);

test("∂h_t/∂h_(t-1) is what a small change of h_(t-1) does to h_t", async () => {
  const learner = new Learner(cpu, "tanh", 3, oneByOne);
  const { h, a, weights, ...rest } = await learner.follow(sequences[2]!);
  const { steps } = factorsOf({ h, a, weights, ...rest }, "tanh");
  for (const t of [2, 3])
    for (const [i, j] of [0, 1, 2, 3].map((n) => [n >> 1, n & 1] as const)) {
      const moved = (by: number) => Math.tanh(stepOf(a, t)[i]! + weights.W[2 * i + j]! * by);
      expect(steps[t - 1]!.jacobian[2 * i + j]).toBeCloseTo((moved(1e-6) - moved(-1e-6)) / 2e-6, 8);
    }
});

test("a step moves the weights against the gradient, and the loss of that sequence falls", async () => {
  const learner = new Learner(cpu, "tanh", 1, oneByOne);
  const before = await learner.follow(sequences[1]!, 2);
  await learner.learn(sequences[1]!, 0.1, 2);
  close(
    learner.weights.W,
    before.weights.W.map((one, i) => one - 0.1 * before.gradient.W[i]!),
  );
  close(
    learner.weights.V,
    before.weights.V.map((one, i) => one - 0.1 * before.gradient.V[i]!),
  );
  expect((await learner.follow(sequences[1]!)).loss).toBeLessThan(before.loss);
});

test("it learns by full paths, and the one that sees only the last number cannot", async () => {
  const all = learners(cpu, "tanh", 1);
  for await (const _ of train(all, 160, 1, 0.1, 3));
  expect(lossOf(await all.recurrent.judge(sequences))).toBeLessThan(0.1);
  expect(lossOf(await all.all.judge(sequences))).toBeLessThan(0.1);
  // Half of the sequences that end alike are of either class.
  expect(lossOf(await all.last.judge(sequences))).toBeGreaterThan(0.65);
});

test.each([
  ["tanh", 2],
  ["tanh", 1],
  ["sigmoid", 3],
] as const)(
  "%s, cut after %d steps: what the first number said is not learned",
  async (activation, cut) => {
    const { recurrent } = learners(cpu, activation, 1);
    for await (const _ of train({ recurrent }, 160, 1, 0.1, cut));
    expect(lossOf(await recurrent.judge(sequences))).toBeGreaterThan(0.4);
  },
  60_000,
);
