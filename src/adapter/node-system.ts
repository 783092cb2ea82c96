/** What finding an adapter in Node needs from the machine; tests put another one in its place. */
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { navigatorGpu } from "./request-adapter.ts";
import { hasSwiftShader, type SwiftShader, unpackSwiftShader } from "./swiftshader.ts";

/** The npm package `webgpu`: Dawn, the WebGPU of Chromium, for Node. */
export interface Dawn {
  create(flags: string[]): GPU;
  readonly globals: object;
}

export interface NodeSystem {
  readonly platform: string;
  readonly env: NodeJS.ProcessEnv;
  /** A worker's process.env is a copy, which no native library sees. */
  readonly canSetEnvironment: boolean;
  navigatorGpu(): GPU | undefined;
  /** @throws whatever importing the package throws */
  loadDawn(): Promise<Dawn>;
  /** Loads a shared library for the whole process. Gives undefined when that worked, else why not. */
  loadLibrary(pathOrName: string): string | undefined;
  /** The installed Vulkan drivers (their ICD files). */
  driverFiles(): readonly string[];
  /** Whether it could be unpacked; quick. */
  hasSwiftShader(): Promise<boolean>;
  /** @throws Error whose message ends the sentence "there is no SwiftShader: …" */
  swiftShader(): Promise<SwiftShader>;
  /** Makes an empty folder that only this user may enter, and its removal. */
  privateFolder(): Promise<{ path: string; remove(): Promise<void> }>;
}

/** glibc's and musl's RTLD_NODELETE, which Node has no name for. */
const noDelete = 0x1000;

export const nodeSystem: NodeSystem = {
  platform: process.platform,
  env: process.env,
  canSetEnvironment: isMainThread,
  navigatorGpu,
  loadDawn: () => import("webgpu"),
  loadLibrary(pathOrName) {
    const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
    try {
      process.dlopen({ exports: {} }, pathOrName, RTLD_NOW | RTLD_GLOBAL | noDelete);
      return undefined;
    } catch (error) {
      // A library that is no Node addon is refused after it was loaded, and RTLD_NODELETE keeps it.
      // Dawn then finds it by its soname, with no need for LD_LIBRARY_PATH before Node starts.
      const { message } = error as Error;
      return message.includes("did not self-register") ? undefined : message;
    }
  },
  driverFiles() {
    const { XDG_CONFIG_HOME, XDG_CONFIG_DIRS, XDG_DATA_HOME, XDG_DATA_DIRS } = process.env;
    // The places of https://github.com/KhronosGroup/Vulkan-Loader, LoaderDriverInterface.md, "Driver Discovery on Linux".
    const folders = [
      XDG_CONFIG_HOME || join(homedir(), ".config"),
      ...(XDG_CONFIG_DIRS || "/etc/xdg").split(":"),
      "/usr/local/etc",
      "/etc",
      XDG_DATA_HOME || join(homedir(), ".local", "share"),
      ...(XDG_DATA_DIRS || "/usr/local/share:/usr/share").split(":"),
    ];
    return [...new Set(folders)].flatMap((folder) => filesIn(join(folder, "vulkan", "icd.d")));
  },
  hasSwiftShader,
  swiftShader: () => unpackSwiftShader(),
  async privateFolder() {
    const path = await mkdtemp(join(tmpdir(), "webgpu-rnn-"));
    return { path, remove: () => rm(path, { recursive: true, force: true }) };
  },
};

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
