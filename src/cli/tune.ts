/** `tune`: measures which variants of the kernels are the fastest ones here, and keeps that for the other commands. */
import type { Command } from "commander";
import { readCheckpoint } from "../char-model/checkpoint.ts";
import { readBytes } from "../io/files.ts";
import {
  adam,
  CharModel,
  type CharModelOptions,
  makeOptimizer,
  Runtime,
  type Tuned,
  type TunedQuestion,
  type TuneOptions,
} from "../node.ts";
import { real, whole } from "./arguments.ts";
import { showMicroseconds, showVariant } from "./choices.ts";
import { interruptible } from "./interrupt.ts";
import { terminalOf, wrap } from "./terminal.ts";

interface TuneFlags {
  readonly steps?: number;
  readonly batch?: number;
  readonly timeLimit: number;
  readonly keep: boolean;
  readonly json?: true;
}

/** What a file says of its model and its training, or the default model. */
async function workOf(path: string | undefined, { steps, batch }: TuneFlags) {
  const bytes = path === undefined ? undefined : await readBytes(path, "check the path, or leave it out");
  const { config, progress }: Partial<ReturnType<typeof readCheckpoint>> = bytes ? readCheckpoint(bytes, path!) : {};
  const training = progress?.training;
  const options: CharModelOptions = config ?? { vocabSize: 96 };
  const optimizer = training ? makeOptimizer(training.optimizer) : adam();
  return {
    model: new CharModel(options),
    optimizer,
    T: steps ?? training?.window ?? 64,
    B: batch ?? training?.batch ?? 32,
  };
}

/** The part of the time that is for training; the rest is for generating. */
const FOR_TRAINING = 0.7;

async function tune(path: string | undefined, flags: TuneFlags): Promise<number> {
  const { line } = terminalOf(process.stdout);
  const say = (text: string) => line(wrap(text, 80));
  const { model, optimizer, T, B } = await workOf(path, flags);
  const runtime = await Runtime.open({ backend: "gpu" });
  const interrupt = interruptible();
  const record = (value: object) => line(JSON.stringify(value));
  try {
    const { adapter, reason } = runtime.info();
    const trainer = runtime.trainer(model, { optimizer, clipNorm: 1, carryState: true });
    const common = { keep: flags.keep, signal: interrupt.signal };
    const run = async (what: string, timeLimit: number, work: TuneOptions): Promise<Tuned> => {
      if (!flags.json) say(`\n${what}`);
      const onProgress = ({ question }: { readonly question: TunedQuestion }) => {
        if (flags.json) record({ type: "question", what, ...question });
        else for (const text of showQuestion(question)) line(text);
      };
      const tuned = await runtime.tune(model, { ...common, ...work, timeLimit, onProgress });
      if (flags.json) record({ type: "tuned", what, ...tuned, questions: tuned.questions.length });
      else for (const text of showEnd(tuned)) say(text);
      return tuned;
    };
    if (flags.json) record({ type: "start", model: path ?? null, config: model.options, adapter, T, B });
    else say(`tuning on ${reason}`);
    const first = await run(`a training step on T ${T}, B ${B}`, FOR_TRAINING * flags.timeLimit, {
      trainer,
      batch: { T, B },
    });
    const inputs = { x: { shape: [1, 1], dtype: "i32" } } as const;
    await run("generating a character", flags.timeLimit - Math.min(first.seconds, FOR_TRAINING * flags.timeLimit), {
      inputs,
    });
    return 0;
  } catch (error) {
    if (interrupt.exitCode === undefined) throw error;
    if (!flags.json) line("ended; what was not finished is not kept");
    return interrupt.exitCode;
  } finally {
    interrupt.release();
    runtime.dispose();
  }
}

/** A question with its variants: the chosen one is marked. */
function showQuestion({ key, candidates, chosen }: TunedQuestion): string[] {
  const same = JSON.stringify(chosen);
  return [
    `  ${key}`,
    ...candidates.map(({ variant, microseconds, fault, predicted }, i) => {
      const mark = JSON.stringify(variant) === same ? "*" : " ";
      const said = fault ? `WRONG: ${fault}` : microseconds ? showMicroseconds(microseconds.median) : "not timed";
      const more =
        !microseconds && !fault && predicted !== undefined ? `, predicted ${showMicroseconds(predicted)}` : "";
      return `  ${mark} ${showVariant(variant).padEnd(34)} ${said}${more}${i === 0 ? " (built in)" : ""}`;
    }),
  ];
}

function showEnd({ table, whole, keptAt, notes, seconds }: Tuned): string[] {
  const times = whole && [whole.default, whole.tuned].map(({ median }) => showMicroseconds(median));
  return [
    ...(times ? [`the whole plan: ${times[0]} as built in, ${times[1]} tuned`] : []),
    ...notes,
    `${Object.keys(table.choices).length} choices in ${seconds.toFixed(0)} s${keptAt ? `, kept in ${keptAt}` : ", not kept"}`,
  ];
}

/** Adds the command to the command line. */
export function register(program: Command): void {
  program
    .command("tune")
    .summary("measure which kernel variants are fastest on this GPU, and keep that")
    .description(
      "Checks the variants of the kernels that a model's training step and its generation use against their float64 twins, times them on this machine's adapter, and keeps the best ones, which the other commands then use. Nothing of the model changes. Ctrl-C ends it.",
    )
    .argument("[model]", "a checkpoint (.safetensors); without one, the default model of train")
    .option("--steps <T>", "time steps (default: the checkpoint's window, or 64)", whole())
    .option("--batch <B>", "rows (default: the checkpoint's, or 32)", whole())
    .option("--time-limit <s>", "seconds at most", real(0, 86400, true), 50)
    .option("--no-keep", "print the table, and leave what is kept as it is")
    .option("--json", "print one JSON record per line, for scripts")
    .action(async (path: string | undefined, flags: TuneFlags) => {
      process.exitCode = await tune(path, flags);
    });
}
