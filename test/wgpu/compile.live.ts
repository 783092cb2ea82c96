/** Every kernel in every variant with every cell, as naga compiles it, at WebGPU's default limits. */
import { describe, expect, test } from "vitest";
import { compose } from "../../src/kernels/compose.ts";
import {
  complaints,
  complaintsOfWrongAccess,
  plantedSources,
  testThatAllCompile,
} from "../support/compile-variants.ts";
import { adapterForTests } from "../support/environment.ts";
import { shaderOf } from "../support/shader-files.ts";

const { device: opened, found } = await adapterForTests("default");
if (!opened) throw new Error(`main.ts starts this where wgpu has an adapter, but ${found.reason}`);
const device = opened;

test("the adapter is wgpu's", () => {
  expect(found.reason).toMatch(/from navigator\.gpu$/);
  expect(process.versions).toHaveProperty("deno");
});

testThatAllCompile(device);

// What naga finds; a barrier that only some lanes reach it takes, and Tint is asked (shaders.test.ts).
describe("mistakes are caught", () => {
  const said = (body: string, sources = plantedSources(body)) => complaints(device, compose(shaderOf(sources)), "auto");

  test("none, where there is none", async () => {
    expect(await said("workgroupBarrier(); x[i] = shared_[63u - i];")).toBe("");
  });

  test("a type error, at its place in the real file", async () => {
    expect(await said("x[i] = i;")).toMatch(/^k\.wgsl:7:\d+: error: .*cannot convert.*\n {4}x\[i\] = i;$/s);
  });

  test("a type error in an included file", async () => {
    const sources = { ...plantedSources(""), "lib.wgsl": "\nfn twice(a: f32) -> f32 { return a * 2u; }\n" };
    expect(await said("", sources)).toMatch(/^lib\.wgsl:2:\d+: error: /);
  });

  test("a layout with the wrong access", async () => {
    expect(await complaintsOfWrongAccess(device)).toMatch(/access/i);
  });
});
