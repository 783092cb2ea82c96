/** What the page "forecast" reads: tables and drawn curves. */
import { expect, test } from "vitest";
import {
  CsvError,
  exampleCsv,
  MOST_CHARACTERS,
  MOST_ROWS,
  numericColumns,
  readCsv,
  seriesOf,
} from "../../demo/pages/forecast/csv.ts";
import { begun, COLUMNS, drawnTo, isEnough, LEAST, seriesOfCurve, waveOf } from "../../demo/pages/forecast/curve.ts";

const chosen = { target: "y", known: [], season: 4, horizon: 4 };

test("commas, semicolons and tabs are told by the header; quotes hold them together", async () => {
  expect((await readCsv('a,y\n"1, or 2",3\n')).rows).toEqual([{ a: "1, or 2", y: "3" }]);
  expect((await readCsv("\uFEFFa;y\r\n1,5;3\r\n")).rows).toEqual([{ a: "1,5", y: "3" }]);
  expect((await readCsv('a\ty\n2" pipe\t3')).rows).toEqual([{ a: '2" pipe', y: "3" }]);
});

test("what is no table is said with its line", async () => {
  const kindOf = async (text: string) => {
    const error = await readCsv(text).then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(CsvError);
    return [error.kind, error.line];
  };
  expect(await kindOf("")).toEqual(["empty", 0]);
  expect(await kindOf("a,y\n")).toEqual(["empty", 0]);
  expect(await kindOf("words\nonly\nhere")).toEqual(["single", 0]);
  expect(await kindOf("a,y\n1,2\n3,4,5\n")).toEqual(["cells", 3]);
  expect((await kindOf('a,y\n1,2\n"3,4\n'))[0]).toBe("quotes");
  expect(await kindOf("x".repeat(MOST_CHARACTERS + 1))).toEqual(["large", 0]);
});

test("a column of numbers may have gaps and a few words, which are told", async () => {
  const csv = await readCsv("name,y,z\na,1,u\nb,n/a,v\nc,,w\nd,4,5\ne,,6\n");
  expect(numericColumns(csv)).toEqual(["y"]);
  const { series, unreadable, gaps } = seriesOf(csv, { ...chosen, known: ["name"] });
  // The last row has no value: it is still to come.
  expect(series.length).toBe(4);
  expect(series.rows).toHaveLength(5);
  expect(series.rows[1]).toEqual({ y: null, name: "b" });
  expect(unreadable).toEqual([{ row: 2, column: "y", cell: "n/a" }]);
  expect(gaps).toBe(2);
});

test("of a long series the last rows are taken, and rows keep their numbers", async () => {
  const lines = Array.from({ length: MOST_ROWS + 10 }, (_, t) => (t === 10 ? "oops" : String(t)));
  const { series, unreadable } = seriesOf(await readCsv(["y", ...lines].join("\n")), chosen);
  expect(series.rows).toHaveLength(MOST_ROWS);
  expect(series.rows[1]).toEqual({ y: 11 });
  expect(unreadable).toEqual([{ row: 11, column: "y", cell: "oops" }]);
});

test("the example has a week to come", async () => {
  const csv = await readCsv(exampleCsv());
  const { series, needed } = seriesOf(csv, { target: "sold", known: ["weekday", "sun"], season: 7, horizon: 7 });
  expect([series.length, series.rows.length]).toEqual([183, 190]);
  expect(series.length).toBeGreaterThan(needed);
  expect(series.kept).toBeGreaterThanOrEqual(14);
});

test("a curve has a height for each column that the pen passes, and none where it goes back", () => {
  const pen = (column: number, height: number) => ({ x: (column + 0.5) / COLUMNS, y: 1 - height, isDown: true });
  const drawn = [pen(14, 0.5), pen(12, 0.9), pen(18, 0.9)].reduce(drawnTo, begun(pen(10, 0.1)));
  expect(drawn.first).toBe(10);
  expect(drawn.heights).toHaveLength(9);
  [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].forEach((height, i) => {
    expect(drawn.heights[i]).toBeCloseTo(height, 10);
  });
  expect(isEnough(drawn)).toBe(false);
  const least = drawnTo(begun(pen(0, 0)), pen(LEAST - 1, 1));
  expect(isEnough(least)).toBe(true);
  expect(seriesOfCurve(least).options.horizon).toBe(30);
  const { rows, options } = seriesOfCurve(waveOf("saw"));
  expect(rows[24]).toEqual({ height: 0.2 });
  expect(rows.length + options.horizon).toBeLessThanOrEqual(COLUMNS);
});
