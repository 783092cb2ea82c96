import { NoAdapterError } from "../errors.ts";
import { type Exports, moduleBase64, relaxedProductBase64 } from "./module.generated.ts";

export interface OpenModule {
  readonly wasm: Exports;
  readonly memory: WebAssembly.Memory;
  readonly forSharedMemory: typeof forSharedMemory;
  /** Code and exports, in the order in which workers make them. */
  readonly modules: readonly { readonly code: Uint8Array<ArrayBuffer>; readonly exports: object }[];
  /** What the engine has of what not every one has: `relaxed-simd`, by which products multiply and add at once. */
  readonly features: readonly string[];
}

/** Pages of 64 KiB: what a memory begins with, and the most that it can have. */
const PAGES = { initial: 16, maximum: 65536 };
/** 65536 as LEB128. */
const MAXIMUM = [0x80, 0x80, 0x04];

function openMemory(isShared: boolean, refuse: (why: string, cause: unknown) => never): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ ...PAGES, shared: isShared });
  } catch (error) {
    return refuse(`there is no room for its memory, which begins with 1 MiB: ${(error as Error).message}`, error);
  }
}

/** The same module, for a memory that threads share: its import of one has other flags, and a maximum. */
export function forSharedMemory(code: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const IMPORT = 2;
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = code[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  for (;;) {
    const id = code[at++];
    const sizeAt = at;
    const size = number();
    if (id !== IMPORT) {
      at += size;
      continue;
    }
    const body = at;
    const end = body + size;
    number(); // one import
    for (let name = 0; name < 2; name++) {
      const length = number();
      at += length;
    }
    at++; // a memory
    const flags = at++;
    const initialAt = at;
    number();
    const section = [...code.slice(body, flags), 3, ...code.slice(initialAt, at), ...MAXIMUM];
    return Uint8Array.from([...code.slice(0, sizeAt), section.length, ...section, ...code.slice(end)]);
  }
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/**
 * Opens the module with the kernels, over a memory of its own.
 * @throws NoAdapterError where WebAssembly, its SIMD instructions, or the page's permission to compile it are missing, or memory
 */
export async function openModule(isShared = false): Promise<OpenModule> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new NoAdapterError(`no WebAssembly backend: ${why}; use { backend: "cpu" }, slow`, { cause });
  };
  if (typeof WebAssembly === "undefined") return refuse("there is no WebAssembly here");
  const code = bytesOf(moduleBase64);
  if (!WebAssembly.validate(code)) return refuse("WebAssembly here is without SIMD instructions");
  const memory = openMemory(isShared, refuse);
  const made = async (bytes: Uint8Array<ArrayBuffer>) => {
    const code = isShared ? forSharedMemory(bytes) : bytes;
    const { instance } = await WebAssembly.instantiate(code, { env: { memory } });
    return { code, exports: instance.exports as unknown as Exports };
  };
  try {
    const plain = await made(code);
    const relaxed = bytesOf(relaxedProductBase64);
    if (!WebAssembly.validate(relaxed))
      return { wasm: plain.exports, modules: [plain], memory, features: [], forSharedMemory };
    // The same functions of the same memory, in place of the plain ones.
    const fused = await made(relaxed);
    const wasm = { ...plain.exports, ...fused.exports };
    return { wasm, modules: [plain, fused], memory, features: ["relaxed-simd"], forSharedMemory };
  } catch (error) {
    return refuse(
      `it could not be compiled: ${(error as Error).message} (a page's content security policy needs 'wasm-unsafe-eval')`,
      error,
    );
  }
}
