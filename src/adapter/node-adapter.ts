/**
 * Finds a WebGPU adapter in Node: a real GPU, else a lavapipe that Dawn accepts, else SwiftShader, else none.
 * A driver that the user chose is never replaced, and every step that did not work is in `candidates`.
 */
import { OptionError } from "../errors.ts";
import { type Dawn, type NodeSystem, nodeSystem } from "./node-system.ts";

const choices = ["auto", "gpu", "lavapipe", "swiftshader", "none"] as const;
export type AdapterChoice = (typeof choices)[number];

export interface NodeAdapterOptions {
  /** Insists on one kind; default is the variable WEBGPU_RNN_ADAPTER, else "auto". */
  readonly adapter?: AdapterChoice;
  /** Options of Dawn's `create`, such as `enable-dawn-features=…` or `backend=null`. */
  readonly dawnFlags?: readonly string[];
}

export interface NodeAdapter {
  /** Absent when nothing was found. This module keeps it too, see `kept`. */
  readonly gpu: GPU | undefined;
  readonly adapter: GPUAdapter | undefined;
  /** One sentence: why this one, or why none. */
  readonly reason: string;
  /** What was tried, in order. */
  readonly candidates: readonly { readonly name: string; readonly outcome: string }[];
  /** Whether the adapter computes on the CPU. */
  readonly software: boolean;
}

/**
 * Dawn crashes when its GPU object is collected while an adapter or a device of it is in use (`webgpu` 0.6.2:
 * segmentation fault), so it is held until the process ends, which it does not delay. By the way to get it: a second
 * search then needs no second Vulkan instance.
 */
const kept = new WeakMap<Dawn, Map<string, GPU>>();

/** One search at a time, because a search changes the environment for a moment. */
let lastSearch: Promise<unknown> = Promise.resolve();

/** @throws OptionError for an unknown kind; that there is no adapter is a result, not an error */
export function findNodeAdapter(
  options: NodeAdapterOptions = {},
  system: NodeSystem = nodeSystem,
): Promise<NodeAdapter> {
  const search = lastSearch.then(() => find(options, system));
  lastSearch = search.catch(() => undefined);
  return search;
}

async function find({ adapter: wish, dawnFlags = [] }: NodeAdapterOptions, system: NodeSystem): Promise<NodeAdapter> {
  const choice = choiceOf(wish, system.env);
  const candidates: { name: string; outcome: string }[] = [];
  const none = (reason: string): NodeAdapter => ({
    gpu: undefined,
    adapter: undefined,
    reason,
    candidates,
    software: false,
  });
  if (choice === "none") return none('no adapter was looked for, because the choice is "none"');

  let dawn: Dawn;
  try {
    dawn = await system.loadDawn();
  } catch (error) {
    const outcome = whyNoDawn(error);
    candidates.push({ name: "npm package webgpu", outcome });
    return none(`there is no WebGPU in Node: ${outcome}`);
  }

  for (const attempt of attemptsFor(choice, dawnFlags, system)) {
    const tried = await tryAttempt(attempt, dawn, system);
    if (typeof tried === "string") {
      candidates.push({ name: attempt.name, outcome: tried });
      continue;
    }
    setGlobals(dawn);
    const software = isSoftware(tried.adapter.info);
    const outcome = `${describe(tried.adapter.info)}, ${software ? "a software adapter" : "a GPU"}`;
    const before = candidates.length > 0 ? ` (tried before: ${summary(candidates)})` : "";
    candidates.push({ name: attempt.name, outcome });
    return { ...tried, software, candidates, reason: `${outcome}, from ${attempt.name}${before}` };
  }
  const wanted = choice === "auto" ? "" : ` of the kind "${choice}"`;
  return none(`no adapter${wanted} was found (tried: ${summary(candidates)})`);
}

const summary = (candidates: NodeAdapter["candidates"]): string =>
  candidates.map(({ name, outcome }) => `${name}: ${outcome}`).join("; ");

function choiceOf(wish: string | undefined, env: NodeJS.ProcessEnv): AdapterChoice {
  const given = wish ?? (env.WEBGPU_RNN_ADAPTER || "auto");
  const choice = choices.find((known) => known === given);
  if (choice !== undefined) return choice;
  const what = wish === undefined ? "WEBGPU_RNN_ADAPTER" : "option adapter";
  throw new OptionError(`${what} is "${given}", expected one of ${choices.join(", ")}`);
}

function whyNoDawn(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_MODULE_NOT_FOUND") return "the package is not installed (npm install webgpu)";
  return `the package cannot be loaded on ${process.platform} ${process.arch}: ${String(message).split("\n")[0]}`;
}

