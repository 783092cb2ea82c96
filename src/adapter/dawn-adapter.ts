import type { AdapterInfo } from "./adapter-report.ts";
import type { Attempt } from "./node-attempts.ts";
import type { Dawn, NodeSystem } from "./node-system.ts";
import { requestAdapter, textOfError } from "./request-adapter.ts";

interface Offered {
  readonly adapter: GPUAdapter;
  readonly info: AdapterInfo;
}

/**
 * Dawn crashes when its GPU object is collected while an adapter or a device of it is in use (`webgpu` 0.6.2:
 * segmentation fault), so it is held until the process ends, which it does not delay. The key says how it was made: a
 * second search then needs no second Vulkan instance.
 */
const kept = new WeakMap<Dawn, Map<string, GPU>>();

/** Gives the adapter, or why there is none. */
export async function tryAttempt(attempt: Attempt, dawn: Dawn, system: NodeSystem): Promise<Offered | string> {
  const variables: Record<string, string | undefined> = {};
  const { without = [] } = attempt;
  if (without.length > 0 && !system.canSetEnvironment) {
    return `a worker thread cannot leave it out; start Node without ${without.join(" and ")}`;
  }
  for (const name of without) variables[name] = undefined;
  // Without a loader Dawn would only print a warning and find nothing.
  const missing = attempt.vulkan && system.loadLibrary("libvulkan.so.1");
  // Nor is a loader unpacked for drivers that are not there.
  if (missing !== undefined && attempt.installed && system.driverFiles().length === 0) return "none is installed";
  if (attempt.vulkan === "driver" || missing !== undefined) {
    try {
      const swiftShader = await system.swiftShader();
      const refusal = missing && system.loadLibrary(swiftShader.loader);
      if (refusal !== undefined) return `the Vulkan loader ${swiftShader.loader} cannot be loaded: ${refusal}`;
      if (attempt.vulkan === "driver") variables.VK_DRIVER_FILES = variables.VK_ICD_FILENAMES = swiftShader.driver;
    } catch (error) {
      const { message } = error as Error;
      return missing === undefined
        ? `there is no SwiftShader: ${message}`
        : `this system has no Vulkan loader (libvulkan.so.1), and there is none from npm: ${message}`;
    }
    if (attempt.vulkan === "driver" && !system.canSetEnvironment) {
      return `a worker thread cannot choose a driver; start Node with VK_DRIVER_FILES=${variables.VK_DRIVER_FILES}`;
    }
  }
  return withEnvironment(variables, system, async () => {
    let offered: Offered | undefined;
    try {
      offered = await requestAdapter(gpuOf(dawn, attempt, system));
    } catch (error) {
      return `Dawn says: ${textOfError(error)}`;
    }
    if (!offered) return attempt.installed ? acceptsNone(system.driverFiles()) : "Dawn does not accept it";
    return attempt.refuse(offered.info) ?? offered;
  });
}

function gpuOf(dawn: Dawn, { name, flags }: Attempt, { env }: NodeSystem): GPU {
  const gpus = kept.get(dawn) ?? new Map<string, GPU>();
  kept.set(dawn, gpus);
  const key = JSON.stringify([name, flags, env.VK_DRIVER_FILES, env.VK_ICD_FILENAMES]);
  const gpu = gpus.get(key) ?? dawn.create([...flags]);
  gpus.set(key, gpu);
  return gpu;
}

function acceptsNone(files: readonly string[]): string {
  if (files.length === 0) return "none is installed";
  return `Dawn accepts none of ${files.map((file) => file.slice(file.lastIndexOf("/") + 1)).join(", ")}`;
}

/**
 * The Vulkan loader and Mesa read these while Dawn looks for adapters, and not later: what was set is taken back,
 * so that neither the program nor its children inherit it.
 */
async function withEnvironment<T>(
  variables: Readonly<Record<string, string | undefined>>,
  system: NodeSystem,
  run: () => Promise<T>,
): Promise<T> {
  const { env, platform } = system;
  // Mesa prints an error where this one is missing, as it is on servers and in containers.
  const folder = platform === "linux" && !env.XDG_RUNTIME_DIR ? await system.privateFolder() : undefined;
  const set = folder ? { ...variables, XDG_RUNTIME_DIR: folder.path } : variables;
  const before = Object.fromEntries(Object.keys(set).map((name) => [name, env[name]]));
  setVariables(env, set);
  try {
    return await run();
  } finally {
    setVariables(env, before);
    await folder?.remove();
  }
}

function setVariables(env: NodeJS.ProcessEnv, values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
}

/** GPUBufferUsage, GPUMapMode and the rest, where the program has none yet; other people's are left alone. */
export function setGlobals({ globals }: Dawn): void {
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
}
