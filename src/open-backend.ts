import type { AdapterInfo, Candidate } from "./adapter/adapter-report.ts";
import { describeDevice, givenDevice, type OpenedDevice, openDevice } from "./adapter/open-device.ts";
import { checkCount, checkOptions, NoAdapterError } from "./errors.ts";
import { GpuBackend } from "./gpu/gpu-backend.ts";
import { loadOnDemand } from "./load-on-demand.ts";
import type { Backend, BackendChoice } from "./plan/backend.ts";
import type { PlanLimits } from "./plan/plan-budget.ts";
import type { WebGPUDevice } from "./platform-types.ts";
import type { TuningInUse, TuningTable } from "./tuning/tuning-table.ts";

export interface RuntimeOptions {
  /**
   * `auto` (default): a GPU that is one; else WebAssembly with SIMD, on the CPU in float32; else, where that is not to be had, the
   * kernels' float64 twins, slow. `info().reason` says why. The others insist. An adapter that computes on the CPU (lavapipe,
   * SwiftShader) is slower than WebAssembly, and taken only by `gpu`, by the variable WEBGPU_RNN_ADAPTER of Node, or as a `device`.
   */
  readonly backend?: BackendChoice;
  /** `adapter` (default): all that the adapter has. `default`: exactly WebGPU's guaranteed limits. */
  readonly limits?: "adapter" | "default";
  /** A `GPUDevice` of your own, used in place of opening one. `dispose` leaves it open. */
  readonly device?: WebGPUDevice;
  /**
   * Threads at most that WebAssembly computes with. Default: as many as there are processors, up to 8, where memory can be shared
   * (Node, and pages that are isolated from other origins), else 1. Work of less than some dozen microseconds stays on one, and
   * results are the same, bit for bit.
   */
  readonly threads?: number;
  /**
   * Variants of kernels that were measured, in place of the built-in choice: `kept`, those that `tune` kept on this machine for this
   * adapter and this version; or a table that `tune` returned. `info().tuned` says what of it is used. Default: the built-in choice.
   * Of use on a GPU only.
   */
  readonly tuned?: "kept" | TuningTable;
  /** How many plans stay loaded, each for one shape of a batch: the least recently used go first. */
  readonly plans?: PlanLimits;
}

export interface RuntimeInfo {
  readonly backend: Backend["kind"];
  /** Absent where no GPU is used. */
  readonly adapter?: AdapterInfo;
  /** One sentence: what was chosen and why, and what else there is. */
  readonly reason: string;
  /** What of the option `tuned` is used; absent without it, and where no GPU is used. */
  readonly tuned?: TuningInUse;
  /** Of the GPU's device; on WebAssembly `relaxed-simd`, where the engine has it and products are faster by it. */
  readonly features: readonly string[];
  /** On WebAssembly the threads that share work now: workers start when a model is large enough for them. */
  readonly threads?: number;
  readonly limits: Readonly<Record<string, number>>;
  /**
   * Cells of your own that run as their twins, slowly, and why: what of their WGSL is not known to the compiler for
   * WebAssembly. Of the plans that were made so far; none on a GPU.
   */
  readonly refusals?: readonly string[];
  /** What was tried, in order. */
  readonly candidates: readonly Candidate[];
}

/** What was opened, and why. */
export interface OpenBackend {
  readonly backend: Backend;
  readonly info: RuntimeInfo;
}

/**
 * Opens what `Runtime.open` is asked for.
 * @throws NoAdapterError when a backend was asked for that is not to be had; OptionError for an unknown option
 */
export async function openBackend(options: RuntimeOptions): Promise<OpenBackend> {
  checkOptions("Runtime.open", options, ["backend", "limits", "device", "threads", "tuned", "plans"]);
  const { backend: wanted = "auto", limits = "adapter", device, threads, tuned, plans = {} } = options;
  checkOptions("Runtime.open: plans", plans, ["count", "bytes"]);
  for (const [name, value] of Object.entries(plans))
    if (value !== undefined) checkCount("Runtime.open: plans", name, value);
  const openHost = async (why?: OpenedDevice) => (await loadOnDemand()).openHost(wanted, { plans, threads }, why);
  if (threads !== undefined) (await loadOnDemand()).checkThreads(wanted, threads);
  if (wanted !== "auto" && wanted !== "gpu") return openHost();
  const opened = device ? givenDevice(device) : await openDevice(limits, { software: wanted === "gpu" });
  const { info: adapter, reason, candidates, cause } = opened;
  if (opened.device && adapter) {
    const table = tuned && (await (await loadOnDemand()).openTable(tuned, adapter));
    const { software } = adapter;
    const backend = new GpuBackend(opened.device, { software, tuned: table?.choices, owned: !device, limits: plans });
    const chosen = `${reason}; backend "wasm" takes the CPU`;
    const inUse = table && { tuned: table.inUse };
    return {
      backend,
      info: { backend: "gpu", adapter, ...inUse, reason: chosen, candidates, ...describeDevice(opened.device) },
    };
  }
  if (wanted === "gpu") throw new NoAdapterError(`no GPU: ${reason}; use { backend: "wasm" }`, { cause });
  return openHost(opened);
}
