/** Losses: gradients by finite differences, and values by formulas of this file's own. */
import { describe, expect, test } from "vitest";
import { constantTensor } from "../../src/graph/tensor.ts";
import {
  bceWithLogits,
  crossEntropy,
  ctc,
  huber,
  Linear,
  type Loss,
  l1,
  mse,
  type StateDict,
  smoothL1,
  type Tensor,
} from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

const dense = new Linear({ inFeatures: 3, outFeatures: 4 });

/** A loss on the logits `[3,2,4]` of a linear layer, alone and beside the logits themselves. */
function classified(name: string, loss: Loss, more: GradientCase["inputs"] = {}, target = [2, 0, 3, 1, 2, 0]) {
  return [["loss"], ["loss", "logits"]].map(
    (seeds): GradientCase => ({
      name: `cross-entropy ${name}, by ${seeds.join(" and ")}`,
      model: only(dense),
      inputs: { x: { shape: [3, 2, 3] }, target: { shape: [3, 2], integers: target }, ...more },
      forward({ x, target, mask, lengths }) {
        const logits = dense.forward(x!);
        const real = { ...(mask && { mask }), ...(lengths && { lengths }) };
        return { ...loss.apply(logits, target!, real), logits };
      },
      seeds,
    }),
  );
}

const weight = [0.5, 2, 0, 1.25];
const mask = { mask: { shape: [3, 2], integers: [1, 0, 1, 1, 0, 1] } };
const lengths = { lengths: { shape: [2], integers: [3, 1] } };

/** A loss of numbers `[3,2,4]` against a target. */
function compared(name: string, loss: Loss, more: GradientCase["inputs"] = {}): GradientCase {
  const target = new Numbers("target").floats(24).map((y) => (name.startsWith("bce") ? (y + 1) / 2 : 2 * y));
  return {
    name,
    model: only(dense),
    inputs: { x: { shape: [3, 2, 3] }, ...more },
    forward({ x, mask, lengths }) {
      const y = dense.forward(x!);
      const goal = constantTensor("goal", [...target], [3, 2, 4]);
      const real = { ...(mask && { mask }), ...(lengths && { lengths }) };
      return { ...loss.apply(y, goal, real), y };
    },
    seeds: ["loss", "y"],
  };
}

/** CTC of the logits `[T,B,4]` of a linear layer. */
function aligned(
  name: string,
  options: Parameters<typeof ctc>[0],
  {
    T = 4,
    labels = [[1, 2]],
    steps,
    counts,
  }: Partial<Record<"steps" | "counts", number[]>> & {
    readonly T?: number;
    readonly labels?: readonly (readonly number[])[];
  },
): GradientCase {
  const [B, S] = [labels.length, labels[0]!.length];
  return {
    name: `ctc ${name}`,
    model: only(dense),
    inputs: {
      x: { shape: [T, B, 3] },
      labels: { shape: [B, S], integers: labels.flat() },
      ...(steps && { steps: { shape: [B], integers: steps } }),
      ...(counts && { counts: { shape: [B], integers: counts } }),
    },
    forward({ x, labels: target, steps: inputLengths, counts: targetLengths }) {
      const logits = dense.forward(x!);
      const given = { ...(inputLengths && { inputLengths }), ...(targetLengths && { targetLengths }) };
      return { ...ctc(options).apply(logits, target!, given), logits };
    },
    seeds: ["loss", "logits"],
  };
}

const cases: readonly GradientCase[] = [
  ...classified("plain", crossEntropy()),
  ...classified("with an ignored class", crossEntropy({ ignoreIndex: 2 })),
  ...classified("with class weights", crossEntropy({ weight })),
  ...classified("smoothed", crossEntropy({ labelSmoothing: 0.2 })),
  ...classified(
    "smoothed, weighted, ignored, masked",
    crossEntropy({ labelSmoothing: 0.3, weight, ignoreIndex: 1 }),
    mask,
  ),
  ...classified("summed over what a mask and lengths leave", crossEntropy({ reduction: "sum" }), {
    mask: { shape: [3, 2], integers: [1, 1, 1, 0, 0, 0] },
    ...lengths,
  }),
  ...classified("of nothing", crossEntropy(), { mask: { shape: [3, 2], integers: [0, 0, 0, 0, 0, 0] } }),
  ...[
    ["mse", mse(), mse({ reduction: "sum" })],
    ["l1", l1(), l1({ reduction: "sum" })],
    ["huber", huber({ delta: 0.4 }), huber({ delta: 0.4, reduction: "sum" })],
    ["smooth l1", smoothL1({ beta: 0.5 }), smoothL1({ beta: 0, reduction: "sum" })],
    ["bce", bceWithLogits({ posWeight: 3 }), bceWithLogits({ posWeight: [0.5, 1, 2, 0], reduction: "sum" })],
  ].flatMap(([name, mean, sum]) => [
    compared(`${name}`, mean as Loss),
    compared(`${name}, summed`, sum as Loss),
    compared(`${name}, rows masked`, mean as Loss, mask),
    compared(`${name}, summed, some numbers masked`, sum as Loss, {
      mask: { shape: [3, 2, 4], integers: Array.from({ length: 24 }, (_, i) => +(i % 3 > 0)) },
    }),
    compared(`${name}, with lengths`, mean as Loss, lengths),
  ]),
  aligned("of one sequence", {}, {}),
  aligned(
    "of two with one length, repeats, another blank",
    { blank: 3 },
    {
      T: 5,
      labels: [
        [1, 1],
        [2, 0],
      ],
    },
  ),
  aligned(
    "with lengths, summed",
    { reduction: "sum" },
    {
      T: 6,
      labels: [
        [1, 2, 3],
        [2, 2, -1],
        [3, -1, -1],
      ],
      steps: [6, 4, 1],
      counts: [3, 2, 1],
    },
  ),
  aligned(
    "with an empty target, and labels that do not fit",
    { zeroInfinity: true },
    {
      T: 4,
      labels: [
        [1, 2],
        [0, 0],
        [3, 3],
        [2, 1],
      ],
      steps: [4, 3, 2, 0],
      counts: [2, 0, 2, 1],
    },
  ),
];

