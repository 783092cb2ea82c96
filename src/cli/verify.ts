/** `verify`: does this library compute what PyTorch computed? */
import { type Command, Option } from "commander";
import { NoAdapterError } from "../errors.ts";
import { findFiles, readBytes } from "../io/files.ts";
import { Runtime } from "../node.ts";
import { type ParityCase, readCase } from "./parity-case.ts";
import { messageOf, terminalOf, wrap } from "./terminal.ts";
import { runCase } from "./verify-case.ts";
import {
  type BackendName,
  type BackendOutcome,
  type CaseOutcome,
  COLUMNS,
  caseRecord,
  countOutcomes,
  showCase,
  showSummary,
} from "./verify-report.ts";
import { readVersions } from "./versions.ts";

async function runOn(runtime: Runtime, read: ParityCase): Promise<BackendOutcome> {
  try {
    const tensors = await runCase(runtime, read);
    return { status: tensors.every(({ ok }) => ok) ? "pass" : "fail", tensors };
  } catch (error) {
    return { status: "fail", reason: messageOf(error), tensors: [] };
  }
}

/** Checks one file on every runtime. Whatever is wrong with it is its outcome, so that the other files are still checked. */
export async function verifyFile(file: string, runtimes: readonly Runtime[]): Promise<CaseOutcome> {
  let read: ParityCase;
  try {
    read = readCase(await readBytes(file));
  } catch (error) {
    return { file, status: "fail", reason: messageOf(error), backends: {} };
  }
  const backends: Partial<Record<BackendName, BackendOutcome>> = {};
  for (const runtime of runtimes) backends[runtime.backend] = await runOn(runtime, read);
  const status = Object.values(backends).every((outcome) => outcome.status === "pass") ? "pass" : "fail";
  return { file, status, fields: read.fields, backends };
}

/** The backends that each choice checks. */
const choices: Readonly<Record<VerifyOptions["backend"], readonly BackendName[]>> = {
  gpu: ["gpu"],
  wasm: ["wasm"],
  cpu: ["cpu"],
  both: ["gpu", "cpu"],
  all: ["gpu", "wasm", "cpu"],
};

/** A runtime on it, or why there is none. */
async function open(backend: BackendName): Promise<Runtime | NoAdapterError> {
  try {
    return await Runtime.open({ backend });
  } catch (cause) {
    if (!(cause instanceof NoAdapterError)) throw cause;
    return new NoAdapterError(cause.message.replace(/; use \{ backend.*$/, ""), { cause });
  }
}

/** Where and when the records that follow were made, as one line of JSON. */
async function machineRecord(
  runtimes: readonly Runtime[],
  notChecked: Partial<Record<BackendName, string>>,
): Promise<string> {
  const adapter = runtimes.find(({ backend }) => backend === "gpu")?.info().adapter;
  return JSON.stringify({
    type: "machine",
    date: new Date().toISOString(),
    versions: await readVersions(),
    ...(adapter && { adapter }),
    ...(Object.keys(notChecked).length > 0 && { notChecked }),
  });
}

interface VerifyOptions {
  readonly backend: BackendName | "both" | "all";
  readonly json?: true;
}

/** @throws DataError for a path that cannot be read, NoAdapterError when a GPU is asked for and there is none (`all` goes on) */
async function verify(paths: readonly string[], { backend, json }: VerifyOptions): Promise<void> {
  const { line, colors } = terminalOf(process.stdout);
  const files = await findFiles(paths, ".safetensors", "check the path; docs/cases.md says how to record cases");
  const runtimes: Runtime[] = [];
  try {
    const notChecked: Partial<Record<BackendName, string>> = {};
    for (const name of choices[backend]) {
      const runtime = await open(name);
      if (runtime instanceof NoAdapterError) {
        const why = runtime.message;
        if (backend !== "all" || name !== "gpu")
          throw new NoAdapterError(`verify: ${why}; --backend cpu checks the CPU alone`, { cause: runtime.cause });
        notChecked[name] = why;
        if (!json) line(wrap(`${name}: not checked, ${why}`, COLUMNS));
        continue;
      }
      runtimes.push(runtime);
      const { reason } = runtime.info();
      if (!json) line(wrap(name === "cpu" ? "cpu: the kernels' twins in float64" : `${name}: ${reason}`, COLUMNS));
    }
    if (json) line(await machineRecord(runtimes, notChecked));
    else line();
    const outcomes: CaseOutcome[] = [];
    for (const file of files) {
      const outcome = await verifyFile(file, runtimes);
      outcomes.push(outcome);
      line(json ? caseRecord(outcome) : showCase(outcome, colors));
    }
    const counts = countOutcomes(outcomes);
    line(json ? JSON.stringify({ type: "summary", ...counts }) : showSummary(outcomes, colors));
    if (counts.failed > 0) process.exitCode = 1;
  } finally {
    for (const runtime of runtimes) runtime.dispose();
  }
}

/** Adds the command to the command line. */
export function register(program: Command): void {
  program
    .command("verify")
    .description("check this machine against PyTorch: run parity cases, print the worst error of each tensor")
    .argument("<paths...>", "parity cases (.safetensors), or folders of them; docs/cases.md says how to record some")
    .addOption(new Option("--backend <name>", "where to run them").choices(Object.keys(choices)).default("both"))
    .option("--json", "print one JSON record per line, for scripts")
    .action(verify);
}
