/** npm run bench -- --variants: every kernel is in it, in every variant that the machine runs. */
import { expect, test } from "vitest";
import { allVariants, subjectsOf } from "../../bench/variants.ts";
import { variantsOf } from "../../src/kernels/choose-variant.ts";
import { kernels } from "../../src/kernels/index.ts";
import { defaultTarget } from "../../src/plan/plan.ts";

const hardware = { ...defaultTarget, software: false };
const subjects = await subjectsOf(hardware);

test("every kernel has a case", async () => {
  const used = new Set<string>();
  for (const subject of subjects)
    for (const { commands } of await allVariants(subject, hardware))
      for (const { kernel } of commands) used.add(kernel);
  expect(Object.keys(kernels).filter((name) => !used.has(name))).toEqual([]);
});

test.each([
  ["matmul", variantsOf("matmul").filter((variant) => variant === "tiled" || variant.SHARED === 1)],
  ["sample", variantsOf("sample")],
  ["layer-norm", variantsOf("layer-norm")],
  // Of "block" those of the choice that it makes then.
  [
    "recurrent-forward",
    [...variantsOf("recurrent").slice(1), ...variantsOf("recurrent-block").filter(({ SHARED }) => SHARED === 1)],
  ],
])("%s has all its variants, the built-in one first", async (kernel, variants) => {
  const subject = subjects.findLast((one) => one.kernel === kernel || one.kernel === `${kernel}-tiled`)!;
  const cases = await allVariants(subject, hardware);
  expect(cases).toHaveLength(variants.length);
  expect(cases[0]!.commands).toEqual((await subject.make(hardware)).commands);
});
