/** A device whose buffers are small: what is read back together may be more than one of them holds. */
import { beforeEach, expect, test } from "vitest";
import { adam, CharModel, Runtime, type StateDict, type Tensor } from "../../src/node.ts";
import { expectSame } from "../support/against-twin.ts";
import { adapterForTests } from "../support/environment.ts";

const most = 8192;
const [usual, small] = [await adapterForTests(), await adapterForTests()];
beforeEach((context) => context.skip(!small.device, small.found.reason));
/** Of the buffers for reading back. */
const staging: number[] = [];
if (small.device) {
  const { device } = small;
  const limits = new Proxy(device.limits, {
    get: (all, name) => (name === "maxBufferSize" ? most : Reflect.get(all, name, all)),
  });
  Object.defineProperty(device, "limits", { value: limits });
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    if (descriptor.size > most) throw new Error(`${descriptor.label} has ${descriptor.size} bytes`);
    if (descriptor.usage & GPUBufferUsage.MAP_READ) staging.push(descriptor.size);
    return create(descriptor);
  };
}

const model = new CharModel({ vocabSize: 7, cell: "gru", embeddingDim: 16, hiddenSize: 16, numLayers: 2 });
const tokens = (shift: number) => ({
  shape: [2, 3],
  data: Int32Array.of(0, 1, 2, 3, 4, 5).map((n) => (n + shift) % 7),
});
const batch = { x: tokens(0), target: tokens(1) };

test("weights, moments and gradients are read in parts, and come back as they were", async () => {
  const results: StateDict[] = [];
  for (const { device } of [usual, small]) {
    const runtime = await Runtime.open({ device: device! });
    runtime.initialize(model, { seed: 1 });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }) });
    for await (const _ of trainer.fit([batch, batch])) staging.length = 0;
    const saved = await trainer.stateDict();
    const read = [...staging];
    staging.length = 0;
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [2, 3], dtype: "i32" } },
      forward: ({ x }): Record<string, Tensor> => ({ logits: model.forward(x!).logits }),
      seeds: ["logits"],
      parameterGradients: true,
    });
    const ones = { shape: [2, 3, 7], data: new Float32Array(42).fill(1) };
    const gradients = await program.run({ x: batch.x, "gradient.logits": ones } as never);
    if (device === small.device) {
      const bytes = Object.values(saved).reduce((sum, { data }) => sum + data.byteLength, 0);
      expect(bytes).toBeGreaterThan(3 * most);
      expect(read.length).toBeGreaterThan(3);
      expect(staging.length).toBeGreaterThan(1);
    }
    const next = async () => {
      const losses: number[] = [];
      for await (const { loss } of trainer.fit([batch])) losses.push(loss);
      return losses;
    };
    const losses = await next();
    trainer.loadStateDict(saved, 2);
    expect(await next()).toEqual(losses);
    trainer.loadStateDict(saved, 2);
    expect(await trainer.stateDict()).toEqual(saved);
    results.push({ ...saved, ...gradients });
    runtime.dispose();
  }
  expectSame(results[1]!, results[0]!, 1e-6);
});
