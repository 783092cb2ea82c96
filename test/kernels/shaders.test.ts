/** Compiles every kernel in every variant, with every kind of cell, on Dawn's null backend: no adapter is needed. */

import { describe, expect, test } from "vitest";
import { compose } from "../../src/kernels/compose.ts";
import {
  complaints,
  complaintsOfWrongAccess,
  missingFeatures,
  plantedSources,
  testThatAllCompile,
} from "../support/compile-variants.ts";
import { nullDevice } from "../support/environment.ts";
import { shaderOf } from "../support/shader-files.ts";

const device = await nullDevice();

testThatAllCompile(device);

test("features that a shader enables are known", () => {
  const code = "enable f16, subgroups;\n  enable shader_of_tomorrow;\n// enable nothing;\nfn f() {}";
  const missing = missingFeatures({ features: new Set(["subgroups"]) }, code);
  expect(missing).toEqual(["shader-f16", "shader_of_tomorrow"]);
});

// Each case is a mistake in a line of planted source: a checker that passes everything would be worth nothing.
describe("mistakes are caught", () => {
  const said = (body: string, sources = plantedSources(body)) => complaints(device, compose(shaderOf(sources)), "auto");

  test("none, where there is none", async () => {
    expect(await said("workgroupBarrier(); x[i] = shared_[63u - i];")).toBe("");
  });

  test("a type error, at its place in the real file", async () => {
    const message = await said("x[i] = i;");
    expect(message).toMatch(/^k\.wgsl:7:\d+: error: .*\n {4}x\[i\] = i;/);
  });

  test("a type error in an included file", async () => {
    const message = await said("", {
      ...plantedSources(""),
      "lib.wgsl": "\nfn twice(a: f32) -> f32 { return a * 2u; }\n",
    });
    expect(message).toMatch(/^lib\.wgsl:2:\d+: error: /);
  });

  test("a type error in an unrolled loop", async () => {
    const message = await said("// #unroll\n  for (var k = 0u; k < 2u; k++) {\n    x[k] = k;\n  }");
    expect(message).toMatch(/^k\.wgsl:9:\d+: error: /);
  });

  test("a barrier in non-uniform control flow", async () => {
    const message = await said("if (x[i] > 0.0) { workgroupBarrier(); }");
    expect(message).toMatch(/^k\.wgsl:7:\d+: error: .*workgroupBarrier.*uniform control flow/);
  });

  test("a layout with the wrong access", async () => {
    expect(await complaintsOfWrongAccess(device)).toMatch(/read/i);
  });
});
