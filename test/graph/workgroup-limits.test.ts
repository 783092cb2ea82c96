/** Grids: none passes the workgroups that an adapter allows along an axis, and results do not depend on how many that are. */
import "../support/all-commands.ts";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import { buildPlan } from "../../src/graph/build-plan.ts";
import { batchProduct } from "../../src/graph/ops/batch-product.ts";
import { constantTensor, inputTensor } from "../../src/graph/tensor.ts";
import {
  AdditiveAttention,
  addLosses,
  crossEntropy,
  Dropout,
  Embedding,
  functional as F,
  LayerNorm,
  Linear,
  MinLSTM,
  MultiplicativeAttention,
  mse,
} from "../../src/index.ts";
import { product } from "../../src/kernels/matmul.ts";
import type { Command, Target } from "../../src/plan/plan.ts";
import { Numbers } from "../support/against-twin.ts";
import { adapterForTests } from "../support/environment.ts";
import { againstCpu, type GradientCase, only, Parts } from "../support/gradient-check.ts";
import { limited } from "../support/limited.ts";

const { device, found } = await adapterForTests();
const cpu = new CpuBackend();

const gridsOf = (commands: readonly Command[]) =>
  commands.flatMap((command) => (command.type === "dispatch" ? [command.grid] : []));

test("two losses of many numbers add up", () => {
  const logits = inputTensor("logits", [64, 32, 4096]);
  const target = inputTensor("target", [64, 32], "i32");
  const losses = [crossEntropy(), crossEntropy({ labelSmoothing: 0.1 })].map((l) => l.apply(logits, target).loss);
  const plan = buildPlan({
    name: "losses",
    target: cpu.target,
    layout: { pages: [], places: new Map() },
    outputs: {},
    loss: addLosses(losses),
    wanted: { logits },
  });
  expect(Math.max(...gridsOf(plan.commands).flat())).toBeLessThanOrEqual(cpu.target.maxWorkgroups);
});

const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 2 ** 23 }));
test.each([true, false])("a product of any size fits the grid, with software %s", (software) => {
  fc.assert(
    fc.property(size, size, size, fc.constantFrom(1024, 65535), (M, N, batches, maxWorkgroups) => {
      fc.pre(M * N * batches < 2 ** 30);
      const view = { buffer: 0, offset: 0, length: 1 };
      const target: Target = { maxBufferSize: 2 ** 32, maxWorkgroups, software };
      const scheduler = { target, scratch: (_: string, length: number) => ({ buffer: 1, offset: 0, length }) };
      const commands = product(scheduler, {
        label: "product",
        size: { M, N, K: 1, batches },
        a: { view, row: 1, column: 1 },
        b: { view, row: N, column: 1 },
        c: { view, row: N },
      });
      expect(Math.max(...gridsOf(commands).flat())).toBeLessThanOrEqual(maxWorkgroups);
    }),
    { seed: 6, numRuns: 2000 },
  );
});

const parts = {
  embedding: new Embedding({ numEmbeddings: 300, embeddingDim: 20 }),
  norm: new LayerNorm({ normalizedShape: 20 }),
  hot: new Linear({ inFeatures: 300, outFeatures: 20 }),
  head: new Linear({ inFeatures: 20, outFeatures: 65 }),
  recurrence: new MinLSTM({ inputSize: 20, hiddenSize: 20 }),
  additive: new AdditiveAttention({ querySize: 20, hiddenSize: 18 }),
  multiplicative: new MultiplicativeAttention({ querySize: 20, scale: true }),
  dropout: new Dropout({ p: 0.3 }),
};

const goal = constantTensor("goal", [...new Numbers("goal").floats(2 * 35 * 20)], [2, 35, 20]);

/** Every kernel but the recurrent ones, with more rows than a few workgroups hold. */
const everything: GradientCase = {
  name: "everything",
  model: new Parts(parts),
  inputs: {
    tokens: { shape: [67, 35], below: 300 },
    target: { shape: [67, 35], below: 65 },
    lengths: { shape: [35], integers: Array.from({ length: 35 }, (_, b) => (11 * b) % 68) },
  },
  training: 3,
  forward({ tokens, target, lengths }) {
    const real = { lengths: lengths! };
    const x = F.add(parts.norm.forward(parts.embedding.forward(tokens!)), parts.hot.forward(tokens!));
    const y = parts.recurrence.forward(parts.dropout.forward(F.gelu(x)), undefined, real).output;
    const query = F.slice(y, 0, 2, 0);
    const a = parts.additive.forward(query, y, real).context;
    const b = parts.multiplicative.forward(query, y, real).context;
    const logits = parts.head.forward(y);
    return {
      losses: addLosses([crossEntropy().apply(logits, target!, real).loss, mse().apply(a, goal).loss]),
      context: F.add(a, b),
      pooled: F.meanPool(y, real),
      soft: F.softmax(logits),
      loss: crossEntropy().apply(F.slice(logits, 0, 3, 0), F.slice(target!, 0, 3, 0)).loss,
    };
  },
};

const operands: GradientCase = {
  name: "products in more batches than an axis of the grid holds",
  model: only(new Linear({ inFeatures: 1, outFeatures: 1 })),
  inputs: { x: { shape: [70, 33, 5] }, y: { shape: [5, 33, 67] }, z: { shape: [2, 33, 67] } },
  forward: ({ x, y, z }) => ({ xy: batchProduct("xy", x!, y!), zxy: batchProduct("zy", z!, y!, true) }),
};

describe.each([true, false])("on the GPU with few workgroups, scheduled for software %s", (software) => {
  beforeEach((context) => context.skip(!device, found.reason));

  const withLimit = (maxWorkgroups: number) => limited(new GpuBackend(device!, { software }), { maxWorkgroups });

  test.each([everything, operands].map((given) => [given.name, given] as const))(
    "%s: the CPU's results",
    async (_, given) => {
      await againstCpu([withLimit(7)], given);
    },
  );
});
