/** docs/functions.md: its code runs as it stands there, and its tables name everything that there is. */
import { afterAll, expect, test } from "vitest";
import { Tensor } from "../src/index.ts";
import { functional, type Program, type Runtime } from "../src/node.ts";
import { runPage } from "./support/page-code.ts";

interface Page {
  readonly plan: string;
  readonly example: Program;
}
const { text, made, typeFaults } = await runPage<Page & { readonly runtime?: Runtime }>("functions.md");
afterAll(() => made.example.dispose());

test("a chain is what the page says it is", () => {
  expect(made.plan).toContain("pointwise-sum = sub(add(a, softplus(mul(a, -2))), 0.693");
});

test("a loss of one's own is what plain loops make of the same numbers", async () => {
  const vectors = [0.5, -1, 2, 0.25, 0.75, -0.5];
  const all = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0.2, 0.5, -0.3];
  const classes = [0, 3];
  const { loss } = await made.example.run({
    vectors: { shape: [2, 3], data: Float64Array.from(vectors) },
    all: { shape: [4, 3], data: Float64Array.from(all) },
    classes: { shape: [2], data: Int32Array.from(classes) },
  });
  const expected = classes.map((own, b) =>
    [0, 1, 2, 3].reduce((sum, v) => {
      const distance = [0, 1, 2].reduce((d, c) => d + (vectors[3 * b + c]! - all[3 * v + c]!) ** 2, 0);
      return sum + (v === own ? distance : Math.max(0, 1 - distance));
    }, 0),
  );
  expect(loss!.data[0]).toBeCloseTo((expected[0]! + expected[1]!) / 2, 12);
});

test("its code has the package's types", () => {
  expect(typeFaults({})).toEqual([]);
});

test("every function is in a table, as a method where it is one, and no other", () => {
  const cells = [...text.matchAll(/^\|[^|]*(?:\\\|[^|]*)*\|(.*)\|$/gm)].map(([, here]) => here!).join("\n");
  const methods = Object.getOwnPropertyNames(Tensor.prototype).filter(
    (name) => !["constructor", "size"].includes(name),
  );
  const functions = Object.keys(functional);
  const named = new Set([...cells.matchAll(/(?:functional|\b[a-z])\.(\w+)\(?/g)].map(([, name]) => name!));
  expect(functions.filter((name) => !named.has(name)).sort()).toEqual([]);
  expect([...named].filter((name) => !functions.includes(name)).sort()).toEqual([]);
  expect(methods.filter((name) => !functions.includes(name))).toEqual([]);
  const asMethods = new Set([...cells.matchAll(/`[a-z]\.(\w+)\(/g)].map(([, name]) => name!));
  expect(methods.filter((name) => !asMethods.has(name))).toEqual([]);
});
