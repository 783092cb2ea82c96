/** The statistical language model: against hand computation, against a plain one with text for keys, and with what is wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError, FileFormatError, OptionError, Vocabulary } from "../../src/node.ts";
import { NGramModel } from "../../src/tasks/ngram/ngram-model.ts";
import type { NGramOptions } from "../../src/tasks/ngram/ngram-options.ts";

const SENTENCES = ["나는 배가 고파서 밥을 먹었다", "나는 배가 고파서 빵을 먹었다", "나는 배가 고파서 밥을 샀다"];

/** All that can come next. */
const outcomes = ({ vocabulary, sentences }: NGramModel) =>
  vocabulary.symbols.filter((symbol) => symbol !== "<s>" && (sentences || symbol !== "</s>"));

const smoothings: NGramOptions[] = [
  { smoothing: "kneserNey" },
  { smoothing: "kneserNey", discount: 0.75 },
  { smoothing: "kneserNey", discount: 1 },
  { smoothing: "addK" },
  { smoothing: "addK", k: 0.01 },
  { smoothing: "none" },
];

const letters = fc.constantFrom(..."abcd");
const sentence = fc.array(letters, { minLength: 1, maxLength: 8 });
const corpus = fc.array(sentence, { minLength: 1, maxLength: 6 });

describe("with sentences", () => {
  const model = NGramModel.fit(SENTENCES, { smoothing: "none" });

  test("a probability comes with its counts", () => {
    expect(model.probability("밥을", "나는 배가 고파서")).toEqual({
      unit: "밥을",
      context: ["배가", "고파서"],
      probability: 2 / 3,
      count: 2,
      contextCount: 3,
      continuations: 2,
    });
    expect(model.probability("밥을", ["고파서"])).toMatchObject({ context: ["고파서"], probability: 2 / 3 });
    expect(model.probability("국을", "배가 고파서")).toMatchObject({ unit: "<unk>", probability: 0, count: 0 });
    // 15 words and 3 ends.
    expect(model.probability("나는", "")).toMatchObject({ context: [], probability: 3 / 18, contextCount: 18 });
    expect(model.probability("</s>", []).probability).toBe(3 / 18);
  });

  test("a sentence begins after begin tokens and ends with its end", () => {
    expect(model.probability("나는", ["<s>"])).toMatchObject({ context: ["<s>", "<s>"], probability: 1, count: 3 });
    expect(model.probability("배가", ["<s>", "나는"])).toMatchObject({ context: ["<s>", "나는"], count: 3 });
    expect(model.probability("</s>", "밥을 먹었다")).toMatchObject({ probability: 1, count: 1, contextCount: 1 });
    expect(model.probability("<s>", ["<s>"]).probability).toBe(0);
    expect(model.next("먹었다")).toEqual([{ unit: "</s>", probability: 1, count: 2 }]);
  });

  test("the likeliest next units come first, equal ones by how often they were seen at all", () => {
    expect(model.next("배가 고파서")).toEqual([
      { unit: "밥을", probability: 2 / 3, count: 2 },
      { unit: "빵을", probability: 1 / 3, count: 1 },
    ]);
    expect(model.next("배가 고파서", { k: 1 })).toHaveLength(1);
    expect(NGramModel.fit(SENTENCES).next("배가 고파서", { k: 100 })).toHaveLength(9);
  });

  test("a text's probability is the product over its words and its end", () => {
    expect(model.logProbability("나는 배가 고파서 밥을 샀다")).toBeCloseTo(Math.log((2 / 3) * (1 / 2)), 12);
    expect(model.logProbability(["나는", "배가"])).toBe(-Infinity);
    // Two sentences of five words and an end each: 1/3 of one, 2/3 * 1/2 of the other.
    const two = ["나는 배가 고파서 빵을 먹었다", "나는 배가 고파서 밥을 샀다"];
    expect(model.perplexity(two)).toBeCloseTo(9 ** (1 / 12), 12);
    expect(model.perplexity("나는 배가")).toBe(Infinity);
    // Of 16 and 15 characters, with one for the end of each.
    const characters = [...two.join("")].length + 2;
    expect(model.bitsPerCharacter(two)).toBeCloseTo(Math.log2(9) / characters, 12);
    expect(model.bitsPerCharacter(two.map((text) => text.split(" ")))).toBeCloseTo(Math.log2(9) / characters, 12);
  });

  test("adding k makes what was never seen possible", () => {
    const added = NGramModel.fit(SENTENCES, { smoothing: "addK", k: 0.5 });
    // V = 7 words, the unknown one and the end.
    expect(added.probability("밥을", "배가 고파서").probability).toBeCloseTo(2.5 / (3 + 0.5 * 9), 15);
    expect(added.probability("국을", "배가 고파서").probability).toBeCloseTo(0.5 / (3 + 0.5 * 9), 15);
    expect(added.probability("밥을", "하나 둘")).toMatchObject({ probability: 1 / 9, contextCount: 0 });
    expect(added.discounts).toEqual([]);
  });

  test("sparsity tells what was never seen, by order", () => {
    expect(model.sparsity(SENTENCES).map(({ unseenNGrams }) => unseenNGrams)).toEqual([0, 0, 0]);
    // 배가 and 샀다 were seen, 배가 샀다 was not; 국을 was never seen. With the end there are four predictions.
    expect(model.sparsity(["배가 샀다 국을"])).toEqual([
      { n: 1, count: 4, unseenContexts: 0, unseenNGrams: 1 / 4 },
      { n: 2, count: 4, unseenContexts: 1 / 4, unseenNGrams: 1 },
      { n: 3, count: 4, unseenContexts: 3 / 4, unseenNGrams: 1 },
    ]);
    expect(NGramModel.fit("abcab", { of: "characters" }).sparsity("ab")).toEqual([
      { n: 1, count: 2, unseenContexts: 0, unseenNGrams: 0 },
      { n: 2, count: 1, unseenContexts: 0, unseenNGrams: 0 },
      { n: 3, count: 0, unseenContexts: 0, unseenNGrams: 0 },
    ]);
  });

  test("rare words become the unknown one, which is counted then", () => {
    const few = NGramModel.fit(SENTENCES, { smoothing: "none", minCount: 2 });
    expect(few.vocabulary.symbols).toEqual(["<unk>", "<s>", "</s>", "고파서", "나는", "배가", "먹었다", "밥을"]);
    expect(few.probability("빵을", "배가 고파서")).toMatchObject({ unit: "<unk>", probability: 1 / 3, count: 1 });
    const cut = NGramModel.fit([["<unk>", "a"], ["a"]], { smoothing: "none", n: 1 });
    expect(cut.probability("<unk>", []).probability).toBe(1 / 5);
    expect(NGramModel.fit(SENTENCES, { maxSize: 5 }).vocabulary.size).toBe(5);
  });
});

