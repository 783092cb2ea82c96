/** Variants of kernels: what each needs of a machine, and which the table chooses. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chooseVariant } from "../../src/kernels/choose-variant.ts";
import { kernels } from "../../src/kernels/index.ts";
import { composeKernel, type Needs, needsOf, variantsFor } from "../../src/kernels/kernel.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { titleOf } from "../support/against-twin.ts";
import { testCells } from "../support/cells-for-tests.ts";

/** What a composed shader takes of the machine, from its constants, workgroup_size and workgroup variables. */
function taken(code: string): Needs {
  const known = new Map(
    Array.from(code.matchAll(/^const (\w+)\b[^=\n]*= ?(\d+)u?;/gm), ([, name, n]) => [name!, Number(n)]),
  );
  const product = (text: string) =>
    text.split(/[*,]/).reduce((n, factor) => n * (known.get(factor.trim()) ?? Number.parseInt(factor, 10)), 1);
  const bytes = (type: string): number => {
    const [, element, count] = /^array<(.*),([^,]*)>$/.exec(type) ?? [];
    return element ? bytes(element) * product(count!) : ({ vec2f: 8, f32: 4, i32: 4, u32: 4 }[type] ?? Number.NaN);
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

test.each(allVariants)("%s, %s: needs what its shader takes, which every adapter has", (_, __, kernel, constants) => {
  const cell = kernel.runsCell ? testCells.find((one) => variantsFor(kernel, one).includes(constants)) : undefined;
  if (kernel.runsCell && !cell) return;
  const needs = needsOf(kernel, constants);
  expect(needs).toEqual(taken(composeKernel(kernel, { constants, ...(cell && { cell: cell.name }) }).code));
  expect(needs.invocations).toBeLessThanOrEqual(256);
  expect(needs.workgroupMemory).toBeLessThanOrEqual(16_384);
});

describe.each([true, false])("for software %s, the table", (software) => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software };
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
    ["recurrent", ["recurrent-project", "recurrent-forward", "recurrent-backward"]],
  ] as const)("has a variant of %s for every shape, which the kernels have", (name, of) => {
    const had = of.map((kernel) => kernels[kernel]!.variants);
    for (const { length, other } of shapes) {
      const all = { length, M: length, N: other, results: length * other, T: length, B: length, units: length * other };
      const chosen = chooseVariant(target, name, all);
      if (chosen === "tiled") continue;
      for (const variants of had) {
        const fits = (constants: Constants) => Object.entries(chosen).every(([key, value]) => constants[key] === value);
        expect(variants.some(fits), JSON.stringify(chosen)).toBe(true);
      }
    }
  });
});

test("a choice names the size that it was not given", () => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: false };
  expect(() => chooseVariant(target, "matmul", { N: 3 })).toThrow(
    "the variant of matmul depends on M, which is not given",
  );
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
