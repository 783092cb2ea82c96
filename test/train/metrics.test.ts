/** Metrics against numbers that were counted by hand or by their definition, with targets that do not count. */
import { expect, test } from "vitest";
import {
  accuracy,
  confusion,
  crossEntropy,
  f1,
  Linear,
  type Loss,
  type Metric,
  Module,
  mae,
  mse,
  OptionError,
  perplexity,
  rmse,
  ShapeError,
  type Tensor,
  topK,
} from "../../src/node.ts";
import { Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf, wrong } from "../support/mistakes.ts";

const { onEach, runtimes } = await runtimesForTests();

/** Hands on what it is given, as its logits. */
class Echo extends Module {
  readonly unused = new Linear({ inFeatures: 1, outFeatures: 1 });
  forward(x: Tensor) {
    return { logits: x, twice: x };
  }
}
const f32 = (shape: number[], data: ArrayLike<number>) => ({ shape, data: Float32Array.from(data) });
const i32 = (shape: number[], data: ArrayLike<number>) => ({ shape, data: Int32Array.from(data) });

onEach(({ kind }) => {
  const runtime = runtimes[kind];
  const model = new Echo();

  const V = 4;
  const numbers = new Numbers("metrics");
  /** Two batches of different sizes; the last target of each does not count. */
  const batches = [5, 3].map((n, i) => ({
    x: f32([n, V], numbers.floats(n * V)),
    target: i32(
      [n],
      Array.from({ length: n }, (_, k) => (k === n - 1 ? -100 : (k * k + i) % V)),
    ),
  }));
  /** Every target that counts, with what the model says of it. */
  const rows = batches.flatMap(({ x, target }) =>
    [...target.data].flatMap((label, i) => {
      const logits = [...x.data.slice(i * V, (i + 1) * V)];
      return label < 0 ? [] : [{ label, logits, said: logits.indexOf(Math.max(...logits)) }];
    }),
  );
  const measure = async <R>(metric: Metric<R>, given: readonly object[] = batches, loss: Loss = crossEntropy()) =>
    (await runtime.evaluate(model, wrong<typeof batches>(given), { metrics: { metric }, loss })).metrics.metric as R;

  test("accuracy and top k", async () => {
    expect(rows).toHaveLength(6);
    const hits = (k: number) =>
      rows.filter(({ label, logits }) => logits.filter((value) => value > logits[label]!).length < k).length;
    expect(await measure(accuracy())).toBe(hits(1) / 6);
    for (const k of [1, 2, 3, 4, 9]) expect(await measure(topK(k))).toBe(hits(k) / 6);
    // Of equal outputs none is a hit by its place alone.
    const equal = [{ x: f32([1, V], [1, 1, 1, 1]), target: i32([1], [0]) }];
    expect([await measure(topK(3), equal), await measure(topK(4), equal)]).toEqual([0, 1]);
  });

  test("confusion and F1", async () => {
    const counts = Array.from({ length: V }, (_, t) =>
      Array.from({ length: V }, (__, p) => rows.filter(({ label, said }) => label === t && said === p).length),
    );
    expect(await measure(confusion())).toEqual(counts);
    const score = (c: number) => {
      const truePositives = counts[c]![c]!;
      const precision = truePositives / counts.reduce((sum, row) => sum + row[c]!, 0);
      const recall = truePositives / counts[c]!.reduce((a, b) => a + b, 0);
      return truePositives === 0 ? 0 : (2 * precision * recall) / (precision + recall);
    };
    const seen = [0, 1, 2, 3].filter((c) => counts[c]!.some(Boolean) || counts.some((row) => row[c]));
    const macro = seen.reduce((sum, c) => sum + score(c), 0) / seen.length;
    expect(await measure(f1())).toBeCloseTo(macro, 12);
    // Counted together, every miss is one false positive and one false negative: the accuracy.
    expect(await measure(f1({ average: "micro" }))).toBeCloseTo(await measure(accuracy()), 12);
    for (const c of [0, 1, 2, 3]) expect(await measure(f1({ average: c }))).toBeCloseTo(score(c), 12);
  });

  test("yes and no, of logits and numbers", async () => {
    const given = [{ x: f32([2, 3], [2, -1, 0.5, -3, 1, -0.5]), target: f32([2, 3], [1, 0, 0, 1, 1, 0]) }];
    expect(await measure(accuracy(), given, mse())).toBeCloseTo(4 / 6, 12);
    expect(await measure(confusion(), given, mse())).toEqual([
      [2, 1],
      [1, 2],
    ]);
    expect(await measure(f1({ average: 1 }), given, mse())).toBeCloseTo(4 / 6, 12);
  });

  test("errors and perplexity are over all batches together", async () => {
    const given = [1, 4].map((n) => ({
      x: f32([n, 2], numbers.floats(n * 2)),
      target: f32([n, 2], numbers.floats(n * 2)),
    }));
    const gaps = given.flatMap(({ x, target }) => [...x.data].map((value, i) => value - target.data[i]!));
    const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
    expect(await measure(mae(), given, mse())).toBeCloseTo(mean(gaps.map(Math.abs)), 5);
    expect(await measure(rmse(), given, mse())).toBeCloseTo(Math.sqrt(mean(gaps.map((gap) => gap * gap))), 5);
    const nats = rows.map(
      ({ label, logits }) => Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[label]!,
    );
    const smoothed = crossEntropy({ labelSmoothing: 0.3 });
    expect(await measure(perplexity(), batches, smoothed)).toBeCloseTo(Math.exp(mean(nats)), 4);
  });

  test("targets that the loss ignores do not count, and so do masks and lengths as in a loss", async () => {
    const ignoring = crossEntropy({ ignoreIndex: 0 });
    const given = batches.map(({ x, target }) => ({
      x,
      target: i32(
        target.shape,
        target.data.map((t) => Math.max(t, 0)),
      ),
    }));
    const counting = rows.filter(({ label }) => label !== 0);
    const share = counting.filter(({ label, said }) => label === said).length / counting.length;
    expect(await measure(accuracy(), given, ignoring)).toBe(share);
    const all = given.flatMap(({ target }) => [...target.data]).length;
    expect((await measure(confusion({ ignoreIndex: -1 }), given, ignoring)).flat().reduce((a, b) => a + b)).toBe(all);

    const steps = [
      {
        x: f32([2, 2, V], numbers.floats(4 * V)),
        target: { labels: i32([2, 2], [0, 1, 2, 3]), lengths: i32([2], [2, 1]), mask: i32([2, 2], [1, 0, 1, 1]) },
      },
    ];
    type Given = { labels: Tensor; lengths: Tensor; mask: Tensor };
    const loss = ({ logits }: { logits: Tensor }, { labels, lengths }: Given) =>
      crossEntropy().apply(logits, labels, { lengths });
    const { metrics, tokens } = await runtime.evaluate(model, steps, {
      loss,
      metrics: {
        byLength: ({ logits }: { logits: Tensor }, { labels, lengths }: Given) =>
          confusion().apply(logits, labels, { lengths }),
        byMask: ({ twice }: { twice: Tensor }, { labels, mask }: Given) => confusion().apply(twice, labels, { mask }),
        perplexity: ({ logits }: { logits: Tensor }, { labels, lengths }: Given) =>
          perplexity().apply(logits, labels, { lengths }),
      },
    });
    const sums = (counts: number[][]) => counts.map((row) => row.reduce((a, b) => a + b));
    expect([tokens, sums(metrics.byLength), sums(metrics.byMask)]).toEqual([3, [1, 1, 1, 0], [1, 0, 1, 1]]);
    expect(metrics.perplexity).toBeCloseTo(Math.exp((await runtime.evaluate(model, steps, { loss })).loss), 5);
  });

  test("one's own: of any tensors, with a state over the batches", async () => {
    const { metrics } = await runtime.evaluate(model, batches, {
      metrics: {
        largest: {
          apply: (output: Tensor) => ({
            tensors: { output },
            begin: () => {
              let largest = Number.NEGATIVE_INFINITY;
              let count = 0;
              return {
                add({ output: values }: Readonly<Record<string, { data: ArrayLike<number> }>>) {
                  largest = Math.max(largest, ...Array.from(values!.data));
                  count++;
                },
                result: () => `${count} ${largest}`,
              };
            },
          }),
        },
      },
    });
    expect(metrics.largest).toBe(`2 ${Math.max(...batches.flatMap(({ x }) => [...x.data]))}`);
  });

  test("what does not fit is refused", async () => {
    const evaluate = (metric: unknown, given: readonly object[] = batches) =>
      errorOf(() =>
        runtime.evaluate(model, wrong<typeof batches>(given), { metrics: { metric: wrong<Metric>(metric) } }),
      );
    const record = batches.map(({ x, target }) => ({ x, target: { labels: target } }));
    const asFunction = {
      loss: ({ logits }: { logits: Tensor }, { labels }: { labels: Tensor }) => crossEntropy().apply(logits, labels),
    };
    const cases: readonly (readonly [Promise<unknown>, new (m: string) => Error, RegExp])[] = [
      [
        evaluate("accuracy"),
        OptionError,
        /evaluate: metrics\.metric is "accuracy", expected a metric such as accuracy\(\)/,
      ],
      [evaluate(() => 3), OptionError, /evaluate: metrics\.metric gave 3, expected \{ tensors, begin \}/],
      [evaluate(f1({ average: 4 })), ShapeError, /f1: average is class 4, and there are the classes 0 to 3/],
      [
        evaluate(({ logits }: { logits: Tensor }) => accuracy().apply(logits, logits.shape as never)),
        ShapeError,
        /accuracy: target is \[5, 4\], expected a symbolic tensor/,
      ],
      [
        evaluate(({ logits }: { logits: Tensor }) => topK(1).apply(logits, logits)),
        ShapeError,
        /topK: target is f32, expected classes/,
      ],
      [
        errorOf(() => runtime.evaluate(model, record, { ...asFunction, metrics: { a: accuracy() } })),
        OptionError,
        /the batch's target is a record of labels, and metrics\.a takes one tensor; give a function/,
      ],
      [errorOf(() => topK(0)), OptionError, /topK: k is 0/],
      [errorOf(() => f1({ average: wrong("weighted") })), OptionError, /f1: average is "weighted"/],
      [errorOf(() => accuracy(wrong({ threshold: 1 }))), OptionError, /accuracy: unknown option "threshold"/],
    ];
    for (const [error, kind, says] of cases) {
      expect(await error).toBeInstanceOf(kind);
      expect(String(await error)).toMatch(says);
    }
  });
});
