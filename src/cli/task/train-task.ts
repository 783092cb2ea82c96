/** `train --task`: rows in, a task's file out. */
import { type Command, Option } from "commander";
import { writeFileAtomic } from "../../io/files.ts";
import { Runtime } from "../../node.ts";
import { type ColumnKind, columnKinds, type Progress, poolings } from "../../tasks/index.ts";
import { runningOn, runtimeOptions } from "../backend.ts";
import { type Interrupt, interruptible } from "../interrupt.ts";
import { checkNotReplaced, checkWritable, freshPath } from "../out-path.ts";
import { clock, errorRecord, exitCodeOf, grouped, printError, quoted, terminalOf, UsageError } from "../terminal.ts";
import { optimizerOf, scheduleOf, type TrainFlags } from "../train-options.ts";
import type { CliTask, TaskFlags } from "./cli-task.ts";
import { readRows } from "./read-rows.ts";
import { cliTasks, taskNames } from "./tasks.ts";

/** Options of `train` that every task has. */
const COMMON = [
  ...[
    "task",
    "demo",
    "epochs",
    "batch",
    "seed",
    "validationFraction",
    "out",
    "force",
    "backend",
    "threads",
    "json",
    "verbose",
  ],
  ...["cell", "hiddenSize", "numLayers", "embeddingDim", "optimizer", "lr", "clipNorm", "schedule"],
];

/** `--column text=words`, as often as there are columns. */
function column(given: string, before: Record<string, ColumnKind> = {}): Record<string, ColumnKind> {
  const [name, kind] = given.split("=");
  if (!name || !columnKinds.includes(kind as ColumnKind))
    throw new UsageError(`--column ${given}: expected NAME=KIND with one of ${columnKinds.join(", ")}`);
  return { ...before, [name]: kind as ColumnKind };
}

/** Adds the options of tasks to `train`. */
export function addTaskOptions(command: Command): void {
  command.optionsGroup(`Tasks: ${cliTasks.map(({ name, about }) => `${name} (${about})`).join(", ")}`);
  command.addOption(
    new Option("--task <name>", "train this on rows, in place of a character model on texts").choices(taskNames),
  );
  command.option("--demo", "on rows that are made up, in place of a file");
  command.option("--label <column>", "the column with the class (default: label)");
  command.addOption(
    new Option(
      "--column <name=kind>",
      `what a column is: ${columnKinds.join(", ")} (default: guessed and shown)`,
    ).argParser(column),
  );
  command.addOption(new Option("--pooling <how>", "how steps become one vector").choices(poolings));
}

/** Runs `train --task` and gives its exit code. */
export async function trainTask(paths: readonly string[], flags: TrainFlags, command: Command): Promise<number> {
  const [out, err] = [terminalOf(process.stdout), terminalOf(process.stderr)];
  const json = flags.json === true;
  const interrupt = interruptible(() => err.line("stopping after the steps under way; Ctrl-C again quits at once"));
  try {
    const cliTask = cliTasks.find(({ name }) => name === flags.task)!;
    const given = givenFlags(cliTask, flags, command);
    if (flags.demo === true ? paths.length > 0 : paths.length !== 1)
      throw new UsageError(`--task ${cliTask.name} takes one file with rows, or --demo`);
    const path = flags.out ?? freshPath();
    if (!flags.force) await checkNotReplaced(path, undefined);
    await checkWritable(path);
    const { rows, format } = flags.demo ? { rows: cliTask.demo(), format: "made up" } : await readRows(paths[0]!);
    const what = `${grouped(rows.length)} rows (${format}): ${cliTask.describe(rows, given)}`;
    const runtime = await Runtime.open(runtimeOptions(flags));
    try {
      const tell = reporterOf(json, out);
      tell.start({ what, backend: runningOn(runtime.info()), out: path });
      const fit = cliTask.fit(runtime, rows, { ...given, signal: interrupt.signal });
      for await (const progress of fit) tell.progress(progress);
      const task = await fit;
      const bytes = await task.save();
      await writeFileAtomic(path, bytes);
      tell.end({ path, steps: task.steps, bytes: bytes.length, interrupt, data: flags.demo ? undefined : paths[0] });
    } finally {
      runtime.dispose();
    }
    return interrupt.exitCode ?? 0;
  } catch (error) {
    printError(error);
    if (json) out.line(JSON.stringify(errorRecord(error)));
    return exitCodeOf(error);
  } finally {
    interrupt.release();
  }
}

/** What of the command line is given, by the tasks' names. @throws UsageError for an option that the task does not have */
function givenFlags({ name, takes }: CliTask, flags: TrainFlags, command: Command): TaskFlags {
  const given = command.options
    .map((option) => ({ attribute: option.attributeName(), long: option.long! }))
    .filter(({ attribute }) => command.getOptionValueSource(attribute) === "cli");
  const other = given.find(({ attribute }) => ![...COMMON, ...takes].includes(attribute));
  if (other) throw new UsageError(`${other.long} is no option of --task ${name}`);
  const has = (attribute: string) => given.some((one) => one.attribute === attribute);
  const values = flags as unknown as Readonly<Record<string, unknown>>;
  const plain = [...takes, "epochs", "batch", "seed", "cell", "hiddenSize", "numLayers", "embeddingDim", "clipNorm"];
  const renamed = { column: "columns" } as Readonly<Record<string, string>>;
  return {
    ...Object.fromEntries(plain.filter(has).map((attribute) => [renamed[attribute] ?? attribute, values[attribute]])),
    ...(has("validationFraction") && { validation: flags.validationFraction }),
    ...((has("optimizer") || has("lr")) && { optimizer: optimizerOf(flags) }),
    ...(has("schedule") && { schedule: scheduleOf(flags, 1) }),
  };
}

interface End {
  readonly path: string;
  readonly steps: number;
  readonly bytes: number;
  readonly interrupt: Interrupt;
  readonly data: string | undefined;
}

/** Tells a person, or a script, how a training goes. */
function reporterOf(json: boolean, { line, colors }: ReturnType<typeof terminalOf>) {
  const record = (type: string, content: object) => line(JSON.stringify({ type, ...content }));
  const metricsOf = (metrics: Readonly<Record<string, number>>) =>
    Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  return {
    start(content: { what: string; backend: string; out: string }) {
      if (json) record("start", content);
      else for (const text of [content.backend, content.what]) line(text);
    },
    progress(progress: Progress) {
      const { epoch, epochs, loss, validation, secondsLeft, step, steps } = progress;
      if (json) record(validation ? "validation" : "step", progress);
      else if (validation || step === steps) {
        const measured = validation
          ? `, held out: loss ${validation.loss.toFixed(4)}, ${metricsOf(validation.metrics).join(", ")}`
          : "";
        line(`epoch ${epoch}/${epochs}: loss ${loss.toFixed(4)}${measured}; ${clock(secondsLeft)} left`);
      }
    },
    end({ path, steps, bytes, interrupt, data }: End) {
      const interrupted = interrupt.exitCode !== undefined;
      if (json) record("end", { path, steps, bytes, interrupted });
      else {
        line(`${colors.green(`${interrupted ? "stopped after" : "trained"} ${steps} steps`)}; saved to ${path}`);
        line(
          `try: ${colors.bold(`npx webgpu-rnn ${data ? `evaluate ${quoted(path)} ${quoted(data)}` : `predict ${quoted(path)} -`}`)}`,
        );
      }
    },
  };
}
