/** The devices that tests run on. */
import { afterAll } from "vitest";
import { findNodeAdapter } from "../../src/adapter/node-adapter.ts";
import type { FoundAdapter } from "../../src/adapter/request-adapter.ts";

export interface TestAdapter {
  /** Absent when this machine has no adapter: use `describe.skipIf(!device)`. */
  readonly device: GPUDevice | undefined;
  readonly found: FoundAdapter;
  /** A title that says what the tests ran on, or why they were skipped. */
  title(subject: string): string;
}

/**
 * Opens one device for a test file, with all features and limits of the adapter, and closes it after the last test.
 * WEBGPU_RNN_ADAPTER chooses the adapter. An error of the device that no test caught fails the file.
 *
 *   const { device, title } = await adapterForTests();
 *   describe.skipIf(!device)(title("matmul"), () => { … });
 *
 * @throws Error when there is no adapter and REQUIRE_GPU=1
 */
export async function adapterForTests(limits: "adapter" | "default" = "adapter"): Promise<TestAdapter> {
  const found = await findNodeAdapter();
  if (!found.adapter) {
    if (process.env.REQUIRE_GPU === "1") throw new Error(`REQUIRE_GPU=1, but ${found.reason}`);
    return { device: undefined, found, title: (subject) => `${subject} (skipped: ${found.reason})` };
  }
  const device = await openDevice(found.adapter, limits);
  return { device, found, title: (subject) => `${subject} on ${found.reason}` };
}

/**
 * Has `Runtime.open()` take the adapter that tests run on, although it may be a software adapter: it is asked for as a user
 * would, by WEBGPU_RNN_ADAPTER, for the rest of the test file.
 */
export async function askForAdapter(): Promise<FoundAdapter> {
  const found = await findNodeAdapter();
  if (found.info?.software)
    process.env.WEBGPU_RNN_ADAPTER ||= /swiftshader/i.test(found.info.description) ? "swiftshader" : "lavapipe";
  return found;
}

/** Compiles shaders and builds pipelines and runs nothing; every machine has it, with the default limits. */
export async function nullDevice(): Promise<GPUDevice> {
  const { adapter, reason } = await findNodeAdapter({ adapter: "auto", dawnFlags: ["backend=null"] });
  if (!adapter) throw new Error(`Dawn has no null backend here: ${reason}`);
  return openDevice(adapter, "default");
}

async function openDevice(adapter: GPUAdapter, limits: "adapter" | "default"): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  if (limits === "adapter") {
    // The limits are getters of the prototype, which Object.entries does not see.
    for (const name in adapter.limits) {
      const value = adapter.limits[name as keyof GPUSupportedLimits];
      if (typeof value === "number") requiredLimits[name] = value;
    }
  }
  const requiredFeatures = (["shader-f16", "subgroups", "timestamp-query"] as const).filter((name) =>
    adapter.features.has(name),
  );
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const uncaught: string[] = [];
  device.addEventListener("uncapturederror", ({ error }) => uncaught.push(error.message));
  afterAll(async () => {
    await device.queue.onSubmittedWorkDone();
    device.destroy();
    if (uncaught.length > 0) throw new Error(`the device reported errors:\n${uncaught.join("\n")}`);
  });
  return device;
}
