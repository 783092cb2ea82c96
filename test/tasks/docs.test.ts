/**
 * docs/tasks: every page's example runs as it stands there, on the best backend, and is short. Some run on the twins too; all of
 * them with DOCS_ON_TWINS=1.
 */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { TensorData } from "../../src/index.ts";
import type { LayerFlow, NGramModel, Unrolled } from "../../src/tasks/index.ts";
import { runPages } from "../support/page-code.ts";

interface Page {
  readonly accuracy: number;
  readonly confusion: readonly (readonly number[])[];
  readonly said: object;
  readonly same: object;
  readonly steps: readonly { readonly unit: string; readonly gradient: number }[];
  readonly pieces: readonly string[];
  readonly next: readonly {
    /** Of a language model; the rest of a forecaster. */
    readonly unit: string;
    readonly step: number;
    readonly low: number;
    readonly median: number;
    readonly high: number;
  }[];
  readonly continuations: readonly { readonly text: string }[];
  readonly bitsPerCharacter: number;
  readonly units: readonly { readonly unit: string; readonly probability: number }[];
  readonly states: Readonly<Record<string, { readonly shape: readonly number[] }>>;
  readonly model: NGramModel;
  readonly copy: NGramModel;
  readonly perplexity: number;
  readonly written: string;
  readonly prediction: { readonly label: string };
  readonly vanishing: LayerFlow;
  readonly kept: LayerFlow;
  readonly paths: Unrolled["paths"];
  readonly gradients: Unrolled["gradients"];
  readonly forget: TensorData;
  readonly loss: number;
  readonly r2: number;
  readonly score: number;
  readonly vectors: readonly Float32Array[];
  readonly decoded: readonly number[];
  readonly between: readonly (readonly number[])[];
  readonly back: readonly (readonly number[])[];
  readonly methods: Readonly<Record<string, { readonly mase: number }>>;
  readonly rowAccuracy: number;
  readonly classes: Readonly<Record<string, { readonly f1: number }>>;
  readonly rises: readonly string[];
  readonly nearAccuracy: number;
  readonly farAccuracy: number;
  readonly recurrentAccuracy: number;
  readonly exact: number;
  readonly characterErrorRate: number;
  readonly bleu: number;
  readonly best: readonly { readonly text: string; readonly alternatives?: readonly object[] }[];
  readonly drawn: readonly { readonly text: string }[];
}

