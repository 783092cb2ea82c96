/** `npm run bench -- --bundle`: programs that run where there is nothing but Node and the webgpu package. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBundle } from "../../bench/bundle.ts";
import { adapterForTests } from "../support/environment.ts";

const { found } = await adapterForTests();
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));

const execute = promisify(execFile);
/** A program of the bundle, with a path that finds no other program and no settings but the adapter's. */
const run = (name: string, ...args: string[]) => {
  const { WEBGPU_RNN_ADAPTER, VK_DRIVER_FILES, VK_ICD_FILENAMES, HOME } = process.env;
  const env = { HOME, WEBGPU_RNN_ADAPTER, VK_DRIVER_FILES, VK_ICD_FILENAMES };
  return execute(process.execPath, [join(folder, name), ...args], { cwd: folder, env });
};
/** Of the shared cases and of the recorded ones. */
const sample = "cases/lstm_2layer_bidirectional.safetensors";
const recordsOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("a bundle", () => {
  let files: string[] = [];
  beforeAll(async () => {
    files = await writeBundle(folder);
    await mkdir(join(folder, "node_modules"));
    const webgpu = dirname(fileURLToPath(import.meta.resolve("webgpu")));
    symlinkSync(webgpu, join(folder, "node_modules", "webgpu"), "junction");
  });

  test("imports nothing but Node's modules and webgpu", () => {
    const programs = files.filter((file) => file.endsWith(".mjs"));
    expect(programs.map((file) => file.slice(folder.length + 1))).toEqual([
      "bench.mjs",
      "verify.mjs",
      "compare.mjs",
      "workloads.mjs",
    ]);
    for (const file of programs) {
      const text = readFileSync(file, "utf8");
      const foreign = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
      expect(foreign.length).toBeGreaterThan(1);
      expect(foreign.filter((name) => !isBuiltin(name) && name !== "webgpu")).toEqual([]);
      expect(text).not.toContain(process.cwd());
    }
  });

  test("verifies cases on the CPU, and says with what", async () => {
    const { stdout } = await run("verify.mjs", sample, "--backend", "cpu", "--json");
    expect(recordsOf(stdout)).toMatchObject([
      {
        type: "machine",
        versions: {
          "webgpu-rnn": expect.stringMatching(/^\d/),
          node: process.versions.node,
          webgpu: expect.any(String),
        },
      },
      { type: "case", status: "pass" },
      { type: "summary", passed: 1, failed: 0 },
    ]);
  });

  test("verifies and measures on the GPU", async (context) => {
    if (!found.adapter) context.skip(found.reason);
    if (/SwiftShader from npm/.test(found.reason))
      context.skip("SwiftShader comes from npm here, and a bundle has no npm");
    const { stdout } = await run("verify.mjs", sample, "--backend", "gpu");
    expect(stdout).toMatch(/^1 passed, 0 failed$/m);
    const only = "product NT 2048x96x128";
    const measured = recordsOf((await run("bench.mjs", "--only", only, "--rounds", "1", "--json")).stdout);
    const { software, description } = found.info!;
    expect(measured).toMatchObject([
      {
        type: "machine",
        date: expect.stringMatching(/^\d{4}-/),
        versions: { webgpu: expect.any(String) },
        adapter: { software, description },
      },
      { type: "kernel", backend: "gpu", name: only, median: expect.any(Number) },
      { type: "kernel", backend: "wasm", name: only, median: expect.any(Number) },
    ]);
  });

  test("measures in WebAssembly where there is no GPU", async () => {
    const measure = ["--only", "product NT 2048x96x128", "--rounds", "1", "--json"];
    const env = { WEBGPU_RNN_ADAPTER: "none" };
    const { stdout, stderr } = await execute(process.execPath, [join(folder, "bench.mjs"), ...measure], { env });
    expect(stderr).toMatch(/^gpu is left out: /m);
    expect(recordsOf(stdout)).toMatchObject([
      { type: "machine", reasons: { wasm: expect.any(String) } },
      { type: "kernel", backend: "wasm", error: expect.any(Number) },
    ]);
  });

  test("refuses what is no case and no option", async () => {
    await expect(run("verify.mjs", "nothing", "--backend", "cpu")).rejects.toMatchObject({ code: 1 });
    await expect(run("bench.mjs", "--bundle", "other")).rejects.toMatchObject({ code: 1 });
  });
});