/** One way to get an adapter, as data. */
interface Attempt {
  readonly name: string;
  readonly flags: readonly string[];
  /** `loader`: needs a Vulkan loader; `driver`: that, and SwiftShader set as the driver. */
  readonly vulkan?: "loader" | "driver";
  /** Takes whatever driver is installed. */
  readonly installed?: boolean;
  /** Why an adapter is not the one that is wanted. */
  refuse(info: GPUAdapterInfo): string | undefined;
}

function attemptsFor(
  choice: AdapterChoice,
  flags: readonly string[],
  { platform, env }: NodeSystem,
): readonly Attempt[] {
  const refuse = (info: GPUAdapterInfo) =>
    isOfKind(choice, info) ? undefined : `${describe(info)} is not of the kind "${choice}"`;
  const otherBackend = flags.find((flag) => flag.startsWith("backend=") && flag !== "backend=vulkan");
  if (platform !== "linux" || otherBackend !== undefined) return [{ name: "Dawn's own choice", flags, refuse }];

  // Beside a GPU, Dawn offers lavapipe only when asked for it by name.
  const systemFlags = choice === "lavapipe" ? [...flags, "adapter=llvmpipe"] : flags;
  const variable = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].find((name) => env[name]);
  if (variable !== undefined) {
    const name = `the Vulkan driver chosen by ${variable}=${env[variable]}`;
    return [{ name, flags: systemFlags, vulkan: "loader", refuse }];
  }
  const installed: Attempt = {
    name: "the Vulkan drivers of this system",
    flags: systemFlags,
    vulkan: "loader",
    installed: true,
    refuse,
  };
  const swiftShader: Attempt = { name: "SwiftShader from npm", flags, vulkan: "driver", refuse };
  if (choice === "auto") return [installed, swiftShader];
  return [choice === "swiftshader" ? swiftShader : installed];
}

/** Gives the adapter, or why there is none. */
async function tryAttempt(
  attempt: Attempt,
  dawn: Dawn,
  system: NodeSystem,
): Promise<{ gpu: GPU; adapter: GPUAdapter } | string> {
  const variables: Record<string, string> = {};
  // Without a loader Dawn would only print a warning and find nothing.
  const missing = attempt.vulkan && system.loadLibrary("libvulkan.so.1");
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
    if (attempt.installed && system.driverFiles().length === 0) return "none is installed";
  }
  return withEnvironment(variables, system, async () => {
    let gpu: GPU;
    let adapter: GPUAdapter | null;
    try {
      gpu = gpuOf(dawn, attempt, system);
      adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    } catch (error) {
      return `Dawn says: ${(error as Error).message.trim().replace(/\s*\n\s*/g, " ")}`;
    }
    if (!adapter) return attempt.installed ? acceptsNone(system.driverFiles()) : "Dawn does not accept it";
    return attempt.refuse(adapter.info) ?? { gpu, adapter };
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
  variables: Record<string, string>,
  system: NodeSystem,
  run: () => Promise<T>,
): Promise<T> {
  const { env, platform } = system;
  // Mesa prints an error where this one is missing, as it is on servers and in containers.
  const folder = platform === "linux" && !env.XDG_RUNTIME_DIR ? await system.privateFolder() : undefined;
  const set = folder ? { ...variables, XDG_RUNTIME_DIR: folder.path } : variables;
  const before = Object.keys(set).map((name) => [name, env[name]] as const);
  Object.assign(env, set);
  try {
    return await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete env[name];
      else env[name] = value;
    }
    await folder?.remove();
  }
}

function isSoftware(info: GPUAdapterInfo): boolean {
  // Dawn marks CPU adapters as fallback adapters; the names are for those that it does not know as such.
  return (
    info.isFallbackAdapter || /llvmpipe|swiftshader|basic render/i.test(`${info.architecture} ${info.description}`)
  );
}

function isOfKind(choice: AdapterChoice, info: GPUAdapterInfo): boolean {
  if (choice === "gpu") return !isSoftware(info);
  if (choice === "lavapipe") return /llvmpipe/i.test(info.description);
  if (choice === "swiftshader") return /swiftshader/i.test(info.description);
  return true;
}

function describe({ description, vendor, architecture, device }: GPUAdapterInfo): string {
  return description || device || [vendor, architecture].filter(Boolean).join(" ") || "an adapter without a name";
}

/** GPUBufferUsage, GPUMapMode and the rest, where the program has none yet; other people's are left alone. */
function setGlobals({ globals }: Dawn): void {
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
}
