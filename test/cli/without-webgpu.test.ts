/** `npm start` where there is no WebGPU at all: Dawn cannot be loaded, and nothing else is there. The page's part is in test/demo. */
import { readFile } from "node:fs/promises";
import { afterAll, expect, test, vi } from "vitest";
import { readCheckpoint } from "../../src/node.ts";
import { commandLine, temporaryFolder } from "../support/command-line.ts";

vi.mock("webgpu", () => {
  throw new Error("Cannot find package 'webgpu'");
});
const { at } = temporaryFolder();
const adapter = process.env.WEBGPU_RNN_ADAPTER;
delete process.env.WEBGPU_RNN_ADAPTER;
afterAll(() => {
  if (adapter !== undefined) process.env.WEBGPU_RNN_ADAPTER = adapter;
});

test("npm start trains on WebAssembly, and generate writes there", async () => {
  const { scripts } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  const [, , ...args] = (scripts.start as string).split(" ");
  const out = at("m.safetensors");
  const { code, stdout, stderr } = await commandLine(...args, "--steps", "30", "--out", out);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^no training step was checked on WebGPU: there is no WebGPU in Node: /);
  expect(stdout).toMatch(/^running on the CPU: WebAssembly, because there is no WebGPU in Node: /m);
  expect(stdout).toMatch(/^finished 30 steps /m);
  const [first, last] = [/^step 1\/30 {2}loss ([\d.]+)/m, /^step 30\/30 {2}loss ([\d.]+)/m].map((line) =>
    Number(line.exec(stdout)?.[1]),
  );
  expect(last).toBeLessThan(first! - 1);
  expect(readCheckpoint(await readFile(out)).progress?.step).toBe(30);
  const written = await commandLine("generate", out, "--length", "40");
  expect(written.code).toBe(0);
  expect(written.stderr).toMatch(/^running on the CPU: WebAssembly, because /);
  expect([...written.stdout].length).toBeGreaterThan(30);
});
