import { NoAdapterError, OptionError, shown } from "../errors.ts";

/** What was found when an adapter was looked for. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter | undefined;
  /** One sentence: why this one, or why none. */
  readonly reason: string;
  /** What was tried, in order. */
  readonly candidates: readonly { readonly name: string; readonly outcome: string }[];
  /** Whether the adapter computes on the CPU. */
  readonly software: boolean;
}

export type AdapterFinder = () => Promise<FoundAdapter>;

/** In browsers: what navigator.gpu offers. */
async function findInBrowser(): Promise<FoundAdapter> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  const name = "navigator.gpu";
  const none = (reason: string, outcome: string): FoundAdapter => ({
    adapter: undefined,
    reason,
    candidates: [{ name, outcome }],
    software: true,
  });
  if (!gpu)
    return none("this browser has no WebGPU (navigator.gpu is missing; a page needs https or localhost)", "missing");
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return none("this browser has WebGPU but offers no adapter", "no adapter");
  const software =
    adapter.info.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${adapter.info.architecture} ${adapter.info.description}`);
  return { adapter, reason: "the adapter that the browser offers", candidates: [{ name, outcome: "taken" }], software };
}

let findAdapter: AdapterFinder = findInBrowser;

/** Lets the Node entry say how adapters are found there. */
export function setAdapterFinder(finder: AdapterFinder): void {
  findAdapter = finder;
}

export interface OpenedDevice extends FoundAdapter {
  readonly device: GPUDevice | undefined;
}

/** Limits that are asked for up to what the adapter has. */
const wanted = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * Finds an adapter and opens a device with its limits, or with exactly WebGPU's defaults.
 * @throws NoAdapterError when there is an adapter but it gives no device
 */
export async function openDevice(limits: "adapter" | "default"): Promise<OpenedDevice> {
  if (limits !== "adapter" && limits !== "default")
    throw new OptionError(`Runtime.open: limits is ${shown(limits)}, expected "adapter" or "default"`);
  const found = await findAdapter();
  const { adapter } = found;
  if (!adapter) return { ...found, device: undefined };
  const requiredLimits =
    limits === "default" ? {} : Object.fromEntries(wanted.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = (["shader-f16", "subgroups", "timestamp-query"] as const).filter(
    (name) => limits === "adapter" && adapter.features.has(name),
  );
  try {
    const device = await adapter.requestDevice({ label: "webgpu-rnn", requiredLimits, requiredFeatures });
    return { ...found, device };
  } catch (cause) {
    throw new NoAdapterError(
      `the adapter ${adapter.info.description || adapter.info.vendor} gives no device: ${String(cause)}`,
      { cause },
    );
  }
}
