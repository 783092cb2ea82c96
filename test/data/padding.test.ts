import { describe, expect, test } from "vitest";
import { padSequences } from "../../src/data/padding.ts";
import { DataError, OptionError } from "../../src/errors.ts";

describe("padSequences", () => {
  test("puts tokens side by side, step after step", () => {
    expect(padSequences([[1, 2, 3], [4], [5, 6]])).toEqual({
      values: { shape: [3, 3], data: Int32Array.of(1, 4, 5, 2, 0, 6, 3, 0, 0) },
      lengths: { shape: [3], data: Int32Array.of(3, 1, 2) },
    });
    expect(padSequences([[1, 2, 3], [4]], { batchFirst: true, pad: -100 }).values).toEqual({
      shape: [2, 3],
      data: Int32Array.of(1, 2, 3, 4, -100, -100),
    });
  });

  test("puts vectors side by side, from typed arrays too", () => {
    const sequences = [[Float32Array.of(1, 2), Float32Array.of(3, 4)], [[5, 6]]];
    expect(padSequences(sequences).values).toEqual({
      shape: [2, 2, 2],
      data: Float32Array.of(1, 2, 5, 6, 3, 4, 0, 0),
    });
    expect(padSequences(sequences, { batchFirst: true, pad: 9 }).values).toEqual({
      shape: [2, 2, 2],
      data: Float32Array.of(1, 2, 3, 4, 5, 6, 9, 9),
    });
    expect(padSequences([[0.5], [1, 2]], { dtype: "f32" }).values).toEqual({
      shape: [2, 2],
      data: Float32Array.of(0.5, 1, 0, 2),
    });
  });

  test.each([
    [{ padToMultipleOf: 4 }, 4],
    [{ padToMultipleOf: 2 }, 4],
    [{ padToMultipleOf: 3 }, 3],
    [{ padTo: [8] }, 8],
    [{ padTo: [9, 2, 5] }, 5],
  ])("%j makes T %i of a longest sequence of 3 steps", (options, T) => {
    expect(padSequences([[1, 2, 3], [4]], options).values.shape).toEqual([T, 2]);
  });

  test("cuts off an end where that is asked for", () => {
    const cut = (truncate: "start" | "end") => padSequences([[1, 2, 3], [4]], { padTo: [2], truncate });
    expect([...cut("end").values.data]).toEqual([1, 4, 2, 0]);
    expect([...cut("start").values.data]).toEqual([2, 4, 3, 0]);
    expect([...cut("start").lengths.data]).toEqual([2, 1]);
    const vectors = padSequences(
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
      { padTo: [1], truncate: "start" },
    );
    expect([...vectors.values.data]).toEqual([3, 4]);
  });

  test.each<[unknown, unknown, string]>([
    [[], {}, "expected a list of at least one"],
    [[[1], []], {}, "sequence 1 is empty"],
    [[[1], 2], {}, "sequence 1 is 2, expected a list"],
    [[[1], "ab"], {}, 'sequence 1 is "ab", expected a list'],
    [[[1, 0.5]], {}, 'sequence 0[1] is 0.5, expected a whole number; for other numbers set dtype: "f32"'],
    [[[1, Number.NaN]], { dtype: "f32" }, "sequence 0[1] is NaN, expected a finite number"],
    [[[[1], [2, 3]]], {}, "sequence 0[1] has 2 numbers, and padSequences: sequence 0[0] has 1"],
    [[[[1]], [[2, 3]]], {}, "sequence 1 has 2 features a step, and sequence 0 has 1"],
    [[[1], [[2]]], {}, "sequence 1 is a list of lists, and sequence 0 is none"],
    [[[1, 2, 3]], { padTo: [1, 2] }, "sequence 0 has 3 steps, and padTo ends at 2"],
  ])("refuses %j with %j", (sequences, options, message) => {
    const pad = () => padSequences(sequences as never, options as never);
    expect(pad).toThrow(DataError);
    expect(pad).toThrow(message);
  });

  test.each<[unknown, string]>([
    [{ padTo: [0] }, "padTo is 0"],
    [{ padTo: 8 }, "expected lengths such as [8, 16]"],
    [{ padTo: [8], padToMultipleOf: 2 }, "both say how long T is"],
    [{ truncate: "end" }, "truncate needs padTo"],
    [{ padTo: [8], truncate: "pre" }, 'truncate is "pre"'],
    [{ pad: 0.5 }, "pad is 0.5, expected a number that i32 can hold"],
    [{ dtype: "i8" }, 'dtype is "i8"'],
    [{ maxlen: 3 }, 'unknown option "maxlen"'],
  ])("refuses the options %j", (options, message) => {
    const pad = () => padSequences([[1]], options as never);
    expect(pad).toThrow(OptionError);
    expect(pad).toThrow(message);
  });
});
