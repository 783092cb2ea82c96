/** Variants of kernels: what each needs of a machine, and which the table chooses. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chooseVariant, questionKey } from "../../src/kernels/choose-variant.ts";
import { kernels } from "../../src/kernels/index.ts";
import { composeKernel, variantsFor } from "../../src/kernels/kernel.ts";
import { product } from "../../src/kernels/matmul.ts";
import { sliceTile } from "../../src/kernels/recurrent.ts";
import type { Constants, VariantChoice } from "../../src/plan/plan.ts";
import { titleOf } from "../support/against-twin.ts";
import { testCells } from "../support/cells-for-tests.ts";

/** What a composed shader takes of the machine, from its constants, workgroup_size and workgroup variables. */
function taken(code: string): { invocations: number; workgroupMemory: number } {
  const known = new Map<string, number>();
  const computed = (text: string): number => {
    const plain = text.replace(/[A-Z]+/g, (name) => String(known.get(name))).replace(/(\d)u/g, "$1");
    expect(plain).toMatch(/^[\d\s+*/()-]+$/);
    return new Function(`return ${plain}`)() as number;
  };
  for (const [, name, text] of code.matchAll(/^const ([A-Z]+)\b[^=\n]*= ?([\dA-Z][\dA-Zu +*/()-]*);/gm))
    known.set(name!, computed(text!));
  const product = (text: string) => text.split(",").reduce((n, factor) => n * computed(factor), 1);
  const bytes = (type: string): number => {
    const [, element, count] = /^array<(.*),([^,]*)>$/.exec(type) ?? [];
    return element
      ? bytes(element) * product(count!)
      : ({ vec4f: 16, vec2f: 8, f32: 4, i32: 4, u32: 4 }[type] ?? Number.NaN);
  };
  const variables = Array.from(code.matchAll(/^var<workgroup> ?\w+: ?(.*);/gm), ([, type]) => bytes(type!));
  return {
    invocations: product(/@workgroup_size\(([^)]*)\)/.exec(code)![1]!),
    workgroupMemory: variables.reduce((sum, n) => sum + n, 0),
  };
}

const allVariants = Object.values(kernels).flatMap((kernel) =>
  kernel.variants.map((constants) => [kernel.name, titleOf(constants), kernel, constants] as const),
);

test.each(allVariants)("%s, %s: takes what every adapter has", (_, __, kernel, constants) => {
  const cell = kernel.runsCell ? testCells.find((one) => variantsFor(kernel, one).includes(constants)) : undefined;
  if (kernel.runsCell && !cell) return;
  const { invocations, workgroupMemory } = taken(
    composeKernel(kernel, { constants, ...(cell && { cell: cell.name }) }).code,
  );
  expect(invocations).toBeLessThanOrEqual(256);
  expect(workgroupMemory).toBeLessThanOrEqual(16_384);
});

describe.each([
  [true, undefined],
  [true, 8],
  [false, undefined],
])("for software %s with subgroups of %s, the table", (software, subgroup) => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software, subgroup };
  const sizes = [1, 3, 4, 15, 16, 32, 33, 64, 257, 4096, 4097, 1e6];
  const shapes = sizes.flatMap((length) => sizes.map((other) => ({ length, other })));

  test.each([
    ["cross-entropy", ["cross-entropy"]],
    ["log-sum-exp", ["log-sum-exp"]],
    ["layer-norm", ["layer-norm", "layer-norm-backward"]],
    ["masked-softmax", ["masked-softmax", "masked-softmax-backward"]],
    ["sample", ["sample"]],
    ["beam-candidates", ["beam-candidates"]],
    ["matmul", ["matmul"]],
    ["recurrent-block", ["recurrent-forward", "recurrent-backward"]],
  ] as const)("has a variant of %s for every shape, which the kernels have", (name, of) => {
    const had = of.map((kernel) => kernels[kernel]!.variants);
    for (const { length, other } of shapes) {
      const results = length * other;
      const all = { length, M: length, N: other, results, T: length, B: length, words: other, units: results };
      const chosen = chooseVariant(target, name, all);
      if (chosen === "tiled") continue;
      for (const variants of had) {
        const fits = (constants: Constants) => Object.entries(chosen).every(([key, value]) => constants[key] === value);
        expect(variants.some(fits), JSON.stringify(chosen)).toBe(true);
      }
    }
  });
});

