/** bench/peers: what is wrong is not timed, and recorded results become tables. Needs dist, as `npm test` builds it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Asked {
  readonly prepare?: unknown;
  readonly units?: number;
}
interface Measured {
  readonly results: readonly { readonly contender: string; readonly times: readonly number[] }[];
  readonly refused: readonly { readonly contender: string; readonly why: string }[];
}
type Measure = (work: object, all: readonly object[], options: object) => Promise<Measured>;
type Records = readonly Readonly<Record<string, unknown>>[];

let measure: Measure;
let markdownOf: (records: Records) => string;
/** Plain JavaScript, which has no types. */
const load = (name: string) => import(/* @vite-ignore */ join(root, "bench", "peers", name));
beforeAll(async () => {
  ({ measure } = (await load("measure.mjs")) as { measure: Measure });
  ({ markdownOf } = (await load("markdown.mjs")) as { markdownOf: typeof markdownOf });
});

/** A contender that answers without a process: a unit takes so many milliseconds, and this is what it computes. */
function pretended(name: string, output: readonly (number | null)[] | undefined, ms: number) {
  const asked: Asked[] = [];
  return {
    name,
    asked,
    ended: false,
    ask(question: Asked) {
      asked.push(question);
      if (question.prepare) return Promise.resolve(output ? { output } : { missing: true });
      return Promise.resolve({ ms: ms * (question.units ?? 0), cpu: 0 });
    },
  };
}

const work = { name: "a product", kind: "product", N: 2 };
const options = { rounds: 2, round: 100, folder, within: { rough: 0.1 } };

describe("contenders of a work", () => {
  test("are timed when they compute the same, round by round", async () => {
    const [ours, other, none] = [
      pretended("ours", [1, 2], 50),
      pretended("other", [1, 2.0001], 100),
      pretended("none", undefined, 1),
    ];
    const { results, refused } = await measure(work, [ours, other, none], options);
    expect(refused).toEqual([]);
    expect(results.map(({ contender, times }) => [contender, times])).toEqual([
      ["ours", [50, 50]],
      ["other", [100, 100]],
    ]);
    // After a warm-up, each has as many units in a round as fill it.
    expect(ours.asked.slice(-3)).toEqual([{ units: 2 }, { units: 2 }, { dispose: true }]);
    expect(none.asked).toHaveLength(2);
  });

  test("are refused when they differ by more than their precision allows", async () => {
    const all = [
      pretended("ours", [1, 2], 50),
      pretended("rough", [1, 2.1], 50),
      pretended("wrong", [1, 2.0625], 50),
      pretended("longer", [1, 2, 3], 50),
      pretended("not a number", [1, null], 50),
    ];
    const { results, refused } = await measure(work, all, options);
    expect(results.map(({ contender }) => contender)).toEqual(["ours", "rough"]);
    expect(refused.map(({ contender }) => contender)).toEqual(["wrong", "longer", "not a number"]);
    expect(refused[0]!.why).toMatch(/^differs from ours by 0\.03125$/);
    expect(all[2]!.asked.some(({ units }) => units !== undefined)).toBe(false);
  });

  test("are refused when they fail, unless they are what others are compared with", async () => {
    const failing = { ...pretended("failing", [], 1), ask: () => Promise.reject(new Error("no memory\n at f")) };
    const disposable = { ...failing, ask: (asked: Asked) => (asked.prepare ? failing.ask() : Promise.resolve({})) };
    const { refused } = await measure(work, [pretended("ours", [1], 50), disposable], options);
    expect(refused).toEqual([{ contender: "failing", why: "no memory" }]);
    await expect(measure(work, [failing], options)).rejects.toThrow("no memory");
  });
});

describe("recorded results as tables", () => {
  test("have a row for each work and a column for each contender", () => {
    const machine = { type: "machine", processor: "P", cores: 2, load: 0.1, node: "20", date: "2026-11-22T00:00:00Z" };
    const contenders = { ours: "we", other: "Other 1.0" };
    const table = markdownOf([
      { ...machine, ours: "ours", commit: `${"a".repeat(40)}+`, contenders, adapter: { description: "an adapter" } },
      { type: "result", work: "w", contender: "ours", median: 0.0512, ratio: 1 },
      { type: "result", work: "w", contender: "other", median: 1234.5, ratio: 24.1 },
      { type: "result", work: "v", contender: "ours", median: 12.34, ratio: 1 },
      { type: "refused", work: "v", contender: "other", why: "differs" },
      { type: "target", what: "w", against: "other", wanted: 30, got: 24.1, least: 24.1, gotCpu: 31, leastCpu: 31 },
    ]);
    expect(table).toContain("an adapter; 2 cores of P, load 0.1 at the beginning, Node 20, 2026-11-22");
    expect(table).toContain("commit aaaaaaaaaaaa+. Other 1.0.");
    expect(table).toContain("| w | 0.051 | 1235 (24.10) |\n| v | 12.3 | refused |");
    expect(table).toContain("| w | other | 30 | **24.10** | 31.00 |");
  });

  test("are made of every file of results of a comparison", () => {
    const results = join(root, "bench", "results");
    const files = readdirSync(results).filter((name) => name.endsWith("-peers.jsonl"));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const lines = readFileSync(join(results, file), "utf8").trim().split("\n");
      const records = lines.map((line) => JSON.parse(line) as Records[number]);
      const text = markdownOf(records);
      for (const { work } of records.filter(({ type }) => type === "result")) expect(text).toContain(`| ${work} |`);
    }
  });
});
