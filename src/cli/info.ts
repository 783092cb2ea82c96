/** `info`: what runs where, and why. */
import type { Command } from "commander";
import { Runtime, showBytes } from "../node.ts";
import { type BackendFlags, backendOption, runtimeOptions, threadsOption, tunedOption } from "./backend.ts";
import { terminalOf, wrap } from "./terminal.ts";
import { COLUMNS } from "./verify-report.ts";
import { readVersions } from "./versions.ts";

/** A titled row; further lines stand under the first. */
const row = (title: string, text: string): string =>
  title.padEnd(10) + wrap(text, COLUMNS - 10, "").replaceAll("\n", `\n${" ".repeat(10)}`);

const showLimit = (name: string, value: number): string =>
  `${name.padEnd(34)} ${String(value).padStart(12)}${/Size$/.test(name) && value >= 1024 ? `  ${showBytes(value)}` : ""}`;

/** The backends that compute on the CPU, in words. */
const onCpu = { wasm: "wasm: WebAssembly with SIMD, in float32", cpu: "cpu: the kernels' twins in float64, slow" };

/** A note as it is said here: the library names its own functions. */
const forCommands = (note: string): string => note.replace("runtime.tune", "webgpu-rnn tune");

interface InfoOptions extends BackendFlags {
  readonly json?: true;
}

async function info({ json, ...flags }: InfoOptions): Promise<void> {
  const { line } = terminalOf(process.stdout);
  const versions = await readVersions();
  const runtime = await Runtime.open(runtimeOptions(flags));
  try {
    const found = runtime.info();
    if (json) {
      line(JSON.stringify({ type: "info", versions, ...found }));
      return;
    }
    const { backend, adapter, reason, tuned, candidates, features, limits } = found;
    const dawn = versions.webgpu === null ? "webgpu is not installed" : `webgpu (Dawn) ${versions.webgpu}`;
    line(`webgpu-rnn ${versions["webgpu-rnn"]}, Node ${versions.node}, ${versions.platform}, ${dawn}\n`);
    line(row("backend", backend === "gpu" ? "gpu" : onCpu[backend]));
    if (adapter) {
      const { vendor, architecture, device, description, software } = adapter;
      const parts = { vendor, architecture, device };
      const named = Object.entries(parts).filter(([, value]) => value !== "");
      const what = [description || "no description", ...named.map(([name, value]) => `${name} ${value}`)].join(", ");
      line(row("adapter", `${what}; ${software ? "software: it computes on the CPU" : "hardware"}`));
    }
    line(row("why", reason));
    candidates.forEach(({ name, outcome }, i) => {
      line(row(i === 0 ? "tried" : "", `${i + 1}. ${name}: ${outcome}`));
    });
    if (tuned) {
      const some = `${tuned.choices} kernel variants as webgpu-rnn tune measured (--no-tuned leaves them out)`;
      line(row("tuned", [...(tuned.choices > 0 ? [some] : []), ...tuned.notes.map(forCommands)].join("; ")));
    }
    if (backend === "cpu") return;
    line(row("features", features.join(", ") || "none"));
    Object.entries(limits).forEach(([name, value], i) => {
      line((i === 0 ? "limits" : "").padEnd(10) + showLimit(name, value));
    });
  } finally {
    runtime.dispose();
  }
}

/** Adds the command to the command line. */
export function register(program: Command): void {
  program
    .command("info")
    .description("show the adapters that were found, the one that is used and why, its features and limits")
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(tunedOption())
    .option("--json", "print one JSON record, for scripts")
    .action(info);
}
