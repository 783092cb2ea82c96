/** The command line as a child whose standard error output is filtered: what is said, how signals come through, how it ends. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readCheckpoint } from "../../src/node.ts";
import { rhyme, small, temporaryFolder } from "../support/command-line.ts";
import { adapterForTests } from "../support/environment.ts";

const { device } = await adapterForTests();
const { at } = temporaryFolder();
const root = fileURLToPath(new URL("../..", import.meta.url));
const filtered = ["scripts/run-ts.mjs", "test/support/run-filtered.ts"];
const commandLine = ["scripts/run-ts.mjs", "src/cli/start.ts"];

type Started = ChildProcess & {
  text: { stdout: string; stderr: string };
  ended: Promise<{ code: number | null; signal: string | null }>;
};

/** @param detached in a group of its own, as a shell starts it */
function start(args: readonly string[], detached = false): Started {
  const child = spawn(process.execPath, args, { cwd: root, detached });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal })),
  );
  return Object.assign(child, { text, ended });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Runs a small program of JavaScript as the child. */
async function runScript(code: string) {
  await writeFile(at("child.mjs"), code);
  const child = start([...filtered, at("child.mjs"), "one argument"]);
  return { ...(await child.ended), ...child.text };
}

const warning = (what: string) =>
  `Warning: maxDynamic${what}BuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.\n`;

describe.skipIf(process.platform === "win32")("a filtered process", () => {
  test("loses Dawn's warnings and nothing else, and ends with its code", async () => {
    const others = [
      "Warning: something else\n",
      "  Warning: maxX artificially reduced from 2 to 1 to fit a limit.\n",
      "error: 한글\n",
    ];
    const said = [warning("Uniform"), ...others, warning("Storage"), "no line end"].join("");
    const { code, stdout, stderr } = await runScript(
      `process.stdout.write(process.argv[2] + "\\n"); process.stderr.write(${JSON.stringify(said)}); process.exitCode = 3;`,
    );
    expect([code, stdout]).toEqual([3, "one argument\n"]);
    expect(stderr).toBe(`${others.join("")}no line end\n`);
  });

  test("that is ended by a signal ends its parent by the same", async () => {
    const { code, signal } = await runScript('process.kill(process.pid, "SIGKILL");');
    expect([code, signal]).toEqual([null, "SIGKILL"]);
  });

  test.skipIf(!device || process.platform !== "linux")("the command line says nothing of Dawn's limits", async () => {
    const info = ["info", "--backend", "gpu"];
    const [direct, quiet] = [start([...commandLine, ...info]), start([...filtered, ...commandLine, ...info])];
    await Promise.all([direct.ended, quiet.ended]);
    expect(quiet.text).toEqual({ stdout: direct.text.stdout, stderr: "" });
    expect(quiet.text.stdout).toMatch(/^backend {3}gpu$/m);
  });

  const hasTerminals = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;
  test.skipIf(!hasTerminals)("its own text goes to the terminal directly", async () => {
    await writeFile(
      at("child.mjs"),
      `import { asFilteredChild } from ${JSON.stringify(`${root}src/cli/filtered-process.ts`)};
       asFilteredChild();
       process.stderr.write("terminal: " + process.stderr.isTTY + " " + process.stderr.columns + "\\n");
       (await import("node:fs")).writeSync(2, ${JSON.stringify(warning("Uniform"))} + "native text\\n");`,
    );
    const program = [process.execPath, ...filtered, "scripts/run-ts.mjs", at("child.mjs")].join(" ");
    const { stdout } = spawnSync("script", ["-qec", `stty cols 97; ${program}`, "/dev/null"], { cwd: root });
    expect(String(stdout).replaceAll("\r", "").split("\n").sort()).toEqual(["", "native text", "terminal: true 97"]);
  });
});

describe.skipIf(process.platform === "win32")("signals to a filtered training", () => {
  const on = ["--backend", "cpu", "--sample-every", "0", "--checkpoint-every", "0", "--steps", "1000000"];

  /** Starts a training that goes on for long, and waits for its fifth step. */
  async function training(detached = false) {
    await writeFile(at("rhyme.txt"), rhyme);
    const args = ["train", at("rhyme.txt"), ...small, ...on, "--out", at("m.safetensors")];
    const child = start([...filtered, ...commandLine, ...args], detached);
    await until(() => child.text.stdout.includes('"step":5,'));
    return child;
  }
  const savedStep = async () => readCheckpoint(await readFile(at("m.safetensors"))).progress?.step;
  const lastRecord = ({ text }: Started) => JSON.parse(text.stdout.trimEnd().split("\n").at(-1)!);

  test("one to the parent alone saves and ends", async () => {
    const child = await training();
    child.kill("SIGTERM");
    expect(await child.ended).toEqual({ code: 143, signal: null });
    expect(lastRecord(child)).toMatchObject({ type: "end", interrupted: true, step: await savedStep() });
  });

  test("Ctrl-C, which both get, is one signal", async () => {
    const child = await training(true);
    process.kill(-child.pid!, "SIGINT");
    expect(await child.ended).toEqual({ code: 130, signal: null });
    expect(lastRecord(child)).toMatchObject({ type: "end", interrupted: true, step: await savedStep() });
    expect(child.text.stderr).toBe("stopping after the steps under way; Ctrl-C again quits at once\n");
  });

  test("a parent that is killed leaves no training behind", async () => {
    const child = await training();
    child.kill("SIGKILL");
    // Its standard output closes when the last process that has it ends.
    expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(lastRecord(child)).toMatchObject({ type: "end", interrupted: true, step: await savedStep() });
  });
});
