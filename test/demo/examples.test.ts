/** demo/examples: every program runs as it stands there, learns what it is about, and is no longer than it says it is. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { askForAdapter } from "../support/environment.ts";

// Each runs in a runtime of its own, on what `Runtime.open()` takes.
await askForAdapter();

type Main = (print: (line: string) => void, file?: Uint8Array) => Promise<number>;
const folder = new URL("../../demo/examples/", import.meta.url);
const load = async (name: string): Promise<Main> => (await import(`../../demo/examples/${name}.ts`)).main;

/** What `main` returns, and what it must be. */
const examples: Readonly<Record<string, (result: number) => void>> = {
  classifier: (accuracy) => expect(accuracy).toBeGreaterThan(0.95),
  forecaster: (error) => expect(error).toBeLessThan(0.5), // in standard deviations of the series
  translator: (exact) => expect(exact).toBeGreaterThan(0.9),
  streaming: (accuracy) => expect(accuracy).toBeGreaterThan(0.95),
  "from-pytorch": (difference) => expect(difference).toBeLessThan(1e-6),
  pairs: (share) => expect(share).toBeGreaterThan(0.6), // by chance 0.08
  writer: (loss) => expect(loss).toBeLessThan(1.2),
  resume: (different) => expect(different).toBe(0),
};
const names = Object.keys(examples);

describe.each(names)("%s", (name) => {
  test("runs and learns", async () => {
    const main = await load(name);
    const said: string[] = [];
    const file = name === "from-pytorch" ? [readFileSync(new URL("sentiment.safetensors", folder))] : [];
    examples[name]!(await main((line) => said.push(line), ...file));
    expect(said.length).toBeGreaterThan(0);
  });
});

test("all are here, of 25 to 80 lines, and import the package alone", () => {
  const files = readdirSync(folder).filter(
    (file) => file.endsWith(".ts") && !["dice.ts", "page.ts", "worker.ts", "words.ts"].includes(file),
  );
  expect(files.sort()).toEqual(names.map((name) => `${name}.ts`).sort());
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), "utf8");
    const imports = [...text.matchAll(/from "([^"]+)"/g)].map(([, from]) => from);
    expect([file, ...new Set(imports)]).toEqual([file, "webgpu-rnn", "./dice.ts"]);
    expect(text.split("\n").length, file).toBeLessThanOrEqual(81);
  }
});
