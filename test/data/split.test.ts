import { describe, expect, expectTypeOf, test } from "vitest";
import { split } from "../../src/data/split.ts";
import { DataError, OptionError, ShapeError } from "../../src/errors.ts";

const stream = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

describe("a stream of tokens", () => {
  test.each([
    [1115394, 0.1, 111539],
    [10, 0, 0],
    [10, 0.99, 9],
    [0, 0.1, 0],
  ])("%d tokens, fraction %d: %d for validation", (n, fraction, validation) => {
    const tokens = stream(n);
    const parts = split(tokens, fraction);
    expect([parts.training.length, parts.validation.length]).toEqual([n - validation, validation]);
    expect([parts.training.byteOffset, parts.validation.byteOffset]).toEqual([0, 4 * (n - validation)]);
    expect([parts.training.buffer, parts.validation.buffer].every((buffer) => buffer === tokens.buffer)).toBe(true);
  });

  test.each([-0.1, 1.1, Number.NaN])("refuses the fraction %d", (fraction) => {
    expect(() => split(stream(10), fraction)).toThrow(OptionError);
  });

  test("is cut into two, in order", () => {
    expect(() => split(stream(10) as never, { validation: 0.1 })).toThrow(OptionError);
    expect(() => split(stream(10) as never, 0.1, { seed: 1 })).toThrow("give one fraction and no options");
    expect(() => split("tokens" as never, 0.1)).toThrow(ShapeError);
  });
});

const records = Array.from({ length: 20 }, (_, id) => ({ id }));
const ids = (some: readonly { id: number }[]) => some.map(({ id }) => id);

describe("records", () => {
  test("are drawn at random, each into one part, the same by seed", () => {
    const { training, validation, test: kept } = split(records, { validation: 0.1, test: 0.25 });
    expectTypeOf(kept).toEqualTypeOf<{ id: number }[]>();
    expect([training.length, validation.length, kept.length]).toEqual([13, 2, 5]);
    expect(ids([...training, ...validation, ...kept]).sort((a, b) => a - b)).toEqual(ids(records));
    expect(ids(training)).not.toEqual([...ids(training)].sort((a, b) => a - b));
    expect(split(records, { validation: 0.1, test: 0.25 })).toEqual({ training, validation, test: kept });
    expect(split(records, 0.1).validation).toEqual(split(records, 0.1, { seed: 0 }).validation);
    expect(split(records, 0.5, { seed: 1 })).not.toEqual(split(records, 0.5));
  });

  test("keep their order without shuffle", () => {
    const parts = split(records, { validation: 0.1, test: 0.1 }, { shuffle: false });
    expect(ids([...parts.training, ...parts.validation, ...parts.test])).toEqual(ids(records));
    expect(split(records, 0.25, { shuffle: false })).toEqual({
      training: records.slice(0, 15),
      validation: records.slice(15),
    });
    expect(split(records, 1).training).toEqual([]);
  });

  test.each<[unknown, unknown, string]>([
    [{ validation: 0.6, test: 0.5 }, {}, "are more than all records together"],
    [{ train: 0.6 }, {}, 'unknown option "train"'],
    [1.5, {}, "validation is 1.5"],
    [0.5, { seed: -1 }, "seed is -1"],
    [0.5, { shuffle: "yes" }, 'shuffle is "yes"'],
  ])("refuse %j with %j", (fractions, options, message) => {
    const cut = () => split(records, fractions as never, options as never);
    expect(cut).toThrow(OptionError);
    expect(cut).toThrow(message);
  });

  test("are at least one", () => {
    expect(() => split([], 0.5)).toThrow(DataError);
  });
});
