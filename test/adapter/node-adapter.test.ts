/** The search for an adapter, on machines that this one is not. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findNodeAdapter, type NodeAdapterOptions } from "../../src/adapter/node-adapter.ts";
import { type NodeSystem, nodeSystem } from "../../src/adapter/node-system.ts";
import { filesOfTar } from "../../src/adapter/tar.ts";

const rtx = { vendor: "nvidia", architecture: "ampere", device: "", description: "RTX", isFallbackAdapter: false };
const lavapipe = {
  vendor: "mesa",
  architecture: "software",
  device: "",
  description: "llvmpipe: Mesa 25",
  isFallbackAdapter: true,
};
const swiftShader = {
  vendor: "google",
  architecture: "swiftshader",
  device: "",
  description: "SwiftShader driver",
  isFallbackAdapter: true,
};
type Info = typeof rtx;

interface Machine {
  /** What the installed (or chosen) drivers offer, best first. */
  readonly drivers?: readonly Info[];
  /** What is offered with a driver that the environment names; default: the same. */
  readonly chosen?: readonly Info[];
  readonly files?: readonly string[];
  readonly loader?: boolean;
  /** Whether @sparticuz/chromium is installed. */
  readonly chromium?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: string;
  readonly worker?: boolean;
  readonly dawn?: Error;
  readonly navigatorGpu?: () => GPU;
}

const unpacked = { driver: "/cache/icd.json", loader: "/cache/libvulkan.so.1" };

/** A machine that behaves like Dawn on Linux, and a list of what was done to it. */
function machine(is: Machine) {
  const done: string[] = [];
  const env: NodeJS.ProcessEnv = { XDG_RUNTIME_DIR: "/run/user/1", ...is.env };
  let hasLoader = is.loader ?? true;
  const offered = () => {
    const chosen = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
    if (chosen === unpacked.driver) return [swiftShader];
    return (chosen !== undefined && is.chosen) || (is.drivers ?? []);
  };
  const create = (flags: string[]) => {
    done.push(["create", ...flags].join(" "));
    const wanted = flags.find((flag) => flag.startsWith("adapter="))?.slice("adapter=".length);
    const requestAdapter = async () => {
      done.push(`request with VK_DRIVER_FILES=${env.VK_DRIVER_FILES} XDG_RUNTIME_DIR=${env.XDG_RUNTIME_DIR}`);
      const info = offered().find(({ description }) => wanted === undefined || description.includes(wanted));
      if (!info && wanted !== undefined) throw new Error("no suitable backends found\nAvailable adapters:\n * none");
      return info ? { info } : null;
    };
    return { requestAdapter } as unknown as GPU;
  };
  const system: NodeSystem = {
    platform: is.platform ?? "linux",
    env,
    canSetEnvironment: !is.worker,
    loadDawn: async () => {
      if (is.dawn) throw is.dawn;
      return { create, globals: {} };
    },
    loadLibrary(name) {
      done.push(`load ${name}`);
      if (name === unpacked.loader) hasLoader = true;
      return hasLoader ? undefined : "no such file";
    },
    navigatorGpu: () => is.navigatorGpu?.(),
    driverFiles: () => is.files ?? (is.drivers ?? []).map((_, index) => `/icd.d/${index}.json`),
    hasSwiftShader: async () => is.chromium === true,
    swiftShader: async () => {
      done.push("unpack SwiftShader");
      if (!is.chromium) throw new Error("@sparticuz/chromium is not installed");
      return unpacked;
    },
    privateFolder: async () => ({ path: "/tmp/private", remove: async () => void done.push("remove /tmp/private") }),
  };
  return { system, env, done };
}

const chosen = async (is: Machine, options?: NodeAdapterOptions) => {
  const { system } = machine(is);
  const { adapter, reason } = await findNodeAdapter(options, system);
  return adapter ? adapter.info.description : reason;
};

