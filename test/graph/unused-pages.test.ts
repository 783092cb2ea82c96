/** Weights on several pages, of which some between others are not used. */
import "../support/all-commands.ts";
import { expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import {
  adam,
  type Batch,
  Embedding,
  LimitError,
  Linear,
  Module,
  Runtime,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Target } from "../../src/plan/plan.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { adapterForTests } from "../support/environment.ts";
import { limited } from "../support/limited.ts";

const { device, found } = await adapterForTests();

const onCpu = (limits: Partial<Target> = {}): Backend => limited(new CpuBackend(), limits);
const onGpu = (limits: Partial<Target> = {}): Backend =>
  limited(new GpuBackend(device!, { software: found.info!.software }), limits);

/** The middle layer is used by nothing. */
class Gap extends Module {
  readonly embedding = new Embedding({ numEmbeddings: 9, embeddingDim: 6 });
  readonly unused = new Linear({ inFeatures: 6, outFeatures: 8 });
  readonly head = new Linear({ inFeatures: 6, outFeatures: 9 });

  forward(tokens: Tensor): { logits: Tensor } {
    return { logits: this.head.forward(this.embedding.forward(tokens)) };
  }
}

/** The least buffers that hold the model's weights: a page has hardly more than one of them. */
function leastFor(given: Module): { maxBufferSize: number } {
  for (let maxBufferSize = 256; ; maxBufferSize += 256) {
    try {
      new Weights(onCpu({ maxBufferSize }), given, 0);
      return { maxBufferSize };
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
    }
  }
}

test.for([
  ["CPU", onCpu, 1e-12],
  ["GPU", onGpu, 1e-3],
] as const)("train and give gradients as on one, on the %s", async ([name, backendWith, tolerance], context) => {
  context.skip(name === "GPU" && !device, found.reason);
  const small = leastFor(new Gap());
  const results: StateDict[] = [];
  for (const limits of [{}, small]) {
    const backend = backendWith(limits);
    const gap = new Gap();
    const weights = new Weights(backend, gap, 5);
    expect(weights.layout.pages.length > 2).toBe(limits === small);
    const before = await weights.stateDict();
    const program = await Program.compile(backend, weights, {
      inputs: { x: { shape: [2, 3], dtype: "i32" } },
      forward: ({ x }): Record<string, Tensor> => gap.forward(x!),
      seeds: ["logits"],
      parameterGradients: true,
    });
    const x = { shape: [2, 3], data: Int32Array.of(1, 2, 3, 4, 8, 0) };
    const seed = { shape: [2, 3, 9], data: new Numbers("seed").floats(54) };
    const values = await program.run({ x, "gradient.logits": seed } as never);
    expect(values["grad.unused.weight"]!.data.every((value) => value === 0)).toBe(true);
    expect(values["grad.head.bias"]!.data.some((value) => value !== 0)).toBe(true);
    const trainer = new Trainer(backend, weights, { optimizer: adam({ lr: 0.01 }), clipNorm: 0.5 });
    const batch: Batch = { x, target: { shape: [2, 3], data: Int32Array.of(5, 2, 0, 7, 1, 1) } };
    for await (const { gradNorm } of trainer.fit([batch, batch])) expect(gradNorm).toBeGreaterThan(0);
    const after = await weights.stateDict();
    expect(after["unused.weight"]).toEqual(before["unused.weight"]);
    for (const used of ["embedding.weight", "head.weight", "head.bias"]) expect(after[used]).not.toEqual(before[used]);
    results.push({ ...values, ...(await trainer.stateDict()) });
  }
  expectSame(results[1]!, results[0]!, tolerance);
});

/** Uses the second layer where it is told to. */
class Choice extends Module {
  readonly first = new Linear({ inFeatures: 3, outFeatures: 2 });
  readonly second = new Linear({ inFeatures: 2, outFeatures: 2 });
  readonly third = new Linear({ inFeatures: 2, outFeatures: 1 });

  forward(x: Tensor, isLong: boolean): Tensor {
    const y = this.first.forward(x);
    return this.third.forward(isLong ? this.second.forward(y) : y);
  }
}

test.for(["cpu", "gpu"] as const)(
  "a plan's gradients are not those of another plan, on the %s",
  async (kind, context) => {
    context.skip(kind === "gpu" && !device, found.reason);
    const runtime = await Runtime.open(kind === "cpu" ? { backend: "cpu" } : { device: device! });
    const model = new Choice();
    const compile = (isLong: boolean) =>
      runtime.compile(model, {
        inputs: { x: { shape: [4, 3] } },
        forward: ({ x }) => ({ y: model.forward(x!, isLong) }),
        seeds: ["y"],
        parameterGradients: true,
      });
    const given = {
      x: { shape: [4, 3], data: new Numbers("x").floats(12) },
      "gradient.y": { shape: [4, 1], data: new Numbers("gradient").floats(4) },
    };
    const [long, short] = [await compile(true), await compile(false)];
    const expected = await short.run(given);
    const isZero = (values: Record<string, { readonly data: ArrayLike<number> } | undefined>, name: string) =>
      Array.from(values[name]!.data).every((value) => value === 0);
    expect(isZero(await long.run(given), "grad.second.weight")).toBe(false);
    const after = await short.run(given);
    expect(after).toEqual(expected);
    for (const name of ["grad.second.weight", "grad.second.bias"]) expect(isZero(after, name)).toBe(true);
    for (const name of ["grad.first.weight", "grad.third.bias"]) expect(isZero(after, name)).toBe(false);
    runtime.dispose();
  },
);
