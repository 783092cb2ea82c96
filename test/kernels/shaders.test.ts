/** Compiles every kernel in every variant, with every kind of cell, on Dawn's null backend: no adapter is needed. */

import { describe, expect, test } from "vitest";
import { type Composed, compose, describeMessages } from "../../src/kernels/compose.ts";
import { composeChecks } from "../../src/kernels/compose-checks.ts";
import { kernels } from "../../src/kernels/index.ts";
import { composeKernel, type Kernel } from "../../src/kernels/kernel.ts";
import { type OperationName, operationKinds } from "../../src/kernels/operation-kinds.ts";
import { operations } from "../../src/kernels/operations.ts";
import { pointwiseKernel, pointwiseSum } from "../../src/kernels/pointwise.ts";
import { Terms } from "../../src/kernels/terms.ts";
import { nullDevice } from "../support/environment.ts";
import { shaderOf } from "../support/shader-files.ts";
import { cellVariants } from "../support/variants-for-tests.ts";

const device = await nullDevice();

/** The bind group layout that the kernel's TypeScript promises: the WGSL has to fit it. */
function layoutOf({ bindings }: Pick<Kernel, "bindings">): GPUPipelineLayout {
  const visibility = GPUShaderStage.COMPUTE;
  const storage = bindings.map(
    ({ access }, index): GPUBindGroupLayoutEntry => ({
      binding: index + 1,
      visibility,
      buffer: { type: access === "read" ? "read-only-storage" : "storage" },
    }),
  );
  const entries = [
    { binding: 0, visibility, buffer: { type: "uniform", hasDynamicOffset: true } } as const,
    ...storage,
  ];
  return device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
}

/** What the compiler, and then the pipeline, has to say against it; empty when nothing. */
async function complaints(composed: Composed, layout: GPUPipelineLayout | "auto"): Promise<string> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: composed.code });
  const { messages } = await module.getCompilationInfo();
  await device.popErrorScope();
  if (messages.length > 0) return describeMessages(composed, messages);
  return device.createComputePipelineAsync({ layout, compute: { module } }).then(
    () => "",
    (error: Error) => error.message,
  );
}

describe.each(Object.values(kernels).map((kernel) => [kernel.name, kernel] as const))("%s", (_, kernel) => {
  const layout = layoutOf(kernel);
  const pairs = kernel.runsCell
    ? cellVariants(kernel, { cells: 2, combinations: true }).map(({ cell, constants }) => ({
        constants,
        cell: cell.name,
      }))
    : kernel.variants.map((constants) => ({ constants }));
  const cases = pairs.map((variant) => {
    const settings = Object.entries(variant.constants).map(([name, value]) => `${name}=${value}`);
    const title = [...("cell" in variant ? [variant.cell] : []), ...settings].join(" ") || "its one variant";
    return [title, variant] as const;
  });
  test.each(cases)("compiles: %s", async (_, variant) => {
    expect(await complaints(composeKernel(kernel, variant, composeChecks), layout)).toBe("");
  });
});

/** Every operation on f32, and on whole numbers where it is known for them. */
const expressions = (Object.keys(operations) as OperationName[]).flatMap((name) =>
  (["f32", "i32"] as const).map((dtype) => {
    const terms = new Terms();
    const leaves = [0, 1, 2].map((leaf) =>
      terms.leaf(leaf, leaf === 0 && operationKinds[name].condition ? "i32" : dtype),
    );
    const result = terms.apply(name, ...leaves.slice(0, operationKinds[name].operands));
    return [
      `${name} of ${dtype}`,
      terms.expression(result, (leaf) => (["all", "one", "strides"] as const)[leaf]!),
    ] as const;
  }),
);
describe.each(expressions)("%s", (_, expression) => {
  test.each([pointwiseKernel, pointwiseSum])("compiles: $name", async (kernel) => {
    const { bindings, name } = kernel;
    const composed = composeKernel(kernels[name]!, { constants: {}, expression });
    expect(await complaints(composed, layoutOf({ bindings }))).toBe("");
  });
});

// Each case is a mistake in a line of planted source: a checker that passes everything would be worth nothing.
describe("mistakes are caught", () => {
  const sourceOf = (body: string) => ({
    "k.wgsl": `// #include "lib.wgsl"
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
var<workgroup> shared_: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) {
  shared_[i] = twice(x[i]);
  ${body}
}
`,
    "lib.wgsl": "fn twice(a: f32) -> f32 {\n  return 2.0 * a;\n}\n",
  });
  const said = (body: string, sources: Record<string, string> = sourceOf(body)) =>
    complaints(compose(shaderOf(sources)), "auto");

  test("none, where there is none", async () => {
    expect(await said("workgroupBarrier(); x[i] = shared_[63u - i];")).toBe("");
  });

  test("a type error, at its place in the real file", async () => {
    const message = await said("x[i] = i;");
    expect(message).toMatch(/^k\.wgsl:7:\d+: error: .*\n {4}x\[i\] = i;/);
  });

  test("a type error in an included file", async () => {
    const message = await said("", { ...sourceOf(""), "lib.wgsl": "\nfn twice(a: f32) -> f32 { return a * 2u; }\n" });
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
    const composed = compose(
      shaderOf({
        "k.wgsl":
          "@group(0) @binding(1) var<storage, read_write> x: array<f32>;\n@compute @workgroup_size(1) fn main() { x[0] = 1; }",
      }),
    );
    const layout = layoutOf({ bindings: [{ name: "x", access: "read", type: "f32", shape: "[1]" }] });
    expect(await complaints(composed, layout)).toMatch(/read/i);
  });
});
