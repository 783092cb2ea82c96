/** Where a page computes, and why there. */
import type { RuntimeInfo } from "../../src/index.ts";
import { words } from "./language.ts";

const text = words({
  opening: ["Looking for a GPU…", "GPU를 찾는 중…"],
  gpu: ["GPU: {name}", "GPU: {name}"],
  software: ["Software GPU (slow): {name}", "소프트웨어 GPU(느림): {name}"],
  wasm: ["CPU, with WebAssembly", "CPU(WebAssembly)"],
  cpu: ["CPU, in float64", "CPU(float64)"],
  why: ["Why: {reason}", "이유: {reason}"],
  taken: ["the adapter that the browser offers", "브라우저가 내준 어댑터입니다"],
  noAdapter: [
    "this browser has WebGPU but offers no adapter",
    "브라우저에 WebGPU는 있으나 쓸 수 있는 어댑터가 없습니다",
  ],
  missing: [
    "this browser has no WebGPU (navigator.gpu is missing; a page needs https or localhost)",
    "브라우저에 WebGPU가 없습니다(navigator.gpu 없음. 페이지가 https나 localhost여야 합니다)",
  ],
  onlySoftware: [
    "the only WebGPU adapter here computes on the CPU, slower than WebAssembly",
    "여기 있는 WebGPU 어댑터는 CPU로 계산하는 것뿐이며, WebAssembly보다 느립니다",
  ],
});

const whys: Readonly<Record<string, Parameters<typeof text>[0]>> = {
  taken: "taken",
  "no adapter": "noAdapter",
  missing: "missing",
  software: "onlySoftware",
};

/** What a reader calls the place: the GPU's name, or the CPU. */
export function deviceName(info: RuntimeInfo | undefined): string {
  if (!info) return text("opening");
  const { backend, adapter } = info;
  const name =
    adapter &&
    (adapter.description || adapter.device || [adapter.vendor, adapter.architecture].filter(Boolean).join(" "));
  if (backend !== "gpu") return text(backend === "wasm" ? "wasm" : "cpu");
  return text(adapter?.software ? "software" : "gpu", { name: name || "WebGPU" });
}

/** Why the page computes there. The library says it in English; the ways that a browser knows have words of their own. */
export function deviceReason(info: RuntimeInfo): string {
  const known = whys[info.candidates.at(-1)?.outcome ?? ""];
  return text("why", { reason: known ? text(known) : info.reason });
}

export function Device({ info }: { readonly info: RuntimeInfo | undefined }) {
  return (
    <p class="device" title={info && deviceReason(info)}>
      {deviceName(info)}
    </p>
  );
}
