/** Opening a runtime on what navigator.gpu offers: browsers that refuse, and browsers of other years. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { NoAdapterError, OptionError, Runtime } from "../../src/index.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupsPerDimension: 65535,
};
const intel = { vendor: "intel", architecture: "gen-12lp", device: "", description: "" };
const swiftShader = { vendor: "google", architecture: "swiftshader", device: "", description: "" };

/** As much of a device as a runtime asks for when it opens. */
const deviceOf = (adapterInfo?: object) => ({
  features: new Set(["shader-f16"]),
  limits,
  lost: new Promise(() => {}),
  addEventListener: () => {},
  removeEventListener: () => {},
  destroy: () => {},
  createBindGroupLayout: () => ({}),
  createPipelineLayout: () => ({}),
  createBuffer: () => ({ destroy: () => {} }),
  queue: {},
  ...(adapterInfo && { adapterInfo }),
});
const adapterWith = (members: object) => ({
  features: new Set(["shader-f16"]),
  limits,
  requestDevice: async () => deviceOf(),
  ...members,
});
const offer = (requestAdapter: () => unknown) => vi.stubGlobal("navigator", { gpu: { requestAdapter } });
const refused = Object.assign(new Error("the GPU process crashed"), { name: "OperationError" });

describe('"auto" goes on to WebAssembly and says why, "gpu" is a NoAdapterError with the cause', () => {
  test.each<[string, () => unknown, RegExp, unknown]>([
    ["no navigator.gpu", () => vi.stubGlobal("navigator", {}), /navigator\.gpu is missing/, undefined],
    ["no adapter", () => offer(async () => null), /offers no adapter/, undefined],
    ["requestAdapter rejects", () => offer(() => Promise.reject(refused)), /the GPU process crashed/, refused],
    [
      "requestAdapter throws",
      () =>
        offer(() => {
          throw refused;
        }),
      /the GPU process crashed/,
      refused,
    ],
    [
      "requestDevice rejects",
      () => offer(async () => adapterWith({ info: intel, requestDevice: () => Promise.reject(refused) })),
      /intel gen-12lp gives no device: .*the GPU process crashed/,
      refused,
    ],
    [
      "requestDevice rejects, and the adapter has no info",
      () => offer(async () => adapterWith({ requestDevice: () => Promise.reject(refused) })),
      /an adapter without a name gives no device: .*the GPU process crashed/,
      refused,
    ],
    [
      "navigator.gpu throws",
      () =>
        vi.stubGlobal("navigator", {
          get gpu() {
            throw refused;
          },
        }),
      /the GPU process crashed/,
      refused,
    ],
  ])("%s", async (_, arrange, reason, cause) => {
    arrange();
    const runtime = await Runtime.open();
    expect(runtime.backend).toBe("wasm");
    expect(runtime.info().reason).toMatch(/^WebAssembly, because /);
    expect(runtime.info().reason).toMatch(reason);
    expect(runtime.info().candidates).toHaveLength(1);
    expect(runtime.info().candidates[0]!.outcome).not.toBe("taken");
    runtime.dispose();
    const error: unknown = await Runtime.open({ backend: "gpu" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NoAdapterError);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).toMatch(/; use \{ backend: "wasm" \}$/);
    expect((error as Error).cause).toBe(cause);
  });

  test("a software adapter is passed over, and named; gpu takes it", async () => {
    offer(async () => adapterWith({ info: swiftShader }));
    const runtime = await Runtime.open();
    expect(runtime.backend).toBe("wasm");
    expect(runtime.info()).toMatchObject({
      reason:
        'WebAssembly, because navigator.gpu offers google swiftshader only, a software adapter; backend "gpu" takes that one',
      candidates: [{ name: "navigator.gpu", outcome: "software" }],
    });
    runtime.dispose();
    const asked = await Runtime.open({ backend: "gpu" });
    expect(asked.backend).toBe("gpu");
    expect(asked.info().adapter?.software).toBe(true);
  });

  test("a GPU is taken, and its reason says what else there is", async () => {
    offer(async () => adapterWith({ info: intel }));
    const runtime = await Runtime.open();
    expect(runtime.backend).toBe("gpu");
    expect(runtime.info().reason).toBe('the adapter that navigator.gpu offers; backend "wasm" takes the CPU');
  });

  test("a mistake of the caller is no reason to go on", async () => {
    offer(async () => null);
    await expect(Runtime.open({ limits: "most" as never })).rejects.toThrow(OptionError);
  });
});

describe("adapters of other years are described by what they have", () => {
  const open = async (adapter: object) => {
    offer(async () => adapterWith(adapter));
    const runtime = await Runtime.open({ backend: "gpu" });
    return runtime.info().adapter;
  };
  const nothing = { vendor: "", architecture: "", device: "", description: "" };

  test.each<[string, object, object]>([
    ["info", { info: intel }, { ...intel, software: false }],
    ["info of SwiftShader", { info: swiftShader }, { ...swiftShader, software: true }],
    ["info that marks a fallback", { info: { ...intel, isFallbackAdapter: true } }, { ...intel, software: true }],
    ["requestAdapterInfo", { requestAdapterInfo: async () => intel }, { ...intel, software: false }],
    [
      "requestAdapterInfo that rejects",
      { requestAdapterInfo: () => Promise.reject(refused) },
      { ...nothing, software: false },
    ],
    ["nothing", {}, { ...nothing, software: false }],
    ["a fallback's mark only", { isFallbackAdapter: true }, { ...nothing, software: true }],
    ["a part of the info", { info: { vendor: "intel" } }, { ...nothing, vendor: "intel", software: false }],
  ])("%s", async (_, adapter, expected) => {
    expect(await open(adapter)).toEqual(expected);
  });

  test("limits that an older adapter does not know are not asked for", async () => {
    const asked: unknown[] = [];
    const { maxComputeWorkgroupSizeY: _, ...known } = limits;
    const requestDevice = async (wanted: unknown) => {
      asked.push(wanted);
      return deviceOf();
    };
    await open({ limits: known, requestDevice });
    expect(asked).toMatchObject([{ requiredLimits: known, requiredFeatures: ["shader-f16"] }]);
    expect(Object.keys((asked[0] as { requiredLimits: object }).requiredLimits)).toEqual(Object.keys(known));
  });
});

test.each<[string, object | undefined, object]>([
  ["without adapterInfo", undefined, { vendor: "", architecture: "", device: "", description: "", software: false }],
  ["of SwiftShader", swiftShader, { ...swiftShader, software: true }],
])("a device of the caller's own %s", async (_, info, expected) => {
  const runtime = await Runtime.open({ device: deviceOf(info) as unknown as GPUDevice });
  expect(runtime.info().adapter).toEqual(expected);
});
