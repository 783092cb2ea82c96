import type { FoundAdapter } from "./adapter/request-adapter.ts";
import { CpuBackend } from "./cpu/cpu-backend.ts";
import { checkChoice, checkCount, NoAdapterError, OptionError, shown } from "./errors.ts";
import type { OpenBackend } from "./open-backend.ts";
import { type BackendChoice, backendChoices } from "./plan/backend.ts";
import type { PlanLimits } from "./plan/plan-budget.ts";
import { WasmBackend } from "./wasm/wasm-backend.ts";

/** @throws OptionError for threads that are no count, or of no use to the backend */
export function checkThreads(wanted: BackendChoice, threads: number): void {
  checkCount("Runtime.open", "threads", threads);
  if (wanted === "gpu" || wanted === "cpu")
    throw new OptionError(
      `Runtime.open: threads is ${threads}, but only WebAssembly shares work among threads, and backend is ${shown(wanted)}; leave threads out`,
    );
}

/**
 * Opens a backend on the CPU: the one that was asked for, or for "auto" WebAssembly, else the twins.
 * @param found what a search for a GPU came to, where there was one
 * @throws NoAdapterError when WebAssembly was asked for and is not to be had; OptionError for a backend that is not known
 */
export async function openHost(
  wanted: BackendChoice,
  { plans, threads }: { readonly plans: PlanLimits; readonly threads: number | undefined },
  { reason: noGpu, software, candidates = [] }: Partial<FoundAdapter> = {},
): Promise<OpenBackend> {
  checkChoice("Runtime.open", "backend", wanted, backendChoices);
  const opened = (backend: WasmBackend | CpuBackend, reason: string): OpenBackend => {
    const features = backend.kind === "wasm" ? backend.features : [];
    return { backend, info: { backend: backend.kind, reason, features, limits: {}, candidates } };
  };
  if (wanted === "cpu") return opened(new CpuBackend(plans), "the CPU was asked for, in float64");
  if (wanted === "wasm")
    return opened(await WasmBackend.open(plans, threads), "WebAssembly was asked for, and no GPU looked for");
  const other =
    software === undefined ? "" : `; backend "gpu" takes ${noGpu?.includes(software) ? "that one" : software}`;
  try {
    return opened(await WasmBackend.open(plans, threads), `WebAssembly, because ${noGpu}${other}`);
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    const noWasm = error.message.replace(/; use \{ backend.*$/, "");
    return opened(new CpuBackend(plans), `the float64 twins, because ${noGpu}, and ${noWasm}${other}`);
  }
}