testGradients(backends, { cases });

/** The loss that a file's own function computes, and what the library does on all backends. */
async function expectLoss(
  expected: number,
  tensors: StateDict,
  loss: (inputs: Readonly<Record<string, Tensor>>) => Tensor,
) {
  for (const { open } of backends.available) {
    const runtime = await open();
    const program = await runtime.compile(only(dense), {
      inputs: Object.fromEntries(
        Object.entries(tensors).map(([name, { shape, data }]) => [
          name,
          { shape, dtype: data instanceof Int32Array ? "i32" : "f32" },
        ]),
      ),
      forward: (inputs) => ({ loss: loss(inputs) }),
    });
    const result = await program.run(tensors);
    expect(result.loss!.data[0]! / expected).toBeCloseTo(1, runtime.backend === "cpu" ? 12 : 5);
    runtime.dispose();
  }
}

const numbers = new Numbers("values");
const [N, V] = [7, 5];
const f64 = (data: ArrayLike<number>, shape: number[]) => ({ shape, data: Float64Array.from(data) });
const i32 = (data: ArrayLike<number>, shape: number[]) => ({ shape, data: Int32Array.from(data) });
const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0);

describe("values", () => {
  const logits = numbers.floats(N * V, 3);
  const logP = (n: number, v: number) => {
    const row = logits.slice(n * V, (n + 1) * V);
    return row[v]! - Math.log(sum(Array.from(row, Math.exp)));
  };

  test("cross-entropy with weights, smoothing, an ignored class and a mask, as torch defines it", async () => {
    const targets = [4, 0, 1, 2, 3, 0, 1];
    const keep = [1, 1, 1, 0, 1, 1, 0];
    const w = [0.5, 2, 1, 0.25, 3];
    const rows = targets.map((y, n) => ({ y, n })).filter(({ y, n }) => y !== 1 && keep[n]);
    const nll = sum(rows.map(({ y, n }) => -w[y]! * logP(n, y)));
    const smooth = sum(rows.flatMap(({ n }) => w.map((weight, v) => -weight * logP(n, v))));
    const expected = (0.8 * nll + (0.2 / V) * smooth) / sum(rows.map(({ y }) => w[y]!));
    const loss = crossEntropy({ weight: w, labelSmoothing: 0.2, ignoreIndex: 1 });
    await expectLoss(
      expected,
      { logits: f64(logits, [N, V]), target: i32(targets, [N]), mask: i32(keep, [N]) },
      (x) => loss.apply(x.logits!, x.target!, { mask: x.mask! }).loss,
    );
  });

  const y = numbers.floats(N * V, 3);
  const keep = Array.from({ length: N * V }, (_, i) => +(i % 3 !== 1));
  test.each<[string, Loss, (d: number) => number]>([
    ["mse", mse(), (d) => d * d],
    ["l1", l1(), Math.abs],
    ["huber", huber({ delta: 1.5 }), (d) => (Math.abs(d) < 1.5 ? (d * d) / 2 : 1.5 * (Math.abs(d) - 0.75))],
    ["smooth l1", smoothL1({ beta: 1.5 }), (d) => (Math.abs(d) < 1.5 ? (d * d) / 3 : Math.abs(d) - 0.75)],
  ])("%s", async (_, loss, formula) => {
    const losses = Array.from(logits, (x, i) => formula(x - y[i]!));
    const tensors = { x: f64(logits, [N, V]), y: f64(y, [N, V]) };
    await expectLoss(sum(losses) / losses.length, tensors, (t) => loss.apply(t.x!, t.y!).loss);
    const kept = losses.filter((__, i) => keep[i]);
    await expectLoss(
      sum(kept) / kept.length,
      { ...tensors, mask: i32(keep, [N, V]) },
      (t) => loss.apply(t.x!, t.y!, { mask: t.mask! }).loss,
    );
  });

  test("binary cross-entropy with a weight for each entry", async () => {
    const p = Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));
    const goal = Array.from(y, (x) => +(x > 0));
    const posWeight = [1, 2, 0.5, 3, 1.5];
    const losses = p.map((q, i) => -posWeight[i % V]! * goal[i]! * Math.log(q) - (1 - goal[i]!) * Math.log(1 - q));
    const tensors = { x: f64(logits, [N, V]), y: f64(goal, [N, V]) };
    await expectLoss(
      sum(losses),
      tensors,
      (t) => bceWithLogits({ posWeight, reduction: "sum" }).apply(t.x!, t.y!).loss,
    );
  });

  test("ctc is what all ways to spread the labels over the steps add up to", async () => {
    const labels = [2, 2, 0];
    const blank = 4;
    let total = 0;
    for (let way = 0; way < V ** N; way++) {
      const path = Array.from({ length: N }, (_, t) => Math.floor(way / V ** t) % V);
      const read = path.filter((c, t) => c !== path[t - 1] && c !== blank);
      if (read.join() === labels.join()) total += Math.exp(sum(path.map((c, t) => logP(t, c))));
    }
    await expectLoss(
      -Math.log(total) / labels.length,
      { logits: f64(logits, [N, 1, V]), labels: i32(labels, [1, 3]) },
      (t) => ctc({ blank }).apply(t.logits!, t.labels!).loss,
    );
  });
});