/** What each page's example comes to. */
const comesTo: Readonly<Record<string, (made: Page) => void>> = {
  "autoencode.md": ({ loss, r2, score, vectors, decoded, between, back, same }) => {
    expect(loss).toBeLessThan(0.01);
    expect(r2).toBeGreaterThan(0.9);
    expect(score).toBeGreaterThan(0.95);
    expect(vectors.map(({ length }) => length)).toEqual(vectors.map(() => 2));
    expect(vectors).toHaveLength(50);
    expect(decoded).toHaveLength(8);
    expect(same).toEqual(decoded);
    expect(between.map(({ length }) => length)).toEqual([8, 8, 8, 8, 8]);
    for (const [t, value] of back[0]!.entries()) expect(value).toBeCloseTo(decoded[t]!, 4);
  },
  "classify.md": ({ accuracy, confusion, said, steps, same }) => {
    expect(accuracy).toBeGreaterThan(0.95);
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(400);
    expect(said).toMatchObject({ label: "good", known: 1 });
    expect(steps.map(({ unit }) => unit)).toEqual(["the", "day", "was", "not", "cold"]);
    expect(same).toEqual(said);
  },
  "language.md": ({ pieces, next, continuations, perplexity, bitsPerCharacter, units, states, same }) => {
    expect(pieces.join("")).toMatch(/^ (밥을 먹었다|빵을 먹었다|물을 마셨다)\.$/);
    expect(next.map(({ unit }) => unit)).toEqual(["물을"]);
    expect(continuations.map(({ text }) => text)).toEqual(["나는 물을 마셨다."]);
    // Of 5 units two are drawn, each one of three.
    expect(perplexity).toBeGreaterThan(3 ** (2 / 5) - 0.05);
    expect(perplexity).toBeLessThan(1.8);
    expect(bitsPerCharacter).toBeCloseTo((Math.log2(perplexity) * 10) / 22, 6);
    expect(units.map(({ unit }) => unit)).toEqual(["나는", "물을", "먹었다", ".", "</s>"]);
    expect(units[2]!.probability).toBeLessThan(0.1);
    expect([states.h!.shape, states.c!.shape]).toEqual([
      [2, 1, 24],
      [2, 1, 24],
    ]);
    expect(same).toEqual({ next, continuations });
  },
  "ngram.md": ({ model, copy, perplexity, written, prediction }) => {
    expect(perplexity).toBeCloseTo(5.08, 2);
    expect(copy.perplexity(["너는 밥을 먹었다"])).toBe(model.perplexity(["너는 밥을 먹었다"]));
    expect(written).toMatch(/^너는 /);
    expect(prediction.label).toBe("good");
  },
  "looking-inside.md": ({ vanishing, kept, paths, gradients, forget }) => {
    expect(vanishing.norms.h![0]!).toBeLessThan(vanishing.norms.h!.at(-1)! / 100);
    expect(kept.norms.h![0]!).toBeGreaterThan(vanishing.norms.h![0]!);
    expect(paths!.length).toBeGreaterThan(0);
    expect(Object.keys(gradients!)).not.toEqual([]);
    expect(forget.shape).toEqual([30, 1, 8]);
  },
  "feed-forward.md": ({ nearAccuracy, farAccuracy, recurrentAccuracy, steps }) => {
    expect(nearAccuracy).toBeLessThan(0.85);
    expect(nearAccuracy).toBeGreaterThan(0.6);
    expect(farAccuracy).toBe(1);
    expect(recurrentAccuracy).toBe(1);
    expect(steps.map(({ gradient }) => gradient > 0)).toEqual([false, true, true, true]);
  },
  "tag.md": ({ accuracy, rowAccuracy, classes, said, rises }) => {
    expect(accuracy).toBeGreaterThan(0.9);
    expect(rowAccuracy).toBeGreaterThan(0.4);
    expect(classes.VERB!.f1).toBeGreaterThan(0.8);
    expect(said).toMatchObject([{ unit: "Paul", label: "PROPN" }, { unit: "saw" }, { unit: "the", label: "DET" }]);
    expect(rises).toEqual(["false", "true", "true", "true", "false", "false"]);
  },
  "translate.md": ({ exact, characterErrorRate, bleu, said, best, same }) => {
    expect([exact, characterErrorRate, bleu]).toEqual([1, 0, 1]);
    expect(said).toMatchObject({ text: "6:30", sourceUnits: [..."half past six"], targetUnits: [..."6:30"] });
    expect(best.map(({ text, alternatives }) => [text, alternatives!.length])).toEqual([
      ["4:00", 1],
      ["2:30", 1],
    ]);
    expect(same).toEqual(said);
  },
  "caption.md": ({ exact, bleu, said, best, drawn, same }) => {
    expect([exact, bleu]).toEqual([1, 1]);
    expect(said).toMatchObject({ text: "it is a warm day without wind." });
    expect(best.map(({ text }) => text)).toEqual(["it is a cold day with wind.", "it is a warm day without wind."]);
    expect(drawn.length).toBe(3);
    expect(same).toEqual(said);
  },
  "forecast.md": ({ next, methods, same }) => {
    expect(next.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    // The third of them has the campaign.
    expect(next[2]!.median).toBeGreaterThan(30);
    for (const { low, median, high } of next) expect(low <= median && median <= high).toBe(true);
    for (const plain of ["naive", "seasonalNaive", "drift"])
      expect(methods.forecaster!.mase).toBeLessThan(methods[plain]!.mase);
    expect(same).toEqual(next);
  },
};

/** Pages whose example also runs on the twins. */
const onTwins = process.env.DOCS_ON_TWINS === "1" ? Object.keys(comesTo) : ["forecast.md", "tag.md"];

/** Pages without an example, and those whose code has a test file of its own. */
const others = ["data.md", "on-data.md"];

test("every page has its test", () => {
  expect(readdirSync("docs/tasks").sort()).toEqual([...Object.keys(comesTo), ...others].sort());
});

for (const [name, check] of Object.entries(comesTo)) {
  test(`${name}: on the best backend`, async () => {
    const { made, text, typeFaults } = await runPages<Page>([`tasks/${name}`], (code) => code);
    check(made);
    expect(typeFaults({})).toEqual([]);
    for (const [, code] of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm))
      expect(code!.split("\n").length - 1).toBeLessThanOrEqual(25);
  });

  if (!onTwins.includes(name)) continue;
  test(`${name}: on the twins`, async () => {
    const changed = (code: string) => code.replaceAll("Runtime.open()", 'Runtime.open({ backend: "cpu" })');
    check((await runPages<Page>([`tasks/${name}`], changed)).made);
  });
}