describe("Kneser-Ney smoothing", () => {
  test("is what the equations give by hand for abacab", () => {
    const model = NGramModel.fit("abacab", { n: 2, of: "characters" });
    // ab twice, ac, ba, ca once: D = 3 / (3 + 2). Before a stand b and c, before b and c stands a: D = 2 / (2 + 2).
    expect(model.discounts).toEqual([0.5, 0.6]);
    expect(model.ngrams).toEqual([3, 4]);
    const p = (unit: string, context: string) => model.probability(unit, context).probability;
    const rest = ((0.5 * 3) / 4) * (1 / 4); // V is 4 with the unknown one
    expect(p("a", "")).toBeCloseTo((2 - 0.5) / 4 + rest, 15);
    expect(p("b", "")).toBeCloseTo((1 - 0.5) / 4 + rest, 15);
    expect(p("x", "")).toBeCloseTo(rest, 15);
    expect(p("b", "a")).toBeCloseTo((2 - 0.6) / 3 + ((0.6 * 2) / 3) * 0.21875, 15);
    expect(p("c", "a")).toBeCloseTo((1 - 0.6) / 3 + ((0.6 * 2) / 3) * 0.21875, 15);
    expect(p("a", "a")).toBeCloseTo(((0.6 * 2) / 3) * 0.46875, 15);
    expect(p("b", "x")).toBe(p("b", ""));
    // The first character from nothing, the second from the first.
    expect(model.logProbability("ab")).toBeCloseTo(Math.log(0.21875 + 0.25) + Math.log(p("b", "a")), 12);
    expect(model.perplexity("ab")).toBeCloseTo((p("a", "") * p("b", "a")) ** (-1 / 2), 12);
    expect(model.bitsPerCharacter("ab")).toBeCloseTo(Math.log2(model.perplexity("ab")), 12);
  });

  test("leaves something for what was never seen where nothing was seen once", () => {
    const model = NGramModel.fit("abababab", { n: 1, of: "characters" });
    expect(model.discounts).toEqual([0.5]);
    expect(model.probability("x", "").probability).toBeCloseTo(((0.5 * 2) / 8) * (1 / 3), 15);
    expect(NGramModel.fit("abababab", { n: 1, of: "characters", discount: 0.1 }).discounts).toEqual([0.1]);
  });

  test("is what a plain program with text for keys computes", () => {
    fc.assert(
      fc.property(corpus, fc.integer({ min: 1, max: 4 }), fc.array(letters, { maxLength: 5 }), (rows, n, context) => {
        const model = NGramModel.fit(rows, { n, of: "characters" });
        const before = context.slice(Math.max(0, context.length - n + 1));
        for (const unit of outcomes(model))
          expect(model.probability(unit, context).probability).toBeCloseTo(
            plainKneserNey(rows, n, outcomes(model).length, unit, before),
            12,
          );
      }),
    );
  });
});

