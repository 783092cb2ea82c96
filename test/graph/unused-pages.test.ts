/** Weights on several pages, of which some between others are not used. */
import "../support/all-commands.ts";
import { expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import {
  adam,
  type Batch,
  Embedding,
  LimitError,
  Linear,
  Module,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Target } from "../../src/plan/plan.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { limited } from "../support/limited.ts";

const { onEach } = await backendsForTests();

const onCpu = (limits: Partial<Target> = {}): Backend => limited(new CpuBackend(), limits);

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

onEach(({ kind, another }) =>
  test("train and give gradients as on one", async () => {
    const small = leastFor(new Gap());
    const results: StateDict[] = [];
    for (const limits of [{}, small]) {
      const backend = limited(await another(), limits);
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
      for (const used of ["embedding.weight", "head.weight", "head.bias"])
        expect(after[used]).not.toEqual(before[used]);
      results.push({ ...values, ...(await trainer.stateDict()) });
    }
    expectSame(results[1]!, results[0]!, kind === "cpu" ? 1e-12 : 1e-3);
  }),
);

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

onEach(({ open }) =>
  test("a plan's gradients are not those of another plan", async () => {
    const runtime = await open();
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
  }),
);
