/** `train --task`: rows in, a task's file out. */
import { type Command, Option } from "commander";
import { writeFileAtomic } from "../../io/files.ts";
import {
  attentions,
  type ColumnKind,
  columnKinds,
  ngramSmoothings,
  type Progress,
  poolings,
  textUnits,
} from "../../tasks/index.ts";
import { part, real, reals, whole, wholes } from "../arguments.ts";
import { runningOn } from "../backend.ts";
import { type Interrupt, interruptible } from "../interrupt.ts";
import { checkNotReplaced, checkWritable, freshPath } from "../out-path.ts";
import { clock, errorRecord, exitCodeOf, grouped, printError, quoted, terminalOf, UsageError } from "../terminal.ts";
import { optimizerFlagNames, optimizerOf, scheduleFlagNames, scheduleOf, type TrainFlags } from "../train-options.ts";
import { type CliTask, learned, type TaskFlags } from "./cli-task.ts";
import { readRows } from "./read-rows.ts";
import { cliTasks, runtimeFor, taskNames } from "./tasks.ts";

/** Options of `train` that are not the task's. */
const OF_THE_RUN = ["task", "demo", "out", "force", "json", "verbose"];

/** `--column text=words`, as often as there are columns. */
function column(given: string, before: Record<string, ColumnKind> = {}): Record<string, ColumnKind> {
  const [name, kind] = given.split("=");
  if (!name || !columnKinds.includes(kind as ColumnKind))
    throw new UsageError(`--column ${given}: expected NAME=KIND with one of ${columnKinds.join(", ")}`);
  return { ...before, [name]: kind as ColumnKind };
}

