/** Pages in a real browser: without WebGPU, with content security policies, isolated, and with a GPU, which never loads WebAssembly. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RuntimeInfo } from "../../src/index.ts";
import { type OpenedBrowser, openBrowser } from "../support/browser.ts";
import { type BundledPage, bundlePage, inPage } from "../support/bundled-page.ts";

let bundled: BundledPage;
let wasmChunk = "";

beforeAll(async () => {
  bundled = await bundlePage("backend-page.ts");
  const isWasm = ({ modules }: { readonly modules: readonly string[] }) =>
    modules.some((id) => id.endsWith("/src/wasm/module.generated.ts"));
  wasmChunk = [...bundled.scripts].find(([, script]) => isWasm(script))![0];
});

type Outcome = { readonly info: RuntimeInfo; readonly losses: readonly number[] } | string;

/** The headers of a page that is isolated from other origins, so that its threads may share memory. */
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

const policyOf = (policy: string) => ({ "content-security-policy": policy });

/** What a page with these headers comes to, and the scripts that it loaded. */
const trainOn = (
  { browser }: OpenedBrowser,
  backend: string,
  headers: Readonly<Record<string, string>> = {},
  setting: object = {},
) =>
  inPage(
    browser!,
    bundled,
    async (page) => {
      await page.waitForFunction("typeof trainOn === 'function'");
      return (await page.evaluate(`trainOn(${JSON.stringify(backend)}, ${JSON.stringify(setting)})`)) as Outcome;
    },
    headers,
  );

const lossesOf = (outcome: Outcome) => {
  if (typeof outcome === "string") throw new Error(outcome);
  return outcome.losses;
};

const learned = (outcome: Outcome): RuntimeInfo => {
  if (typeof outcome === "string") throw new Error(outcome);
  expect(outcome.losses.at(-1)).toBeLessThan(outcome.losses[0]!);
  return outcome.info;
};

describe("without WebGPU", async () => {
  const opened = await openBrowser({ webgpu: false });
  beforeEach((context) => context.skip(!opened.browser, opened.reason));
  afterAll(() => opened.browser?.close());

  test("auto is WebAssembly, and says why", async () => {
    const { outcome, loaded } = await trainOn(opened, "auto");
    const { backend, reason } = learned(outcome);
    expect(backend).toBe("wasm");
    expect(reason).toMatch(/^WebAssembly, because there is (no )?WebGPU/);
    expect(loaded).toContain(wasmChunk);
  });

  test("gpu is an error that names WebAssembly", async () => {
    const { outcome } = await trainOn(opened, "gpu");
    expect(outcome).toMatch(/^NoAdapterError: no GPU: .*; use \{ backend: "wasm" \}$/);
  });

  test.each(["script-src 'self'", "default-src 'self'"])("%s: wasm says what the policy lacks", async (policy) => {
    const { outcome } = await trainOn(opened, "wasm", policyOf(policy));
    expect(outcome).toMatch(
      /^NoAdapterError: no WebAssembly backend: .*\(a page's content security policy needs 'wasm-unsafe-eval'\); use \{ backend: "cpu" \}/,
    );
  });

  test("auto goes on to the twins, with both reasons", async () => {
    const { backend, reason } = learned((await trainOn(opened, "auto", policyOf("script-src 'self'"))).outcome);
    expect(backend).toBe("cpu");
    expect(reason).toMatch(
      /^the float64 twins, because there is (no )?WebGPU.*, and no WebAssembly backend: .*'wasm-unsafe-eval'\)$/,
    );
  });

  test("a policy that allows WebAssembly and no other evaluation is enough", async () => {
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
    for (const backend of ["wasm", "auto"])
      expect(learned((await trainOn(opened, backend, policyOf(policy))).outcome).backend).toBe("wasm");
  });
});

describe("threads", async () => {
  const opened = await openBrowser({ webgpu: false });
  beforeEach((context) => context.skip(!opened.browser, opened.reason));
  afterAll(() => opened.browser?.close());
  // Large enough to be divided.
  const model = { hiddenSize: 96, batch: 32 };

  test("an isolated page shares its work, bit for bit as one thread does it", async () => {
    const one = (await trainOn(opened, "wasm", isolated, { ...model, threads: 1 })).outcome;
    const two = (await trainOn(opened, "wasm", isolated, { ...model, threads: 2 })).outcome;
    expect(learned(one).threads).toBe(1);
    const { threads, features } = learned(two);
    expect(threads).toBe(2);
    // Chromium has had it since 2023: products multiply and add at once.
    expect(features).toContain("relaxed-simd");
    expect(lossesOf(two)).toEqual(lossesOf(one));
  });

  test("a policy without workers leaves an isolated page one thread", async () => {
    const policy = policyOf("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'");
    const { outcome } = await trainOn(opened, "wasm", { ...isolated, ...policy }, model);
    expect(learned(outcome).threads).toBe(1);
  });

  test("a page that is not isolated says which headers threads need", async () => {
    expect((await trainOn(opened, "wasm", {}, { threads: 2 })).outcome).toMatch(
      /^NoAdapterError: threads is 2, but memory cannot be shared here: .*Cross-Origin-Opener-Policy/,
    );
    expect(learned((await trainOn(opened, "wasm", {}, model)).outcome).threads).toBe(1);
  });
});

describe("with WebGPU", async () => {
  const opened = await openBrowser({ webgpu: true });
  beforeEach((context) => context.skip(!opened.browser, opened.reason));
  afterAll(() => opened.browser?.close());

  test("a page on the GPU never loads WebAssembly", async () => {
    const { outcome, loaded } = await trainOn(opened, "gpu");
    expect(learned(outcome).backend).toBe("gpu");
    expect(wasmChunk).not.toBe("");
    expect(loaded).toContain(bundled.entry);
    expect(loaded).not.toContain(wasmChunk);
  });

  test("auto passes SwiftShader over", async () => {
    const { backend, reason } = learned((await trainOn(opened, "auto")).outcome);
    expect(backend).toBe("wasm");
    expect(reason).toMatch(
      /navigator\.gpu offers .*swiftshader.* only, a software adapter; backend "gpu" takes that one$/i,
    );
  });
});
