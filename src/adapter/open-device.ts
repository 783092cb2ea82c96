import { checkChoice, WebGpuRnnError } from "../errors.ts";
import type { WebGPUDevice } from "../platform-types.ts";
import { infoOfDevice, nameOfAdapter } from "./adapter-info.ts";
import { type AdapterFinder, type FoundAdapter, findNavigatorAdapter, textOfError } from "./request-adapter.ts";

let findAdapter: AdapterFinder = findNavigatorAdapter;

/** Lets the Node entry say how adapters are found there. */
export function setAdapterFinder(finder: AdapterFinder): void {
  findAdapter = finder;
}

/** An adapter and its device, or why there is none. */
export interface OpenedDevice extends FoundAdapter {
  /** Absent when there is none. */
  readonly device?: GPUDevice;
}

/** Limits that are asked for up to what the adapter has. */
const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;

const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"] as const;

/**
 * Finds an adapter and opens a device with its limits, or with exactly WebGPU's defaults. That there is none is a result
 * with a reason, whatever a browser or driver throws.
 * @param options.software whether an adapter that computes on the CPU is taken although WEBGPU_RNN_ADAPTER does not name it
 * @throws OptionError for unknown limits, or an unknown adapter in WEBGPU_RNN_ADAPTER
 */
export async function openDevice(
  limits: "adapter" | "default",
  options: Parameters<AdapterFinder>[0],
): Promise<OpenedDevice> {
  checkChoice("Runtime.open", "limits", limits, ["adapter", "default"]);
  let found: FoundAdapter;
  try {
    found = await findAdapter(options);
  } catch (cause) {
    if (cause instanceof WebGpuRnnError) throw cause;
    const outcome = `failed: ${textOfError(cause)}`;
    return {
      reason: `looking for an adapter ${outcome}`,
      candidates: [{ name: "looking for an adapter", outcome }],
      cause,
    };
  }
  const { adapter, info, candidates } = found;
  if (!adapter || !info) return found;
  try {
    return { ...found, device: await requestDevice(adapter, limits) };
  } catch (cause) {
    const outcome = `${nameOfAdapter(info)} gives no device: ${textOfError(cause)}`;
    const name = candidates.at(-1)?.name ?? "adapter";
    return { reason: outcome, candidates: [...candidates.slice(0, -1), { name, outcome }], cause };
  }
}

/** A device that was given, as one that was opened. */
export function givenDevice(given: WebGPUDevice): OpenedDevice & Required<Pick<OpenedDevice, "device" | "info">> {
  const device = given as GPUDevice;
  return { device, info: infoOfDevice(device), reason: "the device was given", candidates: [] };
}

const shownLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
  "minUniformBufferOffsetAlignment",
] as const;

/** What `runtime.info()` tells of a device. */
export function describeDevice(device: GPUDevice): {
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
} {
  return {
    features: [...device.features].sort(),
    limits: Object.fromEntries(shownLimits.map((limit) => [limit, device.limits[limit]])),
  };
}

function requestDevice(adapter: GPUAdapter, limits: "adapter" | "default"): Promise<GPUDevice> {
  const all = limits === "adapter";
  // An older adapter does not know all of them, and refuses what it does not know.
  const known = wantedLimits.filter((name) => all && adapter.limits[name] !== undefined);
  return adapter.requestDevice({
    label: "webgpu-rnn",
    requiredLimits: Object.fromEntries(known.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: wantedFeatures.filter((name) => all && adapter.features.has(name)),
  });
}
