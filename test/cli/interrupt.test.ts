/** What needs a process of its own: signals, and what the system sees of its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { interruptible } from "../../src/cli/interrupt.ts";
import { readCheckpoint } from "../../src/node.ts";
import { commandLine, losses, of, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";

const { at, folder } = temporaryFolder();
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Starts the command line from its sources. */
function start(
  ...args: string[]
): ChildProcess & { text: { stdout: string; stderr: string }; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ["scripts/run-ts.mjs", "src/cli/main.ts", ...args], { cwd: root });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return Object.assign(child, { text, ended });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const on = ["--backend", "cpu", "--sample-every", "0", "--checkpoint-every", "0"];

test.skipIf(process.platform === "win32")(
  "Ctrl-C saves, ends with 130, and training goes on to the same losses",
  async () => {
    await writeFile(at("rhyme.txt"), rhyme);
    const child = start("train", at("rhyme.txt"), ...small, ...on, "--steps", "100000", "--out", at("m.safetensors"));
    await until(() => child.text.stdout.includes('"step":5,'));
    child.kill("SIGINT");
    expect(await child.ended).toBe(130);
    const records = child.text.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const end = records.at(-1);
    expect(end).toMatchObject({ type: "end", interrupted: true, checkpoint: at("m.safetensors") });
    expect(end.resume).toBe(`npx webgpu-rnn train --resume ${at("m.safetensors")} ${at("rhyme.txt")}`);
    expect(child.text.stderr).toMatch(/stopping after the steps under way; Ctrl-C again quits at once/);
    expect(readCheckpoint(await readFile(at("m.safetensors"))).progress?.step).toBe(end.step);
    expect(await readdir(folder())).toEqual(["m.safetensors", "rhyme.txt"]);

    const steps = String(end.step + 5);
    const resumed = await train(at("rhyme.txt"), "--json", ...on, "--resume", at("m.safetensors"), "--steps", steps);
    const whole = await train(at("rhyme.txt"), ...small, ...on, "--steps", steps, "--out", at("whole.safetensors"));
    expect([...losses(records), ...losses(resumed.records)]).toEqual(losses(whole.records));
    expect(of(resumed.records, "start")[0]?.step).toBe(end.step);
  },
);

test.skipIf(process.platform === "win32")("Ctrl-C saves a task, which says what it learned until then", async () => {
  const wasm = ["--backend", "wasm", "--threads", "1"];
  const options = [...wasm, "--hidden-size", "8", "--epochs", "100000", "--json", "--out", at("m.safetensors")];
  const child = start("train", "--task", "forecast", "--demo", ...options);
  await until(() => child.text.stdout.includes('"step":5,'));
  child.kill("SIGINT");
  expect(await child.ended).toBe(130);
  const end = JSON.parse(child.text.stdout.trim().split("\n").at(-1)!);
  expect(end).toMatchObject({ type: "end", interrupted: true, path: at("m.safetensors") });
  expect(end.steps).toBeGreaterThanOrEqual(5);
  const said = await commandLine("predict", at("m.safetensors"), "--json", ...wasm);
  expect(said.stdout.trim().split("\n")).toHaveLength(7);
});

test("the first signal asks for an end, the second one quits", () => {
  const exit = vi.spyOn(process, "exit").mockImplementation((() => {}) as never);
  const before = { SIGINT: process.listenerCount("SIGINT"), SIGTERM: process.listenerCount("SIGTERM") };
  for (const [name, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    let asked = 0;
    const interrupt = interruptible(() => asked++);
    const send = process.listeners(name).at(-1) as () => void;
    expect([interrupt.signal.aborted, interrupt.exitCode]).toEqual([false, undefined]);
    send();
    expect([interrupt.signal.aborted, interrupt.exitCode, asked]).toEqual([true, code, 1]);
    expect(exit).not.toHaveBeenCalled();
    send();
    expect(exit.mock.calls).toEqual([[code]]);
    interrupt.release();
    expect(process.listenerCount(name)).toBe(before[name]);
    exit.mockClear();
  }
  exit.mockRestore();
});

test("the exit code of a wrong call is 2, of an error 1, and errors are one line", async () => {
  const calls = [start("trian"), start("generate", at("missing")), start("--version")];
  expect(await Promise.all(calls.map(({ ended }) => ended))).toEqual([2, 1, 0]);
  expect(calls[0]!.text.stderr).toMatch(/unknown command 'trian'\n\(Did you mean train\?\)/);
  expect(calls[1]!.text.stderr).toMatch(/^error: .*missing: cannot be read.*\n$/);
  expect(calls[2]!.text.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
