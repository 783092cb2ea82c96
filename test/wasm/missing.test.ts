/** WebAssembly that is missing, or lacks something: what "wasm" says, and what "auto" does. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { NoAdapterError, Runtime } from "../../src/index.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const failing = (error: Error) => () => {
  throw error;
};

class NoRoom {
  constructor() {
    throw new RangeError("could not allocate memory");
  }
}

describe.each<[string, () => unknown, RegExp]>([
  ["no WebAssembly", () => vi.stubGlobal("WebAssembly", undefined), /there is no WebAssembly here/],
  [
    "no SIMD",
    () => vi.spyOn(WebAssembly, "validate").mockReturnValue(false),
    /WebAssembly here is without SIMD instructions/,
  ],
  [
    "no memory",
    () => vi.stubGlobal("WebAssembly", Object.create(WebAssembly, { Memory: { value: NoRoom } })),
    /there is no room for its memory, which begins with 1 MiB: could not allocate memory/,
  ],
  [
    "a policy that forbids to compile",
    () => vi.spyOn(WebAssembly, "instantiate").mockRejectedValue(new Error("violates the content security policy")),
    /it could not be compiled: violates the content security policy \(a page's content security policy needs 'wasm-unsafe-eval'\)/,
  ],
])("%s", (_, arrange, why) => {
  test('"wasm" is a NoAdapterError that says so', async () => {
    arrange();
    const error = await Runtime.open({ backend: "wasm" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NoAdapterError);
    expect((error as Error).message).toMatch(why);
    expect((error as Error).message).toMatch(/^no WebAssembly backend: .*; use \{ backend: "cpu" \}, slow$/);
  });

  test('"auto" goes on to the twins, and says why', async () => {
    arrange();
    const runtime = await Runtime.open();
    expect(runtime.backend).toBe("cpu");
    expect(runtime.info().reason).toMatch(
      /^the float64 twins, because there is no WebGPU: .*, and no WebAssembly backend: /,
    );
    expect(runtime.info().reason).toMatch(why);
    expect(runtime.info().reason).not.toContain("use {");
    runtime.dispose();
  });
});

test("a mistake of the backend itself is no reason to go on", async () => {
  vi.spyOn(WebAssembly, "validate").mockImplementation(failing(new TypeError("a mistake")));
  await expect(Runtime.open()).rejects.toThrow(TypeError);
});