describe("the order", () => {
  test.each<[string, Machine, string]>([
    ["a GPU before all else", { drivers: [rtx, lavapipe], chromium: true }, "RTX"],
    ["else lavapipe", { drivers: [lavapipe], chromium: true }, "llvmpipe: Mesa 25"],
    ["else SwiftShader", { chromium: true }, "SwiftShader driver"],
    ["a GPU through the loader from npm", { drivers: [rtx], loader: false, chromium: true }, "RTX"],
    ["SwiftShader through the loader from npm", { loader: false, chromium: true }, "SwiftShader driver"],
    ["Dawn's own choice on macOS", { platform: "darwin", drivers: [rtx] }, "RTX"],
    [
      "nothing",
      {},
      "no adapter was found (tried: the Vulkan drivers of this system: none is installed; " +
        "SwiftShader from npm: there is no SwiftShader: @sparticuz/chromium is not installed)",
    ],
    [
      "nothing without a loader",
      { drivers: [rtx], loader: false },
      expect.stringContaining("this system has no Vulkan loader (libvulkan.so.1), and there is none from npm"),
    ],
    [
      "nothing on macOS",
      { platform: "darwin" },
      "no adapter was found (tried: Dawn's own choice: Dawn does not accept it)",
    ],
    [
      "nothing without the package",
      { dawn: Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" }) },
      "there is no WebGPU in Node: the package is not installed (npm install webgpu)",
    ],
    [
      "nothing where the package has no build",
      { dawn: new Error("no dawn.node\nstack") },
      expect.stringMatching(/cannot be loaded on .*: no dawn.node$/),
    ],
  ])("%s", async (_, is, expected) => {
    expect(await chosen(is)).toEqual(expected);
  });

  test("what was refused on the way is in the candidates and in the reason", async () => {
    const { system } = machine({ files: ["/usr/share/vulkan/icd.d/lvp_icd.json"], chromium: true });
    const { candidates, reason, info } = await findNodeAdapter({}, system);
    expect(candidates).toEqual([
      { name: "the Vulkan drivers of this system", outcome: "Dawn accepts none of lvp_icd.json" },
      { name: "SwiftShader from npm", outcome: "SwiftShader driver, a software adapter" },
    ]);
    expect(reason).toBe(
      "SwiftShader driver, a software adapter, from SwiftShader from npm " +
        "(tried before: the Vulkan drivers of this system: Dawn accepts none of lvp_icd.json)",
    );
    expect(info?.software).toBe(true);
  });
});

describe("where software adapters are not wanted", () => {
  const search = async (is: Machine) => {
    const { system, done } = machine(is);
    const { adapter, info, reason, software } = await findNodeAdapter({ software: false }, system);
    return { taken: adapter && info?.description, reason, software, done };
  };

  test("a GPU is taken, also the one that a variable chooses", async () => {
    expect((await search({ drivers: [rtx, lavapipe], chromium: true })).taken).toBe("RTX");
    expect((await search({ chosen: [rtx], env: { VK_DRIVER_FILES: "/mine.json" } })).taken).toBe("RTX");
  });

  test("lavapipe is passed over, and named", async () => {
    const { taken, reason, software } = await search({ drivers: [lavapipe], chromium: true });
    expect(taken).toBeUndefined();
    expect(software).toBe("llvmpipe: Mesa 25");
    expect(reason).toBe(
      "no GPU was found (tried: the Vulkan drivers of this system: llvmpipe: Mesa 25, a software adapter)",
    );
  });

  test("so is one that a variable for all of Vulkan chooses, without a look at others", async () => {
    const { taken, software, done } = await search({
      chosen: [lavapipe],
      drivers: [rtx],
      env: { VK_DRIVER_FILES: "/mine.json" },
    });
    expect([taken, software]).toEqual([undefined, "llvmpipe: Mesa 25"]);
    expect(done.filter((entry) => entry.startsWith("create"))).toHaveLength(1);
  });

  test("so is the one of navigator.gpu, and Dawn is asked next", async () => {
    const navigatorGpu = () => ({ requestAdapter: async () => ({ info: swiftShader }) }) as unknown as GPU;
    const { taken, software } = await search({ navigatorGpu, drivers: [lavapipe] });
    expect([taken, software]).toEqual([undefined, "SwiftShader driver"]);
    expect((await search({ navigatorGpu, drivers: [rtx] })).taken).toBe("RTX");
  });

  test.each<[string, Machine]>([
    ["with a loader", { chromium: true }],
    ["without a loader, where no driver would need one", { chromium: true, loader: false }],
  ])("SwiftShader is named and not unpacked: %s", async (_, is) => {
    const { taken, reason, software, done } = await search(is);
    expect([taken, software]).toEqual([undefined, "SwiftShader from npm"]);
    expect(reason).toBe("no GPU was found (tried: the Vulkan drivers of this system: none is installed)");
    expect(done).not.toContain("unpack SwiftShader");
  });

  test("a bare machine has nothing else", async () => {
    expect((await search({ loader: false })).software).toBeUndefined();
  });

  test.each(["lavapipe", "swiftshader"])("WEBGPU_RNN_ADAPTER=%s asks for one", async (adapter) => {
    const { taken } = await search({ drivers: [lavapipe], chromium: true, env: { WEBGPU_RNN_ADAPTER: adapter } });
    expect(taken).toMatch(adapter === "lavapipe" ? "llvmpipe: Mesa 25" : "SwiftShader driver");
  });
});

describe("the user's word", () => {
  test.each(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"])("%s is never overridden", async (variable) => {
    const { system, env, done } = machine({ env: { [variable]: "/mine.json" }, chromium: true });
    const { adapter, reason } = await findNodeAdapter({}, system);
    expect(adapter).toBeUndefined();
    expect(reason).toBe(
      `no adapter was found (tried: the Vulkan driver chosen by ${variable}=/mine.json: Dawn does not accept it)`,
    );
    expect(env[variable]).toBe("/mine.json");
    expect(done.filter((entry) => entry.startsWith("create"))).toHaveLength(1);
  });

  test.each<[NodeAdapterOptions["adapter"] & string, Machine, unknown]>([
    ["gpu", { drivers: [rtx, lavapipe] }, "RTX"],
    ["gpu", { drivers: [lavapipe], chromium: true }, expect.stringContaining('no adapter of the kind "gpu" was found')],
    ["lavapipe", { drivers: [rtx, lavapipe] }, "llvmpipe: Mesa 25"],
    [
      "lavapipe",
      { drivers: [rtx] },
      expect.stringContaining("Dawn says: no suitable backends found Available adapters: * none"),
    ],
    ["swiftshader", { drivers: [rtx, lavapipe], chromium: true }, "SwiftShader driver"],
    ["none", { drivers: [rtx] }, 'no adapter was looked for, because the choice is "none"'],
  ])('"%s" on %o', async (adapter, is, expected) => {
    expect(await chosen(is, { adapter })).toEqual(expected);
    expect(await chosen({ ...is, env: { ...is.env, WEBGPU_RNN_ADAPTER: adapter } })).toEqual(expected);
  });

  describe.each(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"])("a kind that is insisted on, and %s", (variable) => {
    const env = { [variable]: "/mine.json" };
    test.each<[NodeAdapterOptions["adapter"] & string, Machine, string]>([
      ["swiftshader", { chosen: [lavapipe], chromium: true }, "SwiftShader driver"],
      ["swiftshader", { chosen: [swiftShader] }, "SwiftShader driver"],
      ["lavapipe", { chosen: [swiftShader], drivers: [rtx, lavapipe] }, "llvmpipe: Mesa 25"],
      ["gpu", { chosen: [lavapipe], drivers: [rtx] }, "RTX"],
      ["gpu", { chosen: [rtx], drivers: [] }, "RTX"],
    ])("%s on %o: the kind wins, and the variable stays", async (adapter, is, expected) => {
      const { system, env: after } = machine({ ...is, env: { ...env, WEBGPU_RNN_ADAPTER: adapter } });
      const { info, candidates } = await findNodeAdapter({}, system);
      expect(info?.description).toBe(expected);
      expect(candidates[0]!.name).toBe(`the Vulkan driver chosen by ${variable}=/mine.json`);
      expect(after[variable]).toBe("/mine.json");
    });

    test("where there is no such adapter, it says what both say and what to do", async () => {
      const is = { chosen: [lavapipe], drivers: [lavapipe], env: { ...env, WEBGPU_RNN_ADAPTER: "gpu" } };
      expect(await chosen(is)).toBe(
        'no adapter of the kind "gpu" was found (tried: ' +
          `the Vulkan driver chosen by ${variable}=/mine.json: llvmpipe: Mesa 25 is not of the kind "gpu"; ` +
          `the Vulkan drivers of this system, without ${variable}: llvmpipe: Mesa 25 is not of the kind "gpu"); ` +
          "WEBGPU_RNN_ADAPTER=gpu insists on this kind: leave it out to take any",
      );
    });

    test("a worker thread cannot change the environment, and says what to do", async () => {
      const is = { chosen: [lavapipe], drivers: [rtx], worker: true, env: { ...env, WEBGPU_RNN_ADAPTER: "gpu" } };
      expect(await chosen(is)).toContain(
        `without ${variable}: a worker thread cannot leave it out; start Node without ${variable}`,
      );
    });
  });

  test("an unknown kind is an error that names the kinds", async () => {
    const { system } = machine({ env: { WEBGPU_RNN_ADAPTER: "nvidia" } });
    await expect(findNodeAdapter({}, system)).rejects.toThrow(
      'WEBGPU_RNN_ADAPTER is "nvidia", expected one of auto, gpu, lavapipe, swiftshader, none',
    );
  });

  test("a worker thread says what to do instead of choosing a driver in vain", async () => {
    expect(await chosen({ worker: true, chromium: true })).toContain("start Node with VK_DRIVER_FILES=/cache/icd.json");
  });

  test("another backend of Dawn needs no Vulkan", async () => {
    const { system, done } = machine({ drivers: [rtx], loader: false });
    expect((await findNodeAdapter({ dawnFlags: ["backend=null"] }, system)).adapter).toBeDefined();
    expect(done[0]).toBe("create backend=null");
  });
});

