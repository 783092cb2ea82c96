import { infoOfAdapter, nameOfAdapter } from "./adapter-info.ts";
import type { AdapterInfo, Candidate } from "./adapter-report.ts";

/** What was found when an adapter was looked for. */
export interface FoundAdapter {
  /** Absent when there is none. */
  readonly adapter?: GPUAdapter;
  /** The adapter's. */
  readonly info?: AdapterInfo;
  /** One sentence: why this one, or why none. */
  readonly reason: string;
  /** What was tried, in order. */
  readonly candidates: readonly Candidate[];
  /** The error that is the reason for finding none. */
  readonly cause?: unknown;
  /** A software adapter that is there and was not taken. */
  readonly software?: string;
}

/** Looks for an adapter. `software`: whether one that computes on the CPU is taken although nothing names it. */
export type AdapterFinder = (options: { readonly software: boolean }) => Promise<FoundAdapter>;

/** The `navigator.gpu` of browsers, Deno and Electron. A program in Node may have put Dawn's there. */
export const navigatorGpu = (): GPU | undefined => (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;

/** Asks for the fastest adapter. */
export async function requestAdapter(gpu: GPU): Promise<{ adapter: GPUAdapter; info: AdapterInfo } | undefined> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  return adapter ? { adapter, info: await infoOfAdapter(adapter) } : undefined;
}

/** An error's text on one line. */
export const textOfError = (error: unknown): string => {
  const message = error instanceof Error ? error.message.trim() || error.name : String(error);
  return message.replace(/\s*\n\s*/g, " ");
};

/** Takes what `navigator.gpu` offers. */
export const findNavigatorAdapter: AdapterFinder = async ({ software }) => {
  const name = "navigator.gpu";
  const none = (reason: string, outcome: string): FoundAdapter => ({ reason, candidates: [{ name, outcome }] });
  const gpu = navigatorGpu();
  if (!gpu)
    return none(
      "there is no WebGPU: navigator.gpu is missing (a page needs https or localhost, an older Deno --unstable-webgpu)",
      "missing",
    );
  const found = await requestAdapter(gpu);
  if (!found) return none("there is WebGPU, but it offers no adapter", "no adapter");
  if (found.info.software && !software) {
    const adapter = nameOfAdapter(found.info);
    return { ...none(`navigator.gpu offers ${adapter} only, a software adapter`, "software"), software: adapter };
  }
  return { ...found, reason: "the adapter that navigator.gpu offers", candidates: [{ name, outcome: "taken" }] };
};