/** The equations, word for word, with every n-gram as JSON. */
function plainKneserNey(rows: readonly string[][], n: number, V: number, unit: string, context: string[]): number {
  const padded = rows.map((row) => [...new Array<string>(n - 1).fill("<s>"), ...row, "</s>"]);
  const grams = (k: number) =>
    padded
      .flatMap((row) => row.map((_, i) => row.slice(i, i + k)).filter((gram) => gram.length === k))
      .filter((gram) => gram.at(-1) !== "<s>");
  /** How often, or after how many different units. */
  const counted = (k: number) => {
    const keys =
      k === n ? grams(n) : [...new Set(grams(k + 1).map((g) => JSON.stringify(g)))].map((g) => JSON.parse(g).slice(1));
    const counts = new Map<string, number>();
    for (const key of keys.map((gram) => JSON.stringify(gram))) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  };
  const probability = (h: string[]): number => {
    const counts = counted(h.length + 1);
    const having = (c: number) => [...counts.values()].filter((count) => count === c).length;
    const D = having(1) === 0 ? 0.5 : having(1) / (having(1) + 2 * having(2));
    const shorter = h.length === 0 ? 1 / V : probability(h.slice(1));
    const after = [...counts].filter(([key]) => JSON.stringify(JSON.parse(key).slice(0, -1)) === JSON.stringify(h));
    const total = after.reduce((sum, [, count]) => sum + count, 0);
    if (total === 0) return shorter;
    const own = counts.get(JSON.stringify([...h, unit])) ?? 0;
    return (Math.max(own - D, 0) + D * after.length * shorter) / total;
  };
  return probability(context);
}

