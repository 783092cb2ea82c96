import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Windows } from "../../src/data/windows.ts";
import { DataError, OptionError, ShapeError } from "../../src/errors.ts";

const stream = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

describe("Windows", () => {
  test("cuts rows, and windows along them", () => {
    // 15 tokens, 2 rows of floor(14 / 2) = 7, 2 windows of 3; token 6 and 13 of the rows are left.
    const windows = new Windows(stream(15), { window: 3, batch: 2 });
    expect(windows.stepsPerEpoch).toBe(2);
    expect(windows.tokensPerEpoch).toBe(12);
    expect(windows.at(0)).toEqual({
      x: { shape: [3, 2], data: Int32Array.of(0, 7, 1, 8, 2, 9) },
      target: { shape: [3, 2], data: Int32Array.of(1, 8, 2, 9, 3, 10) },
      resetState: true,
    });
    expect(windows.at(1)).toEqual({
      x: { shape: [3, 2], data: Int32Array.of(3, 10, 4, 11, 5, 12) },
      target: { shape: [3, 2], data: Int32Array.of(4, 11, 5, 12, 6, 13) },
      resetState: false,
    });
    expect(windows.at(2)).toEqual(windows.at(0));
    expect(windows.at(2_000_001)).toEqual(windows.at(1));
  });

  test("every row is read without gap or repetition, for any size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.nat(60), (window, batch, more) => {
        const tokens = stream(window * batch + 1 + more);
        const windows = new Windows(tokens, { window, batch });
        const rowLength = Math.floor((tokens.length - 1) / batch);
        const rows: number[][] = Array.from({ length: batch }, () => []);
        let steps = 0;
        for (const { x, target, resetState } of windows.epoch()) {
          expect(resetState).toBe(steps++ === 0);
          for (const [i, token] of x.data.entries()) {
            rows[i % batch]?.push(token);
            expect(target.data[i]).toBe(token + 1);
            expect(token + 1).toBeLessThan(tokens.length);
          }
        }
        expect(steps).toBe(windows.stepsPerEpoch);
        for (const [b, row] of rows.entries()) {
          expect(row).toEqual(Array.from({ length: steps * window }, (_, i) => b * rowLength + i));
          expect(rowLength - row.length).toBeLessThan(window);
        }
      }),
    );
  });

  test("from(step) continues where an uninterrupted run would be", () => {
    const windows = new Windows(stream(100), { window: 5, batch: 3 });
    const all = windows.from();
    for (let s = 0; s < 8; s++) all.next();
    const resumed = windows.from(8);
    for (let s = 8; s < 20; s++) expect(resumed.next().value).toEqual(all.next().value);
  });

  test("one token more than batch * window is the shortest text", () => {
    expect(new Windows(stream(2049), { window: 64, batch: 32 }).stepsPerEpoch).toBe(1);
    const short = () => new Windows(stream(2048), { window: 64, batch: 32, name: "validation text" });
    expect(short).toThrow(DataError);
    expect(short).toThrow(
      "validation text is 2048 tokens long, but 32 rows with a window of 64 need at least 2049 (batch * window + 1); give more text",
    );
    expect(() => new Windows(new Int32Array(0), { window: 1, batch: 1 })).toThrow("the text is 0 tokens long");
  });

  test("refuses impossible options", () => {
    expect(() => new Windows(stream(9), { window: 0, batch: 1 })).toThrow(OptionError);
    expect(() => new Windows(stream(9), { window: 1, batch: Number.NaN })).toThrow("Windows: batch is NaN");
    expect(() => new Windows(stream(9), { window: 1, batch: 1, T: 3 } as never)).toThrow('unknown option "T"');
    expect(() => new Windows([1, 2, 3] as never, { window: 1, batch: 1 })).toThrow(ShapeError);
    expect(() => new Windows(stream(9), { window: 1, batch: 1 }).at(-1)).toThrow(OptionError);
  });
});
