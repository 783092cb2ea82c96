/** Tuned tables as data: what is read, what is left out, what is refused. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cacheFolder } from "../../src/io/cache-folder.ts";
import { adapterKey, makeTable, readTable, VERSION } from "../../src/tuning/tuning-table.ts";

const key = "matmul M 64 N 512 K 64 batches 1 results 32768";
const variant = { ROWS: 4, COLUMNS: 4, LANES: 64, SHARED: 1 };

test("a table is JSON and comes back as it was", () => {
  const table = makeTable("an adapter", { [key]: variant, "recurrent B 1 words 16 gates 4 directions 1": "block" });
  expect(readTable(JSON.parse(JSON.stringify(table)), "an adapter")).toEqual({ choices: table.choices, notes: [] });
});

test("the order of a variant's members does not count", () => {
  const { choices } = readTable(makeTable("a", { [key]: { LANES: 64, COLUMNS: 4, SHARED: 1, ROWS: 4 } }), "a");
  expect(choices).toEqual({ [key]: variant });
});

test("kernels and variants that this version does not have are left out and named", () => {
  const table = {
    ...makeTable("a", {
      "convolution N 4": { LANES: 8 },
      "toString N 4": "block",
      [key]: { ROWS: 16, COLUMNS: 16, LANES: 4 },
      "scan T 64 columns 8": "chunks",
      "scan T 1 columns 8": null,
    }),
    version: "0.0.9",
  };
  const { choices, notes } = readTable(table, "a");
  expect(choices).toEqual({ "scan T 64 columns 8": "chunks" });
  expect(notes).toEqual([
    `"convolution N 4" of version 0.0.9 is left out: ${VERSION} has no choice of "convolution"; tune again`,
    `"toString N 4" of version 0.0.9 is left out: ${VERSION} has no choice of "toString"; tune again`,
    `"${key}" of version 0.0.9 is left out: ${VERSION} has no variant {"ROWS":16,"COLUMNS":16,"LANES":4} of matmul; tune again`,
    `"scan T 1 columns 8" of version 0.0.9 is left out: ${VERSION} has no variant null of scan; tune again`,
  ]);
});

test("a table of another adapter is not used", () => {
  expect(readTable(makeTable("GPU one", { [key]: variant }), "GPU two")).toEqual({
    choices: {},
    notes: ["the table was made on GPU one, and this is GPU two: nothing of it is used; tune here"],
  });
});

test.each([
  ["nothing", null],
  ["a text", "{}"],
  ["a list", []],
  ["another file", { format: "vocabulary", choices: {} }],
  ["no choices", { ...makeTable("a", {}), choices: null }],
  ["no adapter", { ...makeTable("a", {}), adapter: undefined }],
])("%s is no table", (_, given) => {
  expect(() => readTable(given, "a")).toThrow(/is no tuning table; give what runtime\.tune returned as its table/);
});

test("the version is the package's", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(VERSION).toBe(version);
});

test("an adapter is called by all that it tells", () => {
  const nothing = { vendor: "", architecture: "", device: "", description: "", software: false };
  expect(adapterKey({ ...nothing, vendor: "intel", architecture: "gen-9" })).toBe("gen-9, intel");
  expect(adapterKey(nothing)).toBe("an adapter without a name");
});

describe("the folder of what can be made again", () => {
  test.each([
    ["linux", {}, join(homedir(), ".cache")],
    ["linux", { XDG_CACHE_HOME: "/elsewhere" }, "/elsewhere"],
    ["darwin", {}, join(homedir(), "Library", "Caches")],
    ["darwin", { XDG_CACHE_HOME: "/elsewhere" }, "/elsewhere"],
    ["win32", { LOCALAPPDATA: "/local" }, "/local"],
    ["win32", {}, join(homedir(), "AppData", "Local")],
  ] as const)("on %s with %o", (platform, env, folder) => {
    expect(cacheFolder(env, platform)).toBe(join(folder, "webgpu-rnn"));
  });
});
