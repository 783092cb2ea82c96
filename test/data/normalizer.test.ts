import { describe, expect, expectTypeOf, test } from "vitest";
import * as field from "../../src/data/fields.ts";
import { Normalizer, normalizer } from "../../src/data/normalizer.ts";
import { DataError, FileFormatError, OptionError, ShapeError } from "../../src/errors.ts";

// Two features over 4 steps: 1 2 3 6 (mean 3, deviation sqrt(14 / 4)) and 10 always.
const records = [
  {
    values: [
      [1, 10],
      [2, 10],
      [3, 10],
    ],
  },
  { values: [[6, 10]] },
];
const values = field.series("values");

describe("a normalizer", () => {
  test("has the mean and the deviation of each feature over all steps", () => {
    const scale = normalizer(records, values);
    expect(scale.offset).toEqual([3, 10]);
    expect(scale.scale).toEqual([Math.sqrt(3.5), 1]);
    expect(scale.apply([6, 10])).toEqual([3 / Math.sqrt(3.5), 0]);
  });

  test("or their range", () => {
    const scale = normalizer(records, values, { to: "range" });
    expect([scale.offset, scale.scale]).toEqual([
      [1, 10],
      [5, 1],
    ]);
    expect(scale.apply([6, 10])).toEqual([1, 0]);
  });

  test("a number that never changes becomes 0, whatever its mean is rounded to", () => {
    const scale = normalizer(
      Array.from({ length: 999 }, () => ({ price: 0.1 })),
      field.numbers("price"),
    );
    expect(scale.scale).toEqual([1]);
    expect(scale.apply(Math.fround(0.1))).toBeCloseTo(0, 12);
  });

  test("keeps the form of what it is given, and its inverse gives it back", () => {
    const scale = normalizer(records, values);
    const nested = [
      [1, 10],
      [2, 11],
    ];
    const back = scale.invert(scale.apply(nested));
    expectTypeOf(back).toEqualTypeOf<number[][]>();
    for (const [r, row] of back.entries())
      for (const [c, v] of row.entries()) expect(v).toBeCloseTo(nested[r]![c]!, 12);
    const flat = scale.apply(Float32Array.of(1, 10, 6, 10));
    expect(flat).toBeInstanceOf(Float32Array);
    expect([...scale.invert(flat)]).toEqual([1, 10, 6, 10].map((v) => expect.closeTo(v, 5)));
    const single = normalizer([{ v: 2 }, { v: 4 }], field.numbers("v"));
    expect([single.apply(4), single.invert(-1)]).toEqual([1, 2]);
  });

  test("goes through JSON", () => {
    const scale = normalizer(records, values);
    const copy = Normalizer.fromJSON(JSON.parse(JSON.stringify(scale)));
    expect(copy).toEqual(scale);
    expect(copy.apply([2, 3])).toEqual(scale.apply([2, 3]));
  });

  test.each([
    [null],
    [{ type: "characters", offset: [1], scale: [1] }],
    [{ type: "normalizer", offset: [1], scale: [1, 2] }],
    [{ type: "normalizer", offset: [], scale: [] }],
    [{ type: "normalizer", offset: ["1"], scale: [1] }],
    [{ type: "normalizer", offset: [1], scale: [0] }],
  ])("is not read from %j", (json) => {
    expect(() => Normalizer.fromJSON(json)).toThrow(FileFormatError);
  });

  test("refuses what has other features", () => {
    const scale = normalizer(records, values);
    expect(() => scale.apply([1, 2, 3])).toThrow(ShapeError);
    expect(() => scale.apply([1, 2, 3])).toThrow("3 numbers are no rows of the 2 features");
    expect(() => scale.apply(1)).toThrow("one number was given, and it was fitted on 2 features");
    expect(() => scale.apply("12" as never)).toThrow(ShapeError);
  });

  test("is not fitted on nothing, on other features, or on what is no number", () => {
    expect(() => normalizer([] as typeof records, values)).toThrow(DataError);
    expect(() => normalizer([...records, { values: [[1]] }], values)).toThrow(
      "normalizer: record 2.values has 1 features, and record 0 has 2",
    );
    expect(() => normalizer([{ values: [[Number.NaN]] }], values)).toThrow(
      "normalizer: record 0.values[0][0] is NaN, expected a finite number",
    );
    expect(() => normalizer(records, values, { to: "mean" as never })).toThrow(OptionError);
    expect(() => normalizer(records, field.tokens("values" as never) as never)).toThrow("no field of numbers");
  });
});
