import { NoAdapterError } from "../errors.ts";
import { type Exports, moduleBase64, relaxedProductBase64 } from "./module.generated.ts";

export interface OpenModule {
  readonly wasm: Exports;
  readonly memory: WebAssembly.Memory;
  /** What the engine has of what not every one has: `relaxed-simd`, by which products multiply and add at once. */
  readonly features: readonly string[];
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

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/**
 * Opens the module with the kernels, over a memory of its own.
 * @throws NoAdapterError where WebAssembly, its SIMD instructions, or the page's permission to compile it are missing, or memory
 */
export async function openModule(): Promise<OpenModule> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new NoAdapterError(`no WebAssembly backend: ${why}; use { backend: "cpu" }, slow`, { cause });
  };
  if (typeof WebAssembly === "undefined") return refuse("there is no WebAssembly here");
  const code = bytesOf(moduleBase64);
  if (!WebAssembly.validate(code)) return refuse("WebAssembly here is without SIMD instructions");
  const memory = openMemory(refuse);
  const exportsOf = async (bytes: Uint8Array<ArrayBuffer>) =>
    (await WebAssembly.instantiate(bytes, { env: { memory } })).instance.exports as unknown as Exports;
  try {
    const wasm = await exportsOf(code);
    const relaxed = bytesOf(relaxedProductBase64);
    if (!WebAssembly.validate(relaxed)) return { wasm, memory, features: [] };
    // The same functions of the same memory, in place of the plain ones.
    return { wasm: { ...wasm, ...(await exportsOf(relaxed)) }, memory, features: ["relaxed-simd"] };
  } catch (error) {
    return refuse(
      `it could not be compiled: ${(error as Error).message} (a page's content security policy needs 'wasm-unsafe-eval')`,
      error,
    );
  }
}