describe("navigator.gpu, as in Deno and Electron", () => {
  const navigatorGpu = (requestAdapter: () => unknown) => () => ({ requestAdapter }) as unknown as GPU;
  const offers = (info: Info | undefined) => navigatorGpu(async () => (info ? { info } : null));
  const rejects = navigatorGpu(() => Promise.reject(new Error("the GPU process crashed")));

  test("is asked before Dawn is loaded", async () => {
    const { system, done } = machine({ navigatorGpu: offers(rtx), drivers: [lavapipe] });
    const { info, reason, candidates } = await findNodeAdapter({}, system);
    expect(info?.description).toBe("RTX");
    expect(reason).toBe("RTX, a GPU, from navigator.gpu");
    expect(candidates).toEqual([{ name: "navigator.gpu", outcome: "RTX, a GPU" }]);
    expect(done).toEqual([]);
  });

  test.each<[string, Machine, NodeAdapterOptions, string]>([
    ["no adapter", { navigatorGpu: offers(undefined) }, {}, "navigator.gpu: no adapter"],
    ["an error", { navigatorGpu: rejects }, {}, "navigator.gpu: failed: the GPU process crashed"],
    [
      "another kind than was asked for",
      { navigatorGpu: offers(rtx) },
      { adapter: "lavapipe" },
      'navigator.gpu: RTX is not of the kind "lavapipe"',
    ],
  ])("%s: Dawn is next", async (_, is, options, tried) => {
    const { system } = machine({ ...is, drivers: [lavapipe] });
    const { info, reason } = await findNodeAdapter(options, system);
    expect(info?.description).toBe("llvmpipe: Mesa 25");
    expect(reason).toContain(`(tried before: ${tried})`);
    const without = machine({ ...is, dawn: new Error("no build") });
    expect((await findNodeAdapter(options, without.system)).reason).toContain(`no build (tried before: ${tried})`);
  });

  test("is not asked for Dawn's own flags, nor for none", async () => {
    const { system } = machine({ navigatorGpu: offers(rtx), drivers: [lavapipe] });
    const { info } = await findNodeAdapter({ dawnFlags: ["backend=null"] }, system);
    expect(info?.description).toBe("llvmpipe: Mesa 25");
    expect((await findNodeAdapter({ adapter: "none" }, system)).adapter).toBeUndefined();
  });
});

