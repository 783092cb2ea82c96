import type { Command } from "commander";
import { readBytes, type SkippedFile } from "../io/files.ts";
import {
  type Checkpoint,
  charModelCells,
  FileFormatError,
  makeOptimizer,
  readCheckpoint,
  Vocabulary,
} from "../node.ts";
import { checkStep } from "./check-step.ts";
import { namedText, ownText } from "./default-text.ts";
import { interruptible } from "./interrupt.ts";
import { checkMemory } from "./memory.ts";
import { checkNotReplaced, checkWritable, freshPath } from "./out-path.ts";
import { runTraining, type TrainingJob } from "./run-training.ts";
import { addTaskOptions, trainTask } from "./task/train-task.ts";
import { errorRecord, exitCodeOf, printError, quoted, terminalOf, UsageError } from "./terminal.ts";
import { addTrainOptions, changesOf, defaults, settingsOf, type TrainFlags } from "./train-options.ts";
import { type CheckpointRecord, jsonReporter, type Reporter, type TrainRecord } from "./train-records.ts";
import { textReporter } from "./train-report.ts";

export function register(program: Command): void {
  const command = program
    .command("train")
    .summary("train a character model on texts, and show what it writes")
    .description(
      "Trains a character language model on the texts of files and folders (UTF-8, any script), or on this package's own source. " +
        "What is no text in a folder is skipped. Ctrl-C saves and ends; --resume goes on.",
    )
    .argument("[paths...]", "files and folders with text; - is standard input");
  addTrainOptions(command);
  const ofTasks = addTaskOptions(command);
  command.action(async (paths: string[], flags: TrainFlags) => {
    if (flags.task === undefined) {
      const given = ofTasks.find((option) => command.getOptionValueSource(option.attributeName()) === "cli");
      if (given) throw new UsageError(`${given.long} is an option of tasks: say which one with --task`);
      if (!charModelCells.includes(flags.cell))
        throw new UsageError(`--cell ${flags.cell} is a cell of tasks; without --task: ${charModelCells.join(", ")}`);
    }
    process.exitCode = await (flags.task ? trainTask : trainCommand)(paths, flags, command);
  });
}

/** Runs the command and gives its exit code. */
async function trainCommand(paths: readonly string[], flags: TrainFlags, command: Command): Promise<number> {
  const out = terminalOf(process.stdout);
  const reporter = flags.json ? jsonReporter(out.write) : textReporter(out, terminalOf(process.stderr));
  const told = watched(reporter);
  const interrupt = interruptible(() => {
    reporter.close();
    terminalOf(process.stderr).line("stopping after the steps under way; Ctrl-C again quits at once");
  });
  const started = performance.now();
  try {
    const job = await jobOf(paths, flags, command);
    const { skipped } = job.text;
    if (skipped.length > 0) {
      const step = job.checkpoint?.progress?.step ?? 0;
      told.report({ type: "warning", step, code: "SKIPPED", message: describeSkipped(skipped), files: skipped });
    }
    if (flags.check) {
      const vocabulary = job.checkpoint?.vocabulary ?? Vocabulary.fromText(job.text.text);
      told.report(await checkStep(job.checkpoint?.config ?? job.config, vocabulary, job.text.text));
    }
    const { step, steps, saved } = await runTraining(job, { report: told.report, signal: interrupt.signal });
    const interrupted = interrupt.exitCode !== undefined;
    const text = paths.map((path) => ` ${quoted(path)}`).join("");
    const resume = saved ? `npx webgpu-rnn train --resume ${quoted(job.out)}${text}` : undefined;
    told.report({
      type: "end",
      step,
      steps,
      interrupted,
      seconds: (performance.now() - started) / 1000,
      ...(saved ? { checkpoint: job.out } : {}),
      ...(interrupted ? resume && { resume } : { resume: `npx webgpu-rnn generate ${quoted(job.out)} --length 1000` }),
    });
    return interrupt.exitCode ?? 0;
  } catch (error) {
    reporter.close();
    printError(error);
    const { step, checkpoint } = told;
    told.report({
      ...errorRecord(error),
      ...(step === undefined ? {} : { step }),
      ...(checkpoint ? { checkpoint: { path: checkpoint.path, step: checkpoint.step } } : {}),
    });
    return exitCodeOf(error);
  } finally {
    reporter.close();
    interrupt.release();
  }
}

/** How many of the skipped files a message lists. */
const MOST_FILES = 5;

function describeSkipped(files: readonly SkippedFile[]): string {
  const what =
    files.length === 1
      ? "1 file was skipped, because it is no text"
      : `${files.length} files were skipped, because they are no text`;
  const listed = files.slice(0, MOST_FILES).map(({ path, why }) => `${path} (${why})`);
  return `${what}: ${listed.join(", ")}${files.length > MOST_FILES ? ", …" : ""}`;
}

/** Passes records on and remembers what an error message needs. */
function watched(reporter: Reporter) {
  const told = {
    step: undefined as number | undefined,
    checkpoint: undefined as CheckpointRecord | undefined,
    report(record: TrainRecord): void {
      if (record.type === "step") told.step = record.step;
      if (record.type === "checkpoint") told.checkpoint = record;
      reporter.report(record);
    },
  };
  return told;
}

/** Reads and checks everything that can be wrong before a device is opened. */
async function jobOf(paths: readonly string[], flags: TrainFlags, command: Command): Promise<TrainingJob> {
  if (flags.steps !== undefined && flags.epochs !== undefined)
    throw new UsageError("--steps and --epochs say the same thing in two ways; give one of them");
  const { steps, epochs, resume, backend, threads, tuned, cell, embeddingDim, hiddenSize, numLayers } = flags;
  const config = { cell, embeddingDim, hiddenSize, numLayers };
  const changes = resume === undefined ? {} : changesOf(command, flags, steps);
  const training = settingsOf(flags, steps ?? defaults.steps);
  const { moments } = makeOptimizer(training.optimizer);

  const out = flags.out ?? resume ?? freshPath();
  if (!flags.force) await checkNotReplaced(out, resume);
  await checkWritable(out);
  const checkpoint = resume === undefined ? undefined : await readResumed(resume, flags);
  const text = paths.length > 0 ? await namedText(paths) : await ownText();
  if (!checkpoint) {
    const vocabSize = Vocabulary.fromText(text.text).size;
    checkMemory({ ...config, vocabSize }, 2 + moments.length);
  }
  const { validateEvery, sampleEvery, checkpointEvery } = flags;
  return {
    text,
    on: { backend, threads, tuned },
    config,
    training,
    ...(checkpoint ? { checkpoint } : {}),
    changes,
    amount: { ...(steps === undefined ? {} : { steps }), ...(epochs === undefined ? {} : { epochs }) },
    validateEvery,
    sampleEvery,
    checkpointEvery,
    out,
  };
}

async function readResumed(path: string, { steps, epochs }: TrainFlags): Promise<Checkpoint> {
  const bytes = await readBytes(path, "check the path, or leave --resume out to begin a new model");
  const checkpoint = readCheckpoint(bytes, path);
  const { progress } = checkpoint;
  if (!progress)
    throw new FileFormatError(
      `${path}: holds weights only, without the optimizer's state; resume from a file that webgpu-rnn train wrote`,
    );
  const wanted = steps ?? (epochs === undefined ? progress.training.steps : undefined);
  if (wanted !== undefined && progress.step >= wanted)
    throw new UsageError(
      `${path}: has done ${progress.step} of ${wanted} steps; say how far to go on in all, such as --steps ${2 * progress.step}`,
    );
  return checkpoint;
}
