/** docs/tasks/data.md: its code runs as it stands there, and its table shows the first row of every generator. */
import { expect, test } from "vitest";
import * as data from "../../src/tasks/data/index.ts";
import { runPage } from "../support/page-code.ts";

const { made, text, typeFaults } = await runPage<{ readonly error: number }>("tasks/data.md");

test("its code has the package's types and is short", () => {
  expect(typeFaults({})).toEqual([]);
  expect(/^```ts\n([\s\S]*?)^```$/m.exec(text)![1]!.trim().split("\n").length).toBeLessThanOrEqual(25);
});

test("its network adds better than by always saying 1", () => {
  expect(made.error).toBeLessThan(1 / 6 / 3);
});

/** A row as the page shows it: three entries of a list, two digits behind the point. */
function written(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return String(Number(value.toFixed(2)));
  if (Array.isArray(value))
    return `[${[...value.slice(0, 3).map(written), ...(value.length > 3 ? ["…"] : [])].join(", ")}]`;
  return `{ ${Object.entries(value as object)
    .map(([key, one]) => `${key}: ${written(one)}`)
    .join(", ")} }`;
}

const needed = {
  reviews: {},
  taggedSentences: {},
  numbersInWords: { max: 99999 },
  datesInWords: {},
  sentencePairs: {},
  ambiguousWords: {},
  pronounAtDistance: { distance: 10 },
  captionedShapes: {},
  movingShapes: {},
  seasonalSeries: {},
  motifs: { length: 30 },
  readingFrames: { length: 30 },
  addingProblem: { length: 100 },
  copyMemory: { length: 100 },
};

test("its table has every generator with its first row", () => {
  const functions = Object.entries(data).filter(([, value]) => typeof value === "function");
  const byName = new Map<string, unknown>(functions);
  const others = ["numberToWords", "wordsToNumber"];
  expect(functions.map(([name]) => name).sort()).toEqual([...Object.keys(needed), ...others].sort());
  for (const name of others) expect(text).toContain(`\`${name}(`);
  for (const [name, options] of Object.entries(needed)) {
    const make = byName.get(name) as (options: object) => object[];
    const call = `${name}(${written({ count: 1, ...options })})`;
    expect(text).toContain(`| \`${call}\` | \`${written(make({ count: 1, ...options })[0])}\` |`);
  }
});