test("the environment is changed for the search only", async () => {
  const { system, env, done } = machine({ chromium: true, env: { XDG_RUNTIME_DIR: undefined } });
  await findNodeAdapter({ adapter: "swiftshader" }, system);
  expect(done).toContain("request with VK_DRIVER_FILES=/cache/icd.json XDG_RUNTIME_DIR=/tmp/private");
  expect(done.at(-1)).toBe("remove /tmp/private");
  expect(Object.values(env).filter(Boolean)).toEqual([]);
});

test("searches wait for each other, and an error of one does not end the next", async () => {
  const { system } = machine({ drivers: [rtx], chromium: true });
  const results = await Promise.allSettled([
    findNodeAdapter({ adapter: "swiftshader" }, system),
    findNodeAdapter({ adapter: "nonsense" as "gpu" }, system),
    findNodeAdapter({ adapter: "gpu" }, system),
  ]);
  expect(
    results.map((result) => (result.status === "fulfilled" ? result.value.adapter?.info.description : "error")),
  ).toEqual(["SwiftShader driver", "error", "RTX"]);
});

describe.runIf(process.platform === "linux" && process.arch === "x64")("this machine", () => {
  test("unpacks SwiftShader once", async () => {
    const first = await nodeSystem.swiftShader();
    expect(existsSync(first.driver) && existsSync(first.loader)).toBe(true);
    expect(await nodeSystem.swiftShader()).toEqual(first);
  });

  test("loads the loader of SwiftShader although it is no addon, and says why it cannot load nothing", async () => {
    const { loader } = await nodeSystem.swiftShader();
    expect(nodeSystem.loadLibrary(loader)).toBeUndefined();
    expect(nodeSystem.loadLibrary("libnosuch.so.9")).toContain("libnosuch.so.9");
  });
});

describe("tar", () => {
  const entry = (name: string, data: string, kind = "0") => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write(kind, 156);
    header.write("ustar\0", 257);
    return Buffer.concat([header, Buffer.from(data), Buffer.alloc((512 - (data.length % 512)) % 512)]);
  };
  const read = (...parts: Buffer[]) =>
    Array.from(filesOfTar(Buffer.concat([...parts, Buffer.alloc(1024)])), ({ name, data }) => [name, data.toString()]);

  test("gives the plain files and skips the rest", () => {
    expect(read(entry("folder/", "", "5"), entry("a", "one"), entry("empty", ""), entry("b", "x".repeat(512)))).toEqual(
      [
        ["a", "one"],
        ["empty", ""],
        ["b", "x".repeat(512)],
      ],
    );
  });

  test("refuses what is no archive, and what ends early", () => {
    expect(() => read(Buffer.alloc(512, "x"))).toThrow("byte 0 of the archive is no tar header");
    expect(() => Array.from(filesOfTar(entry("a", "one").subarray(0, 514)))).toThrow('the archive ends within "a"');
  });
});
