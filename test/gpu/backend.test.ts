/** The backend by itself: whose device it is, what it is told of, and what it leaves out. */
import { beforeEach, describe, expect, test } from "vitest";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import { InternalError, LimitError, LSTM, Runtime } from "../../src/index.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, found } = await adapterForTests();
const software = found.info?.software ?? false;

/** What a backend asks of every device. */
const plain = {
  features: new Set<string>(),
  limits: { maxBufferSize: 1024, maxStorageBufferBindingSize: 1024, maxComputeWorkgroupsPerDimension: 8 },
  lost: new Promise(() => {}),
  addEventListener() {},
};
const targetOf = (device: object) =>
  new GpuBackend({ ...plain, ...device } as unknown as GPUDevice, { software: false }).target;

test("sizes are such that u32 counts their bytes, however large a device's buffers are", () => {
  const withLimits = (maxBufferSize: number, maxStorageBufferBindingSize: number) => {
    return targetOf({
      limits: { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension: 65535 },
    });
  };
  expect(withLimits(2 ** 40, 2 ** 36)).toEqual({ maxBufferSize: 2 ** 32 - 4, maxWorkgroups: 65535, software: false });
  expect(withLimits(2 ** 40, 2 ** 27).maxBufferSize).toBe(2 ** 27);
  expect(withLimits(2 ** 28, 2 ** 31).maxBufferSize).toBe(2 ** 28);
});

test("invocations share what they read where the device has subgroups, all of one size", () => {
  const features = new Set(["subgroups"]);
  const sizes = (subgroupMinSize: number, subgroupMaxSize: number) => ({
    adapterInfo: { subgroupMinSize, subgroupMaxSize },
  });
  expect(targetOf({ features, ...sizes(8, 8) }).subgroup).toBe(8);
  expect(targetOf({ features, ...sizes(8, 32) }).subgroup).toBeUndefined();
  expect(targetOf(sizes(8, 8)).subgroup).toBeUndefined();
  // Older implementations tell a device nothing of its adapter.
  expect(targetOf({ features }).subgroup).toBeUndefined();
});

test.each([true, false])("the device goes with the backend only where it is its own: %s", (owned) => {
  let destroyed = 0;
  const fake = {
    ...plain,
    removeEventListener() {},
    destroy: () => void destroyed++,
  } as unknown as GPUDevice;
  new GpuBackend(fake, { software: false, owned }).dispose();
  expect(destroyed).toBe(Number(owned));
});

/** Once all that went wrong so far is told. */
async function settled(): Promise<void> {
  await device!.queue.onSubmittedWorkDone();
  device!.pushErrorScope("validation");
  await device!.popErrorScope();
}

describe("on the GPU", () => {
  beforeEach((context) => context.skip(!device, found.reason));

  test("what a device that was given refuses is told by the next call", async () => {
    const backend = new GpuBackend(device!, { software, owned: false });
    backend.check();
    backend.guarded(() => device!.createBuffer({ size: 4, usage: 0 }));
    await settled();
    expect(() => backend.check()).toThrow(InternalError);
  });

  test("a read that is under way when the device goes away ends, though the device's promises do not", async () => {
    let lose = (_: GPUDeviceLostInfo) => {};
    const never = new Promise<never>(() => {});
    const buffer = { mapAsync: () => never, destroy() {}, size: 4 };
    const fake = {
      ...plain,
      lost: new Promise<GPUDeviceLostInfo>((resolve) => {
        lose = resolve;
      }),
      pushErrorScope() {},
      popErrorScope: () => never,
      createBuffer: () => buffer,
      createCommandEncoder: () => ({ copyBufferToBuffer() {}, finish() {} }),
      queue: { submit() {} },
    } as unknown as GPUDevice;
    const backend = new GpuBackend(fake, { software: false });
    const spec = { name: "weights", role: "parameter", dtype: "f32", length: 1 } as const;
    const made = { ...spec, bytes: 4, owner: { part: "weights" }, version: 0, gpu: buffer } as never;
    const reading = backend.read([made]);
    lose({ reason: "unknown", message: "unplugged" } as GPUDeviceLostInfo);
    await expect(reading).rejects.toThrow("the GPU device was lost: unplugged");
  });

  test("a buffer that has no memory is told of by the plan that is to use it, and by who reads or writes it", async () => {
    const backend = new GpuBackend(device!, { software });
    const spec = { name: "x", role: "state", dtype: "f32", length: 4 } as const;
    const buffer = backend.allocate(spec, { part: "test" });
    const fault = new LimitError("no memory for x");
    Object.assign(buffer, { fault });
    const plan: Plan = {
      name: "clears",
      buffers: [spec],
      commands: [{ type: "clear", label: "clear", to: { buffer: 0, offset: 0, length: 4 } }],
    };
    const memory = { find: () => buffer, ownerOf: () => undefined, keep() {} };
    await expect(backend.load(plan, { part: "test" }, memory)).rejects.toBe(fault);
    await expect(backend.read([buffer])).rejects.toBe(fault);
    expect(() => backend.write(buffer, Float32Array.of(1))).toThrow(fault);
    backend.free(buffer);
  });

  test("a plan of copies alone runs", async () => {
    const backend = new GpuBackend(device!, { software });
    const plan: Plan = {
      name: "copies",
      buffers: [
        { name: "x", role: "input", dtype: "f32", length: 4 },
        { name: "y", role: "output", dtype: "f32", length: 4 },
      ],
      commands: [
        { type: "clear", label: "clear", to: { buffer: 1, offset: 0, length: 4 } },
        {
          type: "copy",
          label: "copy",
          from: { buffer: 0, offset: 1, length: 2 },
          to: { buffer: 1, offset: 2, length: 2 },
        },
      ],
    };
    const loaded = await backend.load(plan);
    loaded.write("x", Float32Array.of(1, 2, 3, 4));
    const [y] = await loaded.runAndRead(["y"]);
    expect([...y!]).toEqual([0, 0, 2, 3]);
    await settled();
    backend.check();
    loaded.dispose();
  });

  test("what derives from weights runs once, not with each call", async () => {
    let dispatched = 0;
    const create = device!.createCommandEncoder.bind(device!);
    device!.createCommandEncoder = (...given) => {
      const encoder = create(...given);
      const begin = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = (...more) => {
        const pass = begin(...more);
        const dispatch = pass.dispatchWorkgroups.bind(pass);
        pass.dispatchWorkgroups = (...grid) => {
          dispatched++;
          return dispatch(...grid);
        };
        return pass;
      };
      return encoder;
    };
    try {
      const runtime = await Runtime.open({ device: device! });
      const session = await runtime.session(new LSTM({ inputSize: 3, hiddenSize: 5 }), {
        inputs: { x: [1, 2, 3] },
        streams: 2,
      });
      const { derivations = [], commands } = session.plan;
      const own = commands.filter(({ type }) => type === "dispatch").length;
      const derived = derivations.flatMap((one) => one.commands).filter(({ type }) => type === "dispatch").length;
      expect(derived).toBeGreaterThan(0);
      const x = { shape: [1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
      const counts: number[] = [];
      for (let i = 0; i < 3; i++) {
        dispatched = 0;
        await session.run({ x });
        counts.push(dispatched);
      }
      expect(counts).toEqual([derived + own, own, own]);
      runtime.dispose();
    } finally {
      device!.createCommandEncoder = create;
    }
  });
});
