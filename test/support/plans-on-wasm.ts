/**
 * Has every plan that is loaded on a GPU or on the CPU be loaded and replayed on WebAssembly too. Not part of a usual run:
 *
 *   PLANS_ON_WASM=1 npx vitest run
 */
import { afterAll } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";

const wasm = await WasmBackend.open();
const under: Promise<void>[] = [];
const faults: string[] = [];
let runs = 0;

async function replay(plan: Parameters<Backend["load"]>[0]): Promise<void> {
  try {
    const loaded = await wasm.load(plan);
    loaded.run();
    loaded.dispose();
    runs++;
  } catch (error) {
    faults.push(`plan "${plan.name}": ${error}`);
  }
}

for (const { prototype } of [CpuBackend, GpuBackend] as readonly { readonly prototype: Backend }[]) {
  const { load } = prototype;
  prototype.load = async function (plan, ...rest) {
    const loaded = await load.call(this, plan, ...rest);
    // Nobody waits for it, so that what tests see of the order of things stays as it is.
    under.push(replay(plan));
    return loaded;
  };
}

afterAll(async () => {
  await Promise.all(under);
  if (runs > 0) console.info(`${runs} plans ran on WebAssembly`);
  if (faults.length > 0) throw new Error(`on WebAssembly:\n${faults.slice(0, 5).join("\n")}`);
});
