/** npm run bench -- --chart FILE: results as a picture. */
import { expect, test } from "vitest";
import { chartOf } from "../../bench/chart.ts";

const lines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join("");
const machine = { type: "machine", date: "now" };
const xOf = (text: string) =>
  [...text.matchAll(/<circle (class="reference" )?cx="([\d.]+)"/g)].map(([, , x]) => Number(x));
/** Where the scale has a line for a ratio. */
const mark = (text: string, ratio: number) =>
  Number(new RegExp(`<text x="([\\d.]+)" y="36" text-anchor="middle">${ratio}</text>`).exec(text)![1]);

test("each variant is a dot at its time by that of the one that is taken", () => {
  const one = { type: "variant", name: "a <b> & c", variant: "ROWS=1" };
  const chart = chartOf(
    lines(
      machine,
      { ...one, variant: "ROWS=8", isChosen: false, median: 0.5 },
      { ...one, isChosen: true, median: 0.25 },
      { ...one, variant: "ROWS=2", isChosen: false, median: 400 },
      { ...one, name: "d", isChosen: true, median: 12 },
    ),
  );
  expect(chart).toContain(">a &lt;b&gt; &amp; c</text>");
  expect(chart).toContain(">0.250 ms</text>");
  expect(chart).toContain(">12.0 ms</text>");
  expect(chart).toContain("<title>ROWS=8 0.500 ms, 2.00 times</title>");
  // What lies beyond the scale stands at its end, and the one that is taken on top.
  expect(xOf(chart)).toEqual([2, 128, 1, 1].map((ratio) => mark(chart, ratio)));
});

test("without variants, the first backend is what others are compared with", () => {
  const one = { type: "kernel", name: "product", backend: "gpu", median: 4 };
  const chart = chartOf(lines(machine, one, { ...one, backend: "wasm", median: 2 }));
  expect(chart).toContain("<title>gpu 4.00 ms, 1.00 times</title>");
  expect(xOf(chart)).toEqual([0.5, 1].map((ratio) => mark(chart, ratio)));
});

test("results without a measurement are refused, and what is no record", () => {
  expect(() => chartOf(lines(machine))).toThrow("there is no measurement; npm run bench -- --json FILE writes some");
  // Those of bench:cpu compare contenders.
  expect(() => chartOf(lines({ work: "forward", median: 2 }))).toThrow("there is no measurement");
  expect(() => chartOf(`${lines(machine)}# no record`)).toThrow("line 2 is no record");
});
