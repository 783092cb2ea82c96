/** A classifier of n-gram models: by hand, saved and loaded, and with rows that are wrong. */
import { describe, expect, test } from "vitest";
import { DataError, FileFormatError, OptionError } from "../../src/node.ts";
import { NGramClassifier } from "../../src/tasks/ngram/ngram-classifier.ts";

const ROWS = [
  { text: "a a b", label: "A" },
  { text: "b b", label: "B" },
  { text: "a c", label: "A" },
  { text: "b", label: "B" },
];
const naiveBayes = { n: 1, smoothing: "addK" } as const;

describe("NGramClassifier", () => {
  test("is naive Bayes with n of 1 and k of 1, by hand", () => {
    const classifier = NGramClassifier.fit(ROWS, naiveBayes);
    expect(classifier.labels).toEqual(["A", "B"]);
    // V is 5: a, b, c, the unknown word and the end. A has 7 of them (a three times, the end twice), B has 5 (b three times).
    const [a, b] = [(4 / 12) * (2 / 12) * (3 / 12), (1 / 10) * (4 / 10) * (3 / 10)];
    const { label, probabilities } = classifier.predict("a b");
    expect(label).toBe("A");
    expect(probabilities.A).toBeCloseTo(a / (a + b), 12);
    expect(probabilities.B).toBeCloseTo(b / (a + b), 12);
    // A third of B's rows more, so its share is 3/5.
    const more = NGramClassifier.fit([...ROWS, { text: "b", label: "B" }], naiveBayes);
    const [c, d] = [(2 / 5) * (1 / 12) * (3 / 12), (3 / 5) * (1 / 12) * (4 / 12)];
    expect(more.predict("x").probabilities.A).toBeCloseTo(c / (c + d), 12);
  });

  test("predicts lists, and tells its accuracy", () => {
    const rows = [
      ...["좋은 영화", "정말 좋은 이야기", "좋은 배우"].map((review) => ({ review, good: true })),
      ...["나쁜 영화", "정말 나쁜 이야기", "나쁜 배우"].map((review) => ({ review, good: false })),
    ];
    const classifier = NGramClassifier.fit(rows, { text: "review", label: "good", n: 2 });
    expect(classifier.predict(["좋은 결말", ["나쁜", "결말"]]).map(({ label }) => label)).toEqual(["true", "false"]);
    const held = [
      { review: "정말 좋은 영화", good: true },
      { review: "정말 나쁜 영화", good: false },
      { review: "좋은 나쁜 것", good: "true" },
      { review: "정말 나쁜 배우", good: true },
    ];
    const right = classifier.predict(held.map(({ review }) => review)).filter((p, i) => p.label === `${held[i]!.good}`);
    const { accuracy, classes } = classifier.evaluate(held);
    expect(accuracy).toBe(right.length / 4);
    expect(classes.true!.count).toBe(3);
    expect(right.length).toBeGreaterThanOrEqual(2);
    expect(right.length).toBeLessThan(4);
  });

  test("falls back on the classes' shares where no class makes a text possible", () => {
    const classifier = NGramClassifier.fit([...ROWS, { text: "b", label: "B" }], { n: 2, smoothing: "none" });
    expect(classifier.predict("c a").probabilities).toEqual({ A: 2 / 5, B: 3 / 5 });
  });

  test("a saved one has exactly the same probabilities", () => {
    for (const options of [naiveBayes, { n: 3 }, { of: "jamo", discount: 0.7 }] as const) {
      const classifier = NGramClassifier.fit(ROWS, options);
      const bytes = classifier.save();
      const copy = NGramClassifier.load(bytes);
      for (const text of ["a b", "c", "x a"]) expect(copy.predict(text)).toEqual(classifier.predict(text));
      expect(copy.evaluate(ROWS)).toEqual(classifier.evaluate(ROWS));
      expect(copy.save()).toEqual(bytes);
    }
  });

  test.each<[unknown, RegExp]>([
    [[], /the rows are \[\], expected a list of at least one/],
    ["a", /the rows are "a"/],
    [[...ROWS, { text: "a" }], /row 4: label is undefined, expected the row's class/],
    [[...ROWS, { label: "A", text: "" }], /row 4: text is "", which has no words/],
    [[...ROWS, { label: "A", text: " " }], /row 4: text is " ", which has no words; leave it out/],
    [[...ROWS, { label: "A", text: 3 }], /row 4: text is 3, expected a text/],
    [[...ROWS, { label: "A" }], /row 4: text is undefined, expected a text/],
    [[...ROWS, { label: NaN, text: "a" }], /row 4: label is NaN/],
    [[...ROWS, null], /row 4: text is undefined/],
    [[...ROWS, { label: "C", text: "a" }], /row 4: its class "C" is in no other row/],
    [ROWS.filter(({ label }) => label === "A"), /all 2 rows have the class "A"; a classifier needs two or more/],
  ])("refuses rows %j", (rows, message) => {
    expect(() => NGramClassifier.fit(rows as [])).toThrow(DataError);
    expect(() => NGramClassifier.fit(rows as [])).toThrow(message);
  });

  test("refuses what is no option, text, label or file of its own", () => {
    const classifier = NGramClassifier.fit(ROWS);
    expect(() => NGramClassifier.fit(ROWS, { label: 3 } as never)).toThrow(/label is 3, expected the name of a column/);
    expect(() => NGramClassifier.fit(ROWS, { labels: "label" } as never)).toThrow(OptionError);
    expect(() => NGramClassifier.fit(ROWS, { n: 0 })).toThrow(/n is 0/);
    expect(() => classifier.predict("")).toThrow(DataError);
    expect(() => classifier.predict(["a", 3] as never)).toThrow(/row 1 is 3/);
    expect(() => classifier.evaluate([{ text: "a", label: "C" }])).toThrow(
      /row 0: label is "C", which was not there in training; the classes are A, B/,
    );
    const json = JSON.parse(new TextDecoder().decode(classifier.save()));
    const load = (change: object) => () =>
      NGramClassifier.load(new TextEncoder().encode(JSON.stringify({ ...json, ...change })));
    expect(load({})().labels).toEqual(["A", "B"]);
    for (const change of [
      { task: "n-gram model" },
      { columns: null },
      { classes: [json.classes[0]] },
      { classes: [json.classes[0], { ...json.classes[1], count: 0 }] },
      { classes: [json.classes[1], json.classes[0]] },
      { classes: [json.classes[0], { label: "B", count: 2 }] },
    ])
      expect(load(change)).toThrow(FileFormatError);
  });
});
