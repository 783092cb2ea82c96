import type { AdapterInfo, Candidate } from "./adapter/adapter-report.ts";
import { describeDevice, givenDevice, openDevice } from "./adapter/open-device.ts";
import { checkCount, checkOptions, NoAdapterError, OptionError } from "./errors.ts";
import { GpuBackend } from "./gpu/gpu-backend.ts";
import { loadOnDemand } from "./load-on-demand.ts";
import type { Backend } from "./plan/backend.ts";
import type { PlanLimits } from "./plan/plan-budget.ts";
import type { WebGPUDevice } from "./platform-types.ts";

export interface RuntimeOptions {
  /** `auto` (default): a GPU if there is one, else the CPU twins, and `info().reason` says why. */
  readonly backend?: "auto" | "gpu" | "wasm" | "cpu";
  /** `adapter` (default): all that the adapter has. `default`: exactly WebGPU's guaranteed limits. */
  readonly limits?: "adapter" | "default";
  /** A `GPUDevice` of your own, used in place of opening one. `dispose` leaves it open. */
  readonly device?: WebGPUDevice;
  /** How many plans stay loaded, each for one shape of a batch: the least recently used go first. */
  readonly plans?: PlanLimits;
}

export interface RuntimeInfo {
  readonly backend: Backend["kind"];
  /** Absent where no GPU is used. */
  readonly adapter?: AdapterInfo;
  /** One sentence: why this backend. */
  readonly reason: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** What was tried, in order. */
  readonly candidates: readonly Candidate[];
}

/** What was opened, and why. */
export interface OpenBackend {
  readonly backend: Backend;
  readonly info: RuntimeInfo;
}

async function openTwins(plans: PlanLimits, reason: string, candidates: readonly Candidate[]): Promise<OpenBackend> {
  const { CpuBackend } = await loadOnDemand();
  return { backend: new CpuBackend(plans), info: { backend: "cpu", reason, features: [], limits: {}, candidates } };
}

async function openWasm(plans: PlanLimits, reason: string, candidates: readonly Candidate[]): Promise<OpenBackend> {
  const { WasmBackend } = await import("./wasm/wasm-backend.ts");
  const backend = await WasmBackend.open(plans);
  return { backend, info: { backend: "wasm", reason, features: [], limits: {}, candidates } };
}

/**
 * Opens what `Runtime.open` is asked for.
 * @throws NoAdapterError when a backend was asked for that is not to be had; OptionError for an unknown option
 */
export async function openBackend(options: RuntimeOptions): Promise<OpenBackend> {
  checkOptions("Runtime.open", options, ["backend", "limits", "device", "plans"]);
  const { backend: wanted = "auto", limits = "adapter", device, plans = {} } = options;
  checkOptions("Runtime.open: plans", plans, ["count", "bytes"]);
  for (const name of ["count", "bytes"] as const)
    if (plans[name] !== undefined) checkCount("Runtime.open: plans", name, plans[name]);
  if (!["auto", "gpu", "wasm", "cpu"].includes(wanted))
    throw new OptionError(`Runtime.open: backend is "${wanted}", expected "auto", "gpu", "wasm" or "cpu"`);
  if (wanted === "cpu") return openTwins(plans, "the CPU was asked for", []);
  if (wanted === "wasm") return openWasm(plans, "WebAssembly was asked for", []);
  const opened = device ? givenDevice(device) : await openDevice(limits);
  const { info: adapter, reason, candidates, cause } = opened;
  if (opened.device && adapter) {
    const backend = new GpuBackend(opened.device, { software: adapter.software, owned: !device, limits: plans });
    return { backend, info: { backend: "gpu", adapter, reason, candidates, ...describeDevice(opened.device) } };
  }
  if (wanted === "gpu")
    throw new NoAdapterError(`no GPU: ${reason}; use { backend: "cpu" } for the CPU twins`, { cause });
  return openTwins(plans, reason, candidates);
}
