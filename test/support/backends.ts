/** The backends that tests go through, named here and nowhere else. */
import { afterAll, beforeEach, describe } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import type { Runtime, RuntimeOptions } from "../../src/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";
import { adapterForTests, type TestAdapter } from "./environment.ts";

export type Kind = Backend["kind"];

/** On request: TEST_BACKENDS=gpu leaves the others out, TEST_LIMITS=default opens the GPU with WebGPU's default limits. */
const { TEST_BACKENDS, TEST_LIMITS } = process.env;
const wanted = (kind: Kind): boolean => !TEST_BACKENDS || TEST_BACKENDS.split(",").includes(kind);
const usualLimits = TEST_LIMITS === "default" ? "default" : "adapter";

/** These compute in float32; what they give is compared with the twins in float64. */
const float32 = ["gpu", "wasm"] as const;
const all = ["cpu", ...float32] as const;

/** A backend as the tests of a file use it. */
export interface TestBackend {
  readonly kind: Kind;
  /** One for the whole file. Where there is no GPU, its tests are skipped, and nothing may use it before that. */
  readonly backend: Backend;
  /** Another one; on the GPU over the file's device. */
  another(): Promise<Backend>;
  /** A runtime of its own; on the GPU over the file's device. */
  open(options?: RuntimeOptions): Promise<Runtime>;
}

export interface TestBackends extends TestAdapter {
  /** The file's GPU; absent where the machine has none. */
  readonly gpu: GpuBackend | undefined;
  readonly wasm: WasmBackend;
  /** Those that this machine has. */
  readonly available: readonly TestBackend[];
  /** Makes the same tests for every backend. @param subject begins their titles */
  onEach(make: (on: TestBackend) => void, subject?: string): void;
  /** Makes the same tests for every backend that is compared with the twins in float64. */
  onFloat32(make: (on: TestBackend) => void): void;
}

/**
 * What a test file runs on. Tests on the GPU are skipped, with the reason, where there is none.
 *
 *   const { onEach } = await backendsForTests();
 *   onEach(({ kind, open }) => { test(…) });
 */
export async function backendsForTests(limits: "adapter" | "default" = usualLimits): Promise<TestBackends> {
  const adapter = await adapterForTests(limits);
  const { device, found } = adapter;
  const make = {
    cpu: () => new CpuBackend(),
    wasm: () => WasmBackend.open(),
    gpu: () => new GpuBackend(device!, { software: found.info!.software }),
  } as const;
  const gpu = device && make.gpu();
  const wasm = await make.wasm();
  const backends: Readonly<Record<Kind, Backend>> = {
    cpu: make.cpu(),
    gpu: gpu!,
    wasm,
  };
  const on = (kind: Kind): TestBackend => ({
    kind,
    backend: backends[kind],
    another: async () => make[kind](),
    open: async (options) => {
      const { Runtime } = await import("../../src/index.ts");
      return Runtime.open({ ...(kind === "gpu" ? { device: device! } : { backend: kind }), ...options });
    },
  });
  const through =
    (kinds: readonly Kind[]) =>
    (make: (on: TestBackend) => void, subject = "") => {
      describe.each(kinds.filter(wanted))(`${subject} on the %s`.trim(), (kind) => {
        beforeEach((context) => context.skip(kind === "gpu" && !device, found.reason));
        make(on(kind));
      });
    };
  const available = all.filter((kind) => backends[kind] !== undefined).map(on);
  return { ...adapter, gpu, wasm, available, onEach: through(all), onFloat32: through(float32) };
}

export interface TestRuntimes extends TestBackends {
  /** One of each for the whole file; the GPU's is absent where the machine has none, and its tests are skipped. */
  readonly runtimes: Readonly<Record<Kind, Runtime>>;
}

/** The same with a runtime on each backend, all of which the file's tests share. */
export async function runtimesForTests(limits: "adapter" | "default" = usualLimits): Promise<TestRuntimes> {
  const tested = await backendsForTests(limits);
  const { Runtime } = await import("../../src/index.ts");
  const runtimes = {
    cpu: await Runtime.open({ backend: "cpu" }),
    wasm: await Runtime.open({ backend: "wasm" }),
    gpu: (tested.device && (await Runtime.open({ device: tested.device }))) as Runtime,
  };
  afterAll(() => {
    for (const runtime of Object.values(runtimes)) runtime?.dispose();
  });
  return { ...tested, runtimes };
}