describe("with any texts", () => {
  test("probabilities sum up to 1, whatever the smoothing and the context", () => {
    const units = fc.constantFrom(..."abcdx");
    const contexts = fc.array(fc.array(units, { maxLength: 5 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(corpus, fc.integer({ min: 1, max: 4 }), contexts, fc.boolean(), (rows, n, some, asStream) => {
        const texts = asStream ? rows.flat().join("") : rows;
        for (const smoothing of smoothings) {
          const model = NGramModel.fit(texts, { n, of: "characters", ...smoothing });
          for (const context of asStream ? some : [...some, ["<s>"], ["<s>", "a"]]) {
            const all = outcomes(model).map((unit) => model.probability(unit, context).probability);
            expect(all.reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
            expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
            // The distribution as a whole says the same.
            const next = model.next(context, { k: 100 });
            expect(next.map(({ probability }) => probability)).toEqual(all.filter((p) => p > 0).sort((a, b) => b - a));
            for (const { unit, probability, count } of next)
              expect(model.probability(unit, context)).toMatchObject({ probability, count });
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test("a saved model has exactly the same probabilities", () => {
    fc.assert(
      fc.property(corpus, sentence, fc.constantFrom(...smoothings), (rows, text, smoothing) => {
        const model = NGramModel.fit(rows, { n: 3, of: "characters", ...smoothing });
        const bytes = model.save();
        const copy = NGramModel.load(bytes);
        expect(copy.logProbability(text)).toBe(model.logProbability(text));
        expect(copy.next(text, { k: 100 })).toEqual(model.next(text, { k: 100 }));
        expect(copy.generate({ seed: 3 })).toBe(model.generate({ seed: 3 }));
        expect(copy.sparsity([text])).toEqual(model.sparsity([text]));
        expect(copy.save()).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });
});

describe("generated text", () => {
  const model = NGramModel.fit(SENTENCES, { smoothing: "none" });

  test("is what was seen, and ends with the sentence", () => {
    const texts = new Set(Array.from({ length: 40 }, (_, seed) => model.generate({ seed })));
    expect([...texts].sort()).toEqual(
      [...SENTENCES, "나는 배가 고파서 빵을 먹었다"].filter((t, i, all) => all.indexOf(t) === i).sort(),
    );
    expect(model.generate({ seed: 4 })).toBe(model.generate({ seed: 4 }));
    expect(model.generate({ length: 2 })).toBe("나는 배가");
    expect(model.generate({ prompt: "나는 배가 고파서 밥을", temperature: 0 })).toBe(
      model.generate({ prompt: ["나는", "배가", "고파서", "밥을"], temperature: 0, seed: 9 }),
    );
  });

  test("follows the probabilities, sharper where the temperature is low", () => {
    const stream = NGramModel.fit(`${"a".repeat(3)}b`, { n: 1, of: "characters", smoothing: "none" });
    const share = (temperature: number) =>
      [...stream.generate({ length: 2000, temperature, seed: 1 })].filter((unit) => unit === "a").length / 2000;
    expect(Math.abs(share(1) - 0.75)).toBeLessThan(0.03);
    expect(Math.abs(share(0.5) - 0.9)).toBeLessThan(0.03);
    expect(Math.abs(share(1e9) - 0.5)).toBeLessThan(0.04);
    expect(share(0)).toBe(1);
  });

  test("joins jamo to syllables, has no unknown units, and stops where there is nothing else", () => {
    const jamo = NGramModel.fit(["한국", "한글", "한강"], { of: "jamo", n: 5, smoothing: "none" });
    for (let seed = 0; seed < 20; seed++) expect(jamo.generate({ prompt: "하", seed })).toMatch(/^한[국글강]$/);
    const rare = NGramModel.fit(["a a b", "a a c"], { smoothing: "none", minCount: 2, n: 2 });
    for (let seed = 0; seed < 20; seed++) expect(rare.generate({ seed, length: 30 })).toMatch(/^a( a)*$/);
    const only = NGramModel.fit(["a b", "a c"], { smoothing: "none", minCount: 2, n: 2 });
    expect(only.generate()).toBe("a");
  });
});

test("a given vocabulary makes models comparable", () => {
  const vocabulary = Vocabulary.fromTexts(["나는 밥을 먹었다"], { special: ["padding", "unknown", "begin", "end"] });
  const model = NGramModel.fit(SENTENCES, { vocabulary, n: 1, smoothing: "addK" });
  // Three words, the unknown one and the end; padding and begin are never predicted.
  expect(model.probability("빵을", [])).toMatchObject({ unit: "<unk>", count: 8, probability: 9 / (18 + 5) });
  expect(model.probability("<pad>", []).probability).toBe(0);
  const characters = Vocabulary.fromText("ab");
  expect(NGramModel.fit("abab", { vocabulary: characters, of: "characters", n: 1 }).perplexity("ab")).toBeCloseTo(
    2,
    12,
  );
  expect(() => NGramModel.fit(SENTENCES, { vocabulary: characters })).toThrow(/need a begin and an end token/);
  expect(() => NGramModel.fit("abc", { vocabulary: characters, of: "characters" })).toThrow(DataError);
  expect(() => NGramModel.fit("ab", { vocabulary, minCount: 2 })).toThrow(/minCount and maxSize make a vocabulary/);
});

describe("what is wrong", () => {
  const model = NGramModel.fit(SENTENCES);

  test.each<[unknown, RegExp]>([
    ["", /NGramModel\.fit: the text is "", which has no words/],
    ["  ", /which has no words/],
    [[], /there are no texts/],
    [["a", " "], /row 1 is " ", which has no words; leave it out/],
    [["a", []], /row 1 is \[\]/],
    [["a", 3], /row 1 is 3, expected a text, or a list of words/],
    [["a", ["b", ""]], /row 1 is \["b", ""\]/],
    [[["a"], ["a", "</s>"]], /row 1 has "<\/s>", which the model puts there itself/],
    [undefined, /the texts are undefined/],
  ])("texts %j", (texts, message) => {
    expect(() => NGramModel.fit(texts as string)).toThrow(DataError);
    expect(() => NGramModel.fit(texts as string)).toThrow(message);
  });

  test.each<[object, RegExp]>([
    [{ n: 0 }, /n is 0, expected a whole number from 1 to 32/],
    [{ n: 2.5 }, /n is 2\.5/],
    [{ n: 1e9 }, /n is 1000000000/],
    [{ order: 3 }, /unknown option "order"/],
    [{ min_count: 3 }, /did you mean minCount/],
    [{ of: "syllables" }, /of is "syllables", expected "characters", "words", "jamo"/],
    [{ smoothing: "laplace" }, /smoothing is "laplace", expected "kneserNey", "addK", "none"/],
    [{ smoothing: "addK", k: -1 }, /k is -1/],
    [{ k: 2 }, /k is of smoothing "addK"/],
    [{ smoothing: "none", discount: 0.5 }, /discount is of smoothing "kneserNey"/],
    [{ discount: 1.5 }, /discount is 1\.5/],
    [{ minCount: 0 }, /minCount is 0/],
    [{ maxSize: 3 }, /maxSize is 3/],
  ])("options %j", (options, message) => {
    expect(() => NGramModel.fit(SENTENCES, options)).toThrow(OptionError);
    expect(() => NGramModel.fit(SENTENCES, options)).toThrow(message);
  });

  test("calls", () => {
    expect(() => NGramModel.fit(SENTENCES, { minCount: 9 })).toThrow(DataError);
    expect(() => model.perplexity([])).toThrow(/NGramModel\.perplexity: there are no texts/);
    expect(() => model.logProbability("")).toThrow(DataError);
    expect(() => model.perplexity([["<s>", "나는"]])).toThrow(/row 0 has "<s>", which the model puts there itself/);
    expect(() => model.generate({ prompt: ["</s>"] })).toThrow(DataError);
    expect(() => model.probability("", [])).toThrow(DataError);
    expect(() => model.probability("밥을", 3 as never)).toThrow(/the context is 3, expected a text/);
    expect(() => model.next("나는", { k: 0 })).toThrow(OptionError);
    expect(() => model.generate({ tokens: 3 } as never)).toThrow(/unknown option "tokens"/);
    expect(() => model.generate({ temperature: -1 })).toThrow(OptionError);
    expect(() => model.generate({ seed: -1 })).toThrow(OptionError);
    expect(() => NGramModel.fit("a b c").probability("</s>", [])).toThrow(/has no end token/);
  });

  test("files", () => {
    const json = JSON.parse(new TextDecoder().decode(model.save()));
    const load = (change: object) => () =>
      NGramModel.load(new TextEncoder().encode(JSON.stringify({ ...json, ...change })));
    expect(load({})().perplexity(SENTENCES)).toBe(model.perplexity(SENTENCES));
    const { orders } = json;
    const changed = (order: object) => ({ orders: [{ ...orders[0], ...order }, ...orders.slice(1)] });
    const faults: [object, RegExp][] = [
      [{ task: "Translator" }, /has task "Translator", expected what save of an n-gram model wrote/],
      [{ version: 2 }, /has version 2, and this one reads 1/],
      [{ n: 4 }, /expected a list of 4/],
      [{ n: 0 }, /n is 0/],
      [{ of: "bytes" }, /of is "bytes"/],
      [{ vocabulary: {} }, /vocabulary/],
      [{ sentences: 1 }, /sentences is 1/],
      [{ sentences: false }, /n-gram 0 has count 0|has count 0/],
      [{ orders: undefined }, /the orders are undefined/],
      [changed({ counts: [1] }), /order 1: counts: \[1\]/],
      [changed({ counts: orders[0].counts.map((c: number) => c + 0.5) }), /expected a whole number/],
      [changed({ tokens: orders[0].tokens.toReversed() }), /do not ascend/],
      [changed({ tokens: orders[0].tokens.map(() => 99) }), /expected a whole number from 0 to 9/],
      [changed({ children: [3] }), /children sum up to 3/],
      [{ orders: [orders[0], orders[1], { ...orders[2], tokens: orders[2].tokens.with(-1, 0) }] }, /its end is not/],
    ];
    for (const [change, message] of faults) {
      expect(load(change)).toThrow(FileFormatError);
      expect(load(change)).toThrow(message);
    }
    for (const bytes of [new Uint8Array(0), new Uint8Array([0xff, 0xfe]), new TextEncoder().encode("null"), 3 as never])
      expect(() => NGramModel.load(bytes)).toThrow(FileFormatError);
  });
});
