/** `predict` and `evaluate`: what a trained task says of rows, and how good that is. */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { readBytes, STANDARD_INPUT } from "../../io/files.ts";
import { Runtime } from "../../node.ts";
import { type BackendFlags, backendOption, runtimeOptions, threadsOption } from "../backend.ts";
import { terminalOf } from "../terminal.ts";
import type { AnyTask, CliTask, Said } from "./cli-task.ts";
import { hasRows, readRows } from "./read-rows.ts";
import { openTask } from "./tasks.ts";

interface Flags extends BackendFlags {
  readonly json?: true;
}

const WAY_OUT = "check the path, or train a model (webgpu-rnn train --task NAME DATA --out MODEL)";

/** Opens a model's task, and closes the runtime behind it. */
async function withTask(
  path: string,
  flags: Flags,
  use: (task: AnyTask, cliTask: CliTask) => Promise<void>,
): Promise<void> {
  const bytes = await readBytes(path, WAY_OUT);
  const runtime = await Runtime.open(runtimeOptions(flags));
  try {
    const { task, cliTask } = openTask(runtime, bytes, path);
    await use(task, cliTask);
  } finally {
    runtime.dispose();
  }
}

/** Prints what was said: a record for scripts, lines for people. */
function teller({ json }: Flags): (said: Said) => void {
  const { line } = terminalOf(process.stdout);
  return ({ record, lines }) => (json ? line(JSON.stringify(record)) : lines.forEach((text) => void line(text)));
}

async function predict(path: string, given: readonly string[], flags: Flags): Promise<void> {
  await withTask(path, flags, async (task, cliTask) => {
    const tell = teller(flags);
    const say = async (rows: readonly object[]) => (await cliTask.predict(task, rows)).forEach(tell);
    for (const text of given.length > 0 ? given : [STANDARD_INPUT]) {
      if (text === STANDARD_INPUT) {
        // Line by line, so that a program may write into it and read the answers.
        for await (const line of createInterface({ input: process.stdin }))
          if (line.trim() !== "") await say([line.startsWith("{") ? JSON.parse(line) : cliTask.rowOf(task, line)]);
      } else if (hasRows(text)) await say((await readRows(text)).rows);
      else await say([cliTask.rowOf(task, text)]);
    }
  });
}

async function evaluate(path: string, data: string, flags: Flags): Promise<void> {
  const { rows } = await readRows(data);
  await withTask(path, flags, async (task, cliTask) => teller(flags)(await cliTask.evaluate(task, rows)));
}

/** Adds the commands to the command line. */
export function register(program: Command): void {
  program
    .command("predict")
    .summary("what a trained task says of texts or rows")
    .description(
      "Says what a model of train --task makes of texts, of the rows of a file, or of standard input, line by line.",
    )
    .argument("<model>", "a .safetensors file of train --task")
    .argument(
      "[texts...]",
      "texts; a file with rows (.csv, .tsv, .jsonl, .conllu, .txt); - is standard input (default)",
    )
    .addOption(backendOption())
    .addOption(threadsOption())
    .option("--json", "print one JSON record for each row, for scripts")
    .action(predict);
  program
    .command("evaluate")
    .summary("how good a trained task is on rows that say what is right")
    .description("Measures a model of train --task on the rows of a file, and prints tables.")
    .argument("<model>", "a .safetensors file of train --task")
    .argument("<data>", "a file with rows: .csv, .tsv, .jsonl, .conllu, .txt")
    .addOption(backendOption())
    .addOption(threadsOption())
    .option("--json", "print one JSON record, for scripts")
    .action(evaluate);
}