test.each([true, false])("for software %s, the table has a tile of recurrent for every shape", (software) => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software };
  for (const words of [1, 16, 17, 32, 33, 256]) {
    for (const B of [1, 4, 16, 256]) {
      const chosen = chooseVariant(target, "recurrent", { B, words });
      if (chosen === "block") continue;
      for (const HEADS of [false, true]) {
        const tile = sliceTile(chosen, HEADS);
        for (const { variants } of [kernels["recurrent-forward"]!, kernels["recurrent-backward"]!])
          expect(variants).toContainEqual(expect.objectContaining(tile));
      }
    }
  }
});

test("a choice names the size that it was not given", () => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: false };
  expect(() => chooseVariant(target, "matmul", { N: 3 })).toThrow(
    "the variant of matmul depends on M, which is not given",
  );
});

describe("what was measured", () => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: true };
  const shape = { M: 64, N: 512, K: 100, batches: 1, results: 64 * 512 };
  const measured = { ROWS: 1, COLUMNS: 1, LANES: 64, SHARED: 1 };
  const tuned = { [questionKey("matmul", shape)]: measured };
  const builtIn = chooseVariant(target, "matmul", shape);

  test("goes before the built-in table, for the sizes between the same powers of two", () => {
    expect(Object.keys(tuned)).toEqual(["matmul M 64 N 512 K 64 batches 1 results 32768"]);
    const chosen = (sizes: object) => chooseVariant({ ...target, tuned }, "matmul", { ...shape, ...sizes });
    expect(builtIn).not.toEqual(measured);
    for (const same of [{}, { M: 127 }, { N: 1023 }, { K: 64 }, { K: 127 }, { results: 65535 }])
      expect(chosen(same), JSON.stringify(same)).toBe(measured);
    for (const other of [{ M: 63 }, { M: 128 }, { N: 511 }, { K: 63 }, { K: 128 }, { batches: 2 }])
      expect(chosen(other), JSON.stringify(other)).toEqual(builtIn);
  });

  test("is left where the subgroups are others than those that it was measured with", () => {
    const shared = { ROWS: 8, COLUMNS: 8, LANES: 8, SHARED: 8 };
    const chosen = (subgroup: number | undefined) =>
      chooseVariant({ ...target, subgroup, tuned: { [questionKey("matmul", shape)]: shared } }, "matmul", shape);
    expect(chosen(8)).toBe(shared);
    expect([chosen(undefined), chosen(4), chosen(16)]).toEqual([builtIn, builtIn, builtIn]);
  });

  test("of one kernel says nothing of another", () => {
    const row = { rows: 64, length: 512 };
    const table = { [questionKey("layer-norm", row)]: { LANES: 64, ROWS: 1 } };
    expect(chooseVariant({ ...target, tuned: table }, "layer-norm", row)).toEqual({ LANES: 64, ROWS: 1 });
    expect(chooseVariant({ ...target, tuned: table }, "masked-softmax", row)).toEqual({ LANES: 1, ROWS: 32 });
  });

  test("is told beside every other choice", () => {
    const choices: VariantChoice[] = [];
    const asking = { ...target, tuned, onChoice: (choice: VariantChoice) => choices.push(choice) };
    chooseVariant(asking, "matmul", shape);
    chooseVariant(asking, "scan", { T: 9, columns: 5 });
    expect(choices).toEqual([
      { kernel: "matmul", shape, variant: measured },
      { kernel: "scan", shape: { T: 9, columns: 5 }, variant: "one pass" },
    ]);
  });

  test("is used by the plan of a product", () => {
    const view = { buffer: 0, offset: 0, length: 1 };
    const at = { view, row: 1, column: 1 };
    const commands = product(
      { target: { ...target, tuned }, scratch: () => view },
      { label: "p", size: { M: 64, N: 512, K: 100 }, a: at, b: at, c: { view, row: 512 } },
    );
    expect(commands).toMatchObject([{ kernel: "matmul", constants: measured, grid: [512, 1, 1] }]);
  });
});

test("nothing else asks what kind of machine a plan is for", () => {
  const root = new URL("../../src/", import.meta.url);
  const asking = ["kernels", "graph", "nn", "infer", "train", "plan"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter(
        (file) => file.endsWith(".ts") && /\.software\b/.test(readFileSync(new URL(`${folder}/${file}`, root), "utf8")),
      )
      .map((file) => `${folder}/${file}`),
  );
  expect(asking).toEqual(["kernels/choose-variant.ts"]);
});