/** Adds the options of tasks to `train`, and gives them. */
export function addTaskOptions(command: Command): readonly Option[] {
  const before = command.options.length;
  command.optionsGroup(`Tasks: ${cliTasks.map(({ name, about }) => `${name} (${about})`).join(", ")}`);
  command.addOption(
    new Option(
      "--task <name>",
      "train this on rows, with its own defaults, in place of a character model on texts",
    ).choices(taskNames),
  );
  command.option("--demo", "on rows that are made up, in place of a file");
  const option = (flags: string, text: string, parse?: (value: string) => unknown) => {
    const made = new Option(flags, text);
    return command.addOption(parse ? made.argParser(parse) : made);
  };
  option("--text <column>", "the column with the text (default: guessed; text of language and ngram)");
  option("--of <units>", `what texts are cut into: ${textUnits.join(", ")}`);
  command.addOption(
    new Option(
      "--column <name=kind>",
      `what a column is: ${columnKinds.join(", ")} (default: guessed, shown)`,
    ).argParser(column),
  );
  option("--label <column>", "classify: the column with the class (default: label)");
  option("--tags <column>", "tag: the column with the classes (default: tags)");
  option(
    "--affixes <n>",
    "classify, tag: letters of beginnings and endings that are read as well (default: 0, 5)",
    whole(0),
  );
  option(
    "--ngrams <a,b>",
    "classify: of characters and jamo, how many are read as one as well (default: none)",
    wholes(2, 8),
  );
  option("--class-weights <how>", "classify, tag: balanced counts rare classes more");
  command.addOption(new Option("--pooling <how>", "classify: how steps become one vector").choices(poolings));
  option("--no-bidirectional", "classify, tag, translate, autoencode: read in one direction");
  option("--dropout <x>", "of the recurrent layers", part);
  option("--source <column>", "translate, caption: the column that is read (default: source, image)");
  option("--target <column>", "translate, caption: the one that is written (default: target, caption); forecast: a,b");
  option("--attention <how>", `translate: ${attentions.join(", ")} (default: additive)`);
  option("--teacher-forcing <x>", "translate: the share of steps that read the true text (default: 1)", real(0, 1));
  option("--known <a,b>", "forecast: columns that are known ahead");
  option("--past <a,b>", "forecast: further columns that are known up to now");
  option("--series <column>", "forecast: which series a row belongs to");
  option("--season <n>", "forecast: steps of a season (default: 1, none)", whole());
  option("--horizon <n>", "forecast: steps ahead (default: one season)", whole());
  option("--missing <what>", "forecast: interpolate fills gaps (default: error)");
  option("--differencing <n>", "forecast: 1 reads and forecasts changes from step to step (default: 0)", whole(0, 1));
  option("--seasonal-differencing <n>", "forecast: 1, changes from season to season (default: 0)", whole(0, 1));
  command.addOption(
    new Option("--strategy <how>", "forecast: all steps at once, or one after the other").choices([
      "direct",
      "recursive",
    ]),
  );
  option("--quantiles <a,b>", "forecast: with 0.5, symmetric about it (default: 0.1,0.5,0.9)", reals(0, 1));
  option("--vector-size <n>", "autoencode: numbers that a row becomes (default: 64, of numbers 8)", whole());
  option("--noise <x>", "autoencode: how much the input is disturbed (default: 0.1)", real(0));
  option("--sentences", "language, ngram: each line of a text file is a text with an end");
  option("--n <n>", "ngram: units of an n-gram (default: 3)", whole());
  option("--smoothing <how>", `ngram: ${ngramSmoothings.join(", ")} (default: kneserNey)`);
  return command.options.slice(before);
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
    const path = flags.out ?? freshPath(cliTask.extension);
    if (!flags.force) await checkNotReplaced(path, null);
    await checkWritable(path);
    const { rows, format, ...ofData } = await dataOf(cliTask, paths[0], given);
    const options = { ...ofData.flags, ...given };
    const what = `${grouped(rows.length)} ${rows.length === 1 ? "row" : "rows"} (${format}): ${cliTask.describe(rows, options)}`;
    const runtime = await runtimeFor(cliTask, flags);
    try {
      const tell = reporterOf(json, out);
      tell.start({ what, backend: cliTask.backend ? undefined : runningOn(runtime.info()), out: path });
      const fit = cliTask.fit(runtime, rows, { ...options, signal: interrupt.signal });
      if (Symbol.asyncIterator in fit) for await (const progress of fit) tell.progress(progress);
      const trained = await fit;
      const bytes = await trained.save();
      await writeFileAtomic(path, bytes);
      const next = flags.demo
        ? `predict ${quoted(path)}${cliTask.predictNone ? "" : " -"}`
        : `evaluate ${quoted(path)} ${quoted(paths[0]!)}`;
      tell.end({ path, steps: trained.steps, bytes: bytes.length, interrupt, next });
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

/** Rows of a file, or made-up ones with their options. @param path undefined for made-up rows */
async function dataOf(cliTask: CliTask, path: string | undefined, given: TaskFlags) {
  if (path === undefined) return { ...cliTask.demo(), format: "made up" };
  return { ...(await readRows(path, cliTask.reading?.(given))), flags: {} };
}

/** A limit that no gradient reaches: tasks always have one. */
const NO_LIMIT = 1e30;

/** What of the command line is given, by the tasks' names. @throws UsageError for an option that the task does not have */
function givenFlags({ name, takes }: CliTask, flags: TrainFlags, command: Command): TaskFlags {
  const given = command.options
    .map((option) => ({ attribute: option.attributeName(), long: option.long! }))
    .filter(({ attribute }) => command.getOptionValueSource(attribute) === "cli");
  const other = given.find(({ attribute }) => ![...OF_THE_RUN, ...takes].includes(attribute));
  if (other) throw new UsageError(`${other.long} is no option of --task ${name}`);
  const has = (names: readonly string[]) => given.some(({ attribute }) => names.includes(attribute));
  if (flags.schedule === "cosine")
    throw new UsageError(
      "--schedule cosine needs the number of updates, which a task knows only with its batches; take step or plateau",
    );
  const values = flags as unknown as Readonly<Record<string, unknown>>;
  const plain = [...takes.filter((one) => !learned.includes(one)), ...PLAIN];
  return {
    ...Object.fromEntries(plain.filter((one) => has([one])).map((attribute) => [attribute, values[attribute]])),
    ...(has(["validationFraction"]) && { validation: flags.validationFraction }),
    ...(has(["clipNorm"]) && { clipNorm: flags.clipNorm === 0 ? NO_LIMIT : flags.clipNorm }),
    ...(has(optimizerFlagNames) && { optimizer: optimizerOf(flags) }),
    ...(has(scheduleFlagNames) && { schedule: scheduleOf(flags, 1) }),
  };
}

/** Options of learning that tasks have by the same name. */
const PLAIN = ["epochs", "batch", "seed", "cell", "hiddenSize", "numLayers", "dropout"];

interface End {
  readonly path: string;
  readonly steps: number | undefined;
  readonly bytes: number;
  readonly interrupt: Interrupt;
  /** The command to try. */
  readonly next: string;
}

/** Tells a person, or a script, how a training goes. */
function reporterOf(json: boolean, { line, colors }: ReturnType<typeof terminalOf>) {
  const record = (type: string, content: object) => line(JSON.stringify({ type, ...content }));
  const metricsOf = (metrics: Readonly<Record<string, number>>) =>
    Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  /** Of an epoch that has no line yet. */
  let last: Progress | undefined;
  const endOfEpoch = () => {
    const { epoch, epochs, loss, validation, secondsLeft } = last!;
    last = undefined;
    const measured = validation
      ? `, held out: loss ${validation.loss.toFixed(4)}, ${metricsOf(validation.metrics).join(", ")}`
      : "";
    line(`epoch ${epoch}/${epochs}: loss ${loss.toFixed(4)}${measured}; ${clock(secondsLeft)} left`);
  };
  return {
    start(content: { what: string; backend: string | undefined; out: string }) {
      if (json) record("start", content);
      else for (const text of [content.backend, content.what]) if (text !== undefined) line(text);
    },
    progress(progress: Progress) {
      if (json) record(progress.validation ? "validation" : "step", progress);
      else {
        if (last && last.epoch !== progress.epoch) endOfEpoch();
        last = progress;
        if (progress.validation) endOfEpoch();
      }
    },
    end({ path, steps, bytes, interrupt, next }: End) {
      const interrupted = interrupt.exitCode !== undefined;
      if (json) record("end", { path, steps, bytes, interrupted });
      else {
        if (last) endOfEpoch();
        const done = steps === undefined ? "counted" : `${interrupted ? "stopped after" : "trained"} ${steps} steps`;
        line(`${colors.green(done)}; saved to ${path}`);
        line(`try: ${colors.bold(`npx webgpu-rnn ${next}`)}`);
      }
    },
  };
}
