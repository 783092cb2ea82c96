import { NoAdapterError } from "../errors.ts";
import { type Exports, moduleBase64 } from "./module.generated.ts";

export interface OpenModule {
  readonly wasm: Exports;
  readonly memory: WebAssembly.Memory;
}

/** Pages of 64 KiB: what a memory begins with, and the most that it can have. */
const PAGES = { initial: 16, maximum: 65536 };

function openMemory(refuse: (why: string, cause: unknown) => never): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory(PAGES);
  } catch (error) {
    return refuse(`there is no room for its memory, which begins with 1 MiB: ${(error as Error).message}`, error);
  }
}

/**
 * Opens the module with the kernels, over a memory of its own.
 * @throws NoAdapterError where WebAssembly, its SIMD instructions, or the page's permission to compile it are missing, or memory
 */
export async function openModule(): Promise<OpenModule> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new NoAdapterError(`no WebAssembly backend: ${why}; use { backend: "cpu" }, slow`, { cause });
  };
  if (typeof WebAssembly === "undefined") return refuse("there is no WebAssembly here");
  const code = Uint8Array.from(atob(moduleBase64), (character) => character.charCodeAt(0));
  if (!WebAssembly.validate(code)) return refuse("WebAssembly here is without SIMD instructions");
  const memory = openMemory(refuse);
  try {
    const { instance } = await WebAssembly.instantiate(code, { env: { memory } });
    return { wasm: instance.exports as unknown as Exports, memory };
  } catch (error) {
    return refuse(
      `it could not be compiled: ${(error as Error).message} (a page's content security policy needs 'wasm-unsafe-eval')`,
      error,
    );
  }
}
