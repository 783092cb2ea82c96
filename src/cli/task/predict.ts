/** `predict` and `evaluate`: what a trained task says of rows, and how good that is. */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { DataError } from "../../errors.ts";
import { readBytes, STANDARD_INPUT } from "../../io/files.ts";
import { whole } from "../arguments.ts";
import { type BackendFlags, backendOption, threadsOption, tunedOption } from "../backend.ts";
import { terminalOf, UsageError } from "../terminal.ts";
import type { CliTask, Said, TaskFlags, Trained } from "./cli-task.ts";
import { hasRows, jsonRow, readRows } from "./read-rows.ts";
import { runtimeFor, taskOfFile } from "./tasks.ts";

interface Flags extends BackendFlags {
  readonly text?: string;
  readonly beam?: number;
  readonly json?: true;
}

const WAY_OUT = "check the path, or train a model (webgpu-rnn train --task NAME DATA --out MODEL)";

/** A model, its task, and what of the command line is for it. */
interface Opened {
  readonly task: Trained;
  readonly cliTask: CliTask;
  readonly given: TaskFlags;
}

/** Opens a model's task, and closes the runtime behind it. */
async function withTask(path: string, flags: Flags, use: (opened: Opened) => Promise<void>): Promise<void> {
  const bytes = await readBytes(path, WAY_OUT);
  const cliTask = taskOfFile(bytes, path);
  const { text, beam } = flags;
  if (text !== undefined && !cliTask.asks?.includes("text"))
    throw new UsageError(`--text is for models of texts alone; a ${cliTask.kind} knows its columns`);
  if (beam !== undefined && !cliTask.asks?.includes("beam"))
    throw new UsageError(
      `--beam is for models that write texts, translators and captioners; this is a ${cliTask.kind}`,
    );
  const given = { ...(text !== undefined && { text }), ...(beam !== undefined && { beam }) };
  const runtime = await runtimeFor(cliTask, flags);
  try {
    await use({ task: await cliTask.load(runtime, bytes), cliTask, given });
  } finally {
    runtime.dispose();
  }
}

/** Prints what was said: a record for scripts, lines for people. */
function teller({ json }: Flags): (said: Said) => void {
  const { line } = terminalOf(process.stdout);
  return ({ record, lines }) => (json ? line(JSON.stringify(record)) : lines.forEach((text) => void line(text)));
}

async function predict(path: string, texts: readonly string[], flags: Flags): Promise<void> {
  await withTask(path, flags, async ({ task, cliTask, given }) => {
    const tell = teller(flags);
    const say = async (rows: readonly object[]) => (await cliTask.predict(task, rows, given)).forEach(tell);
    const sayOne = async (row: object, where: string) => {
      try {
        await say([row]);
      } catch (error) {
        // Of one row by itself, "row 0" tells nobody which it was.
        if (!(error instanceof DataError)) throw error;
        throw new DataError(error.message.replace(/^(row|text) 0: /, `${where}: `), { cause: error });
      }
    };
    // What a model says something of are the lines of a text, whatever it was trained on.
    const read = async (file: string) =>
      (await readRows(file, { ...cliTask.reading?.(task as never), isOneText: false })).rows;
    if (texts.length === 0 && cliTask.predictNone) return (await cliTask.predictNone(task)).forEach(tell);
    for (const text of texts.length > 0 ? texts : [STANDARD_INPUT]) {
      if (hasRows(text)) await say(await read(text));
      else if (cliTask.rowOf && text === STANDARD_INPUT) {
        // Line by line, so that a program may write into it and read the answers.
        let number = 0;
        for await (const line of createInterface({ input: process.stdin })) {
          number += 1;
          if (line.trim() === "") continue;
          const where = `standard input, line ${number}`;
          await sayOne(line.startsWith("{") ? jsonRow(line, where) : cliTask.rowOf(task, line), where);
        }
      } else if (cliTask.rowOf) await sayOne(cliTask.rowOf(task, text), JSON.stringify(text));
      else if (text === STANDARD_INPUT) await say(await read(text));
      else
        throw new UsageError(
          `a ${cliTask.kind} says nothing of a text such as ${JSON.stringify(text)}; give a file with rows (.csv, .tsv, .jsonl)`,
        );
    }
  });
}

async function evaluate(path: string, data: string, flags: Flags): Promise<void> {
  await withTask(path, flags, async ({ task, cliTask, given }) => {
    const { rows } = await readRows(data, cliTask.reading?.(task as never));
    teller(flags)(await cliTask.evaluate(task, rows, given));
  });
}

const textOption = ["--text <column>", "language, ngram: the column with the text (default: text)"] as const;
const beamOption = [
  "--beam <n>",
  "translate, caption: hypotheses of a beam search (default: 1, greedy)",
  whole(),
] as const;

/** Adds the commands to the command line. */
export function register(program: Command): void {
  program
    .command("predict")
    .summary("what a trained task says of texts or rows")
    .description(
      "Says what a model of train --task makes of texts, of the rows of a file, or of standard input, line by line.",
    )
    .argument("<model>", "a file of train --task")
    .argument(
      "[texts...]",
      "texts; a file with rows (.csv, .tsv, .jsonl, .conllu, .txt); - is standard input (default, but of a forecaster)",
    )
    .option(...textOption)
    .option(...beamOption)
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(tunedOption())
    .option("--json", "print one JSON record for each row, for scripts")
    .action(predict);
  program
    .command("evaluate")
    .summary("how good a trained task is on rows that say what is right")
    .description("Measures a model of train --task on the rows of a file, and prints tables.")
    .argument("<model>", "a file of train --task")
    .argument("<data>", "a file with rows: .csv, .tsv, .jsonl, .conllu, .txt")
    .option(...textOption)
    .option(...beamOption)
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(tunedOption())
    .option("--json", "print one JSON record, for scripts")
    .action(evaluate);
}
