/** Compiles every kernel in every variant, with every kind of cell, and every operation: on Dawn (shaders.test.ts), on wgpu. */
import { describe, expect, test } from "vitest";
import { describeMessages } from "../../src/kernels/compile-error.ts";
import { type Composed, compose } from "../../src/kernels/compose.ts";
import { composeChecks } from "../../src/kernels/compose-checks.ts";
import { kernels } from "../../src/kernels/index.ts";
import { composeKernel, type Kernel } from "../../src/kernels/kernel.ts";
import { type OperationName, operationKinds } from "../../src/kernels/operation-kinds.ts";
import { operations } from "../../src/kernels/operations.ts";
import { pointwiseKernel, pointwiseSum } from "../../src/kernels/pointwise.ts";
import { Terms } from "../../src/kernels/terms.ts";
import { shaderOf } from "./shader-files.ts";
import { cellVariants } from "./variants-for-tests.ts";

/** The bind group layout that the kernel's TypeScript promises: the WGSL has to fit it. */
export function layoutOf(device: GPUDevice, { bindings }: Pick<Kernel, "bindings">): GPUPipelineLayout {
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
export async function complaints(
  device: GPUDevice,
  composed: Composed,
  layout: GPUPipelineLayout | "auto",
): Promise<string> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: composed.code });
  const { messages } = await module.getCompilationInfo();
  const refused = await device.popErrorScope();
  if (messages.length > 0) return describeMessages(composed, messages);
  if (refused) return refused.message;
  return device.createComputePipelineAsync({ layout, compute: { module } }).then(
    () => "",
    (error: Error) => error.message,
  );
}

/** What a device must have for what a shader enables. */
const features: Readonly<Record<string, string>> = { f16: "shader-f16" };

/** Features that a shader enables and the device has not. */
export function missingFeatures(device: Pick<GPUDevice, "features">, code: string): string[] {
  const enabled = [...code.matchAll(/^\s*enable\s+([\w\s,]+);/gm)].flatMap(([, names]) => names!.split(","));
  return enabled.map((name) => features[name.trim()] ?? name.trim()).filter((name) => !device.features.has(name));
}

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

/** Makes a test of each. What enables a feature that the device has not is skipped. */
export function testThatAllCompile(device: GPUDevice): void {
  const compiles = (title: string, compose: () => Composed, layout: GPUPipelineLayout) =>
    test(title, async (context) => {
      const composed = compose();
      const missing = missingFeatures(device, composed.code);
      context.skip(missing.length > 0, `the adapter has no ${missing.join(", ")}`);
      expect(await complaints(device, composed, layout)).toBe("");
    });

  for (const kernel of Object.values(kernels))
    describe(kernel.name, () => {
      const layout = layoutOf(device, kernel);
      const variants = kernel.runsCell
        ? cellVariants(kernel, { cells: 2, combinations: true }).map(({ cell, constants }) => ({
            constants,
            cell: cell.name,
          }))
        : kernel.variants.map((constants) => ({ constants }));
      for (const variant of variants) {
        const settings = Object.entries(variant.constants).map(([name, value]) => `${name}=${value}`);
        const title = [...("cell" in variant ? [variant.cell] : []), ...settings].join(" ") || "its one variant";
        compiles(`compiles: ${title}`, () => composeKernel(kernel, variant, composeChecks), layout);
      }
    });

  for (const [title, expression] of expressions)
    describe(title, () => {
      for (const { name, bindings } of [pointwiseKernel, pointwiseSum])
        compiles(
          `compiles: ${name}`,
          () => composeKernel(kernels[name]!, { constants: {}, expression }, composeChecks),
          layoutOf(device, { bindings }),
        );
    });
}

/** A shader with a mistake: this line in its body, where a line includes another file. */
export const plantedSources = (body: string): Record<string, string> => ({
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

/** A shader that writes to a buffer which its layout says is read. */
export const complaintsOfWrongAccess = (device: GPUDevice): Promise<string> =>
  complaints(
    device,
    compose(
      shaderOf({
        "k.wgsl":
          "@group(0) @binding(1) var<storage, read_write> x: array<f32>;\n@compute @workgroup_size(1) fn main() { x[0] = 1; }",
      }),
    ),
    layoutOf(device, { bindings: [{ name: "x", access: "read", type: "f32", shape: "[1]" }] }),
  );
