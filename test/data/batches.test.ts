import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { batches, collate } from "../../src/data/batches.ts";
import * as field from "../../src/data/fields.ts";
import { normalizer } from "../../src/data/normalizer.ts";
import { Vocabulary } from "../../src/data/vocabulary.ts";
import { DataError, OptionError } from "../../src/errors.ts";

interface Reading {
  readonly id: number;
  readonly tokens: number[];
  readonly values: number[][];
  readonly tags: number[];
  readonly label: number;
  readonly mean: number;
}

/** A record whose numbers all tell whose they are: `id` in the hundreds, then the step. */
const reading = (id: number, length: number): Reading => {
  const steps = Array.from({ length }, (_, t) => 100 * id + t);
  return {
    id,
    tokens: steps,
    values: steps.map((n) => [n, -n]),
    tags: steps.map((n) => n % 2),
    label: id,
    mean: id / 2,
  };
};
const tokens = field.tokens("tokens");
const x = { tokens, values: field.series("values"), lengths: field.lengths(tokens) };
const target = { tags: field.labels("tags", 2), mean: field.numbers("mean") };

describe("a batch", () => {
  test("has the library's layout, padded to its longest sequence", () => {
    const [batch, ...others] = batches([reading(1, 2), reading(2, 3)], { x, target, batch: 2 });
    expect(others).toEqual([]);
    expect(batch).toEqual({
      x: {
        tokens: { shape: [3, 2], data: Int32Array.of(100, 200, 101, 201, 0, 202) },
        values: {
          shape: [3, 2, 2],
          data: Float32Array.of(100, -100, 200, -200, 101, -101, 201, -201, 0, 0, 202, -202),
        },
        lengths: { shape: [2], data: Int32Array.of(2, 3) },
      },
      target: {
        tags: { shape: [3, 2], data: Int32Array.of(0, 0, 1, 1, -100, 0) },
        mean: { shape: [2, 1], data: Float32Array.of(0.5, 1) },
      },
    });
  });

  test("of one field each is a tensor each, and its types follow from the fields", () => {
    const data = batches([reading(4, 2)], { x: field.tokens("tokens"), target: field.label("label", 5), batch: 1 });
    expect(data.at(0)).toEqual({
      x: { shape: [2, 1], data: Int32Array.of(400, 401) },
      target: { shape: [1], data: Int32Array.of(4) },
    });
    expectTypeOf(data.at(0).x.data).toEqualTypeOf<Int32Array>();
    const several = batches([reading(4, 2)], { x, target, batch: 1 }).at(0);
    expectTypeOf(several.x.values.data).toEqualTypeOf<Float32Array>();
    expectTypeOf(several.target).toHaveProperty("tags");
    // @ts-expect-error a field that the fields do not make
    expect(several.x.mask).toBeUndefined();
  });

  test("takes records' fields of fitting types only, by the compiler", () => {
    // @ts-expect-error there is no field of this name
    const missing = () => batches([reading(0, 1)], { x: field.tokens("token"), target, batch: 1 });
    expect(missing).toThrow('record 0 has no field "token", but id, tokens, values, tags, label, mean');
    // @ts-expect-error a number is no sequence
    const scalar = () => batches([reading(0, 1)], { x: field.tokens("mean"), target, batch: 1 });
    expect(scalar).toThrow("record 0.mean is 0, expected a list of whole numbers");
  });

  test("is computed from a record where a field is a function", () => {
    const last = field.label(({ tags }: Reading) => tags.at(-1)!, 2);
    const sum = field.numbers(({ values }: Reading) => values.map(([n]) => n!));
    expect(batches([reading(1, 2)], { x: sum, target: last, batch: 1 }).at(0)).toEqual({
      x: { shape: [1, 2], data: Float32Array.of(100, 101) },
      target: { shape: [1], data: Int32Array.of(1) },
    });
  });

  test("may have a tensor of any name, and any number of records", () => {
    const { read } = collate([reading(1, 2)], { read: field.label("label") });
    expect(read.data).toEqual(Int32Array.of(1));
    const short = Array.from({ length: 200_000 }, (_, id) => ({ tokens: [id] }));
    expect(collate(short, tokens).shape).toEqual([1, 200_000]);
  });

  test("lays rows first where that is asked for, of all fields or of one", () => {
    const records = [reading(1, 2), reading(2, 1)];
    const first = batches(records, { x, target, batch: 2, batchFirst: true }).at(0);
    expect(first.x.tokens).toEqual({ shape: [2, 2], data: Int32Array.of(100, 101, 200, 0) });
    expect(first.x.values.shape).toEqual([2, 2, 2]);
    expect([...first.x.values.data]).toEqual([100, -100, 101, -101, 200, -200, 0, 0]);
    const labels = field.labels("tags", 2, { axis: "labels", pad: -1, batchFirst: true });
    const mixed = batches(records, { x, target: labels, batch: 2 }).at(0);
    expect(mixed.x.tokens.data).toEqual(Int32Array.of(100, 200, 101, 0));
    expect(mixed.target).toEqual({ shape: [2, 2], data: Int32Array.of(0, 1, 0, -1) });
  });

  test("is as long as padTo or padToMultipleOf says, and cut where that is asked for, lengths and classes too", () => {
    const records = [reading(1, 2), reading(2, 5)];
    const T = (options: object) => batches(records, { x, target, batch: 1, ...options }).at(1).x.tokens.shape[0];
    expect([T({}), T({ padToMultipleOf: 4 }), T({ padTo: [3, 9] })]).toEqual([5, 8, 9]);
    const cut = batches(records, { x, target, batch: 2, padTo: [3], truncate: "start" }).at(0);
    expect(cut.x.tokens.data).toEqual(Int32Array.of(100, 202, 101, 203, 0, 204));
    expect(cut.x.values.data.filter((n) => n > 0)).toEqual(Float32Array.of(100, 202, 101, 203, 204));
    expect(cut.x.lengths.data).toEqual(Int32Array.of(2, 3));
    expect(cut.target.tags.data).toEqual(Int32Array.of(0, 0, 1, 1, -100, 0));
    expect(() => batches(records, { x, target, batch: 2, padTo: [4] })).toThrow(
      "batches: record 1.tokens has 5 steps, and padTo ends at 4",
    );
  });

  test("of texts is encoded, with begin and end for a decoder that is told the last word", () => {
    const records = [
      { ask: "a b", reply: "x" },
      { ask: "b", reply: "y x" },
    ];
    const special = ["padding", "unknown", "begin", "end"] as const;
    const words = Vocabulary.fromTexts(["a b b", "x x y"], { special });
    expect(words.symbols.slice(4)).toEqual(["b", "x", "a", "y"]);
    const ask = field.tokens("ask", words, { axis: "encoder" });
    const data = batches(records, {
      x: { ask, given: field.tokens("reply", words, { begin: true }), lengths: field.lengths(ask) },
      target: field.labels("reply", words, { end: true }),
      batch: 2,
    });
    const batch = data.at(0);
    expect(batch.x.ask.data).toEqual(Int32Array.of(6, 4, 4, 0));
    expect(batch.x.given).toEqual({ shape: [3, 2], data: Int32Array.of(2, 2, 5, 7, 0, 5) });
    expect(batch.target).toEqual({ shape: [3, 2], data: Int32Array.of(5, 7, 3, 5, -100, 3) });
    expect(batch.x.lengths.data).toEqual(Int32Array.of(2, 1));
  });

  test("is normalized where a field says so", () => {
    const records = [{ values: [1, 3] }, { values: [5] }];
    const scale = normalizer(records, field.series("values"), { to: "range" });
    const values = field.series("values", { normalizer: scale });
    const { x } = batches(records, { x: values, target: values, batch: 2 }).at(0);
    expect(x).toEqual({ shape: [2, 2, 1], data: Float32Array.of(0, 1, 0.5, 0) });
  });

  test("of some records alone is what collate makes", () => {
    const records = [reading(1, 2), reading(2, 3)];
    expect(collate(records, x)).toEqual(batches(records, { x, target, batch: 2 }).at(0).x);
    expect(collate(records, field.label("label"))).toEqual({ shape: [2], data: Int32Array.of(1, 2) });
    expect(collate(records, x, { padTo: [4] }).tokens.shape).toEqual([4, 2]);
  });
});

const ids = (data: Iterable<{ x: { data: ArrayLike<number> } }>) => [...data].map(({ x }) => Array.from(x.data));
const byId = { x: field.label("id"), target: field.label("label") };
const many = (n: number) => Array.from({ length: n }, (_, id) => reading(id, 1 + ((id * 7) % 11)));

describe("epochs", () => {
  test("without shuffle are the records in their order, again and again", () => {
    const data = batches(many(5), { ...byId, batch: 2 });
    expect(data.length).toBe(3);
    for (let epoch = 0; epoch < 2; epoch++) expect(ids(data)).toEqual([[0, 1], [2, 3], [4]]);
    const full = batches(many(5), { ...byId, batch: 2, dropLast: true });
    expect(full.length).toBe(2);
    expect(ids(full)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test("with shuffle have every record once, each epoch in another order, the same by seed", () => {
    const make = (seed: number) => batches(many(50), { ...byId, batch: 8, shuffle: true, seed });
    const data = make(3);
    const [first, second] = [ids(data), ids(data)];
    expect(first).not.toEqual(second);
    for (const epoch of [first, second]) {
      expect(epoch.map(({ length }) => length)).toEqual([8, 8, 8, 8, 8, 8, 2]);
      expect(epoch.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }
    const again = make(3);
    expect(ids(again.epoch(1))).toEqual(second);
    expect(ids(again.epoch(0))).toEqual(first);
    expect(ids(make(4))).not.toEqual(first);
  });

  test("go on from any step where an uninterrupted run would be", () => {
    const make = () => batches(many(10), { ...byId, batch: 4, shuffle: true });
    const all = make().from();
    const steps = Array.from({ length: 9 }, () => all.next().value);
    for (let step = 0; step < 9; step++) expect(make().from(step).next().value).toEqual(steps[step]);
    expect(ids([...make().epoch(0), ...make().epoch(1), ...make().epoch(2)])).toEqual(ids(steps));
  });

  test("drop other records each time where the last batch is dropped", () => {
    const data = batches(many(10), { ...byId, batch: 4, shuffle: true, dropLast: true });
    const kept = new Set(Array.from({ length: 20 }, () => ids(data).flat()).flat());
    expect(kept.size).toBe(10);
  });

  test("by length have batches with less padding, every record once, for any data", () => {
    const lengthsOf = { ...byId, x: { id: field.label("id"), tokens, lengths: field.lengths(tokens) } };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (lengths, batch, shuffle) => {
          // Full batches only: no way to cut has less padding than sorted records then.
          const short = lengths.length % batch;
          const records = [...lengths, ...Array<number>((batch - short) % batch).fill(1)].map((length, id) =>
            reading(id, length),
          );
          const padded = (bucketByLength: boolean) => {
            const all = [...batches(records, { ...lengthsOf, batch, shuffle, bucketByLength })];
            expect(all.flatMap(({ x }) => [...x.id.data]).sort((a, b) => a - b)).toEqual([...records.keys()]);
            return all.reduce((sum, { x }) => sum + x.id.data.length * Math.max(...x.lengths.data), 0);
          };
          expect(padded(true)).toBeLessThanOrEqual(padded(false));
        },
      ),
    );
    const data = batches(many(40), { ...lengthsOf, batch: 4, shuffle: true, bucketByLength: true });
    const [first, second] = [[...data], [...data]].map((all) => all.map(({ x }) => [...x.id.data]));
    expect(first).not.toEqual(second);
    for (const { x } of data) expect(Math.max(...x.lengths.data) - Math.min(...x.lengths.data)).toBeLessThanOrEqual(2);
  });
});

describe("bad records are named with their number and field", () => {
  const good = reading(1, 2);
  const train = (bad: object) => () => batches([good, { ...good, ...bad }], { x, target, batch: 2 });
  test.each<[object, string]>([
    [{ tokens: [] }, "batches: record 1.tokens is empty"],
    [{ tokens: [1, -1] }, "record 1.tokens[1] is -1, expected a token: a whole number of at least 0"],
    [{ tokens: [1, 2.5] }, "record 1.tokens[1] is 2.5, expected a token"],
    [{ tokens: "ab" }, 'record 1.tokens is text, "ab"; give field.tokens a Vocabulary'],
    [{ tokens: undefined }, "record 1.tokens is undefined, expected a list"],
    [{ tags: [0, 2] }, "record 1.tags[1] is 2, expected a class: a whole number from 0 to 1"],
    [{ tags: [0, 1.5] }, "record 1.tags[1] is 1.5, expected a class"],
    [{ tags: [0] }, "record 1.tags has 1 steps, and its tokens has 2; give fields of other sequences an axis"],
    [{ values: [[1, 2], [3]] }, "record 1.values[1] has 1 numbers, and batches: record 1.values[0] has 2"],
    [{ values: [[1], [2]] }, "record 1.values has 1 features, and record 0 has 2"],
    [
      {
        values: [
          [1, Number.NaN],
          [1, 2],
        ],
      },
      "record 1.values[0][1] is NaN, expected a finite number",
    ],
    [
      {
        values: [
          [1, 2],
          [1, 1e39],
        ],
      },
      "record 1.values[1][1] is 1e+39, expected a finite number",
    ],
    [{ mean: Number.POSITIVE_INFINITY }, "record 1.mean is Infinity"],
    [{ mean: "3" }, 'record 1.mean is "3"'],
    [{ mean: [1, 2] }, "record 1.mean has 2 features, and record 0 has 1"],
    [{ mean: [] }, "record 1.mean is empty"],
  ])("%j", (bad, message) => {
    expect(train(bad)).toThrow(DataError);
    expect(train(bad)).toThrow(message);
  });

  test("as are a class of the record, a word that the vocabulary lacks, and features that the normalizer lacks", () => {
    const one = (x: object) => () =>
      batches([{ label: 3, text: "a!", values: [[1, 2]] }], { x, target: x, batch: 1 } as never);
    expect(one(field.label("label", 3))).toThrow("record 0.label is 3, expected a class: a whole number from 0 to 2");
    const strict = Vocabulary.fromText("ab");
    expect(one(field.tokens("text", strict))).toThrow('record 0.text: "!" (U+0021) at position 1');
    const scale = normalizer(
      [[1, 2, 3]],
      field.numbers((row: number[]) => row),
    );
    expect(one(field.series("values", { normalizer: scale }))).toThrow(
      "record 0.values has 2 features, and its normalizer was fitted on 3",
    );
  });

  test("an ignored class is none that is out of range", () => {
    const ignored = { ...good, tags: [-100, 1] };
    expect(batches([ignored], { x, target, batch: 1 }).at(0).target.tags.data).toEqual(Int32Array.of(-100, 1));
  });
});

test.each<[object, string]>([
  [{ batch: 0 }, "batches: batch is 0"],
  [{ shuffle: 1 }, "batches: shuffle is 1, expected true or false"],
  [{ seed: -1 }, "seed is -1"],
  [{ x: "tokens" }, 'batches: x is "tokens", expected a field such as field.tokens("text")'],
  [{ target: { tags: "tags" } }, 'batches: target.tags is "tags", expected a field'],
  [{ x: {} }, "batches: x has no field"],
  [{ ...byId, bucketByLength: true }, "bucketByLength needs a field with steps"],
  [{ batchSize: 3 }, 'unknown option "batchSize"'],
])("the options %j are refused", (options, message) => {
  const make = () => batches([reading(0, 1)], { x, target, batch: 1, ...options } as never);
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
});

test("no records, and fewer than a batch that may not be short, are refused", () => {
  expect(() => batches([] as Reading[], { x, target, batch: 1 })).toThrow(
    "batches: the records are [], expected a list",
  );
  expect(() => batches([reading(0, 1)], { x, target, batch: 2, dropLast: true })).toThrow(
    "1 records make no batch of 2, and dropLast leaves out what is less",
  );
});

test.each<[() => unknown, string]>([
  [() => field.lengths(field.label("label")), "field.lengths: label is no field with steps"],
  [() => field.tokens("text", 0), "field.tokens: how many there are is 0"],
  [() => field.tokens("text", "words" as never), 'field.tokens: "words" is neither a number of them nor a Vocabulary'],
  [() => field.tokens("text", 5, { begin: true }), "field.tokens: begin and end are tokens of a Vocabulary"],
  [() => field.tokens("text", Vocabulary.fromText("a"), { end: true }), "the vocabulary has no end token"],
  [() => field.series("values", { normalizer: {} as never }), "field.series: normalizer is {}"],
  [() => field.labels("tags", 2, { axis: "" }), 'field.labels: axis is ""'],
  [() => field.numbers(3 as never), "field.numbers: 3 is neither the name of a record's field nor a function"],
])("%s is refused", (make, message) => {
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
});
