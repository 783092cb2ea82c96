/** What is trained on a data set, by our tasks here and by scripts/tasks_pytorch.py from the same rows. */
import { type Runtime, split } from "../../src/node.ts";
import {
  areaUnderCurve,
  Captioner,
  Forecaster,
  LanguageModel,
  NGramClassifier,
  NGramModel,
  SequenceAutoencoder,
  SequenceClassifier,
  SequenceTagger,
  type Task,
  type TextUnit,
  Translator,
  textUnits,
  unitsOf,
} from "../../src/tasks/index.ts";

type TaskName = "classify" | "tag" | "language" | "translate" | "caption" | "autoencode" | "forecast";

/** One training. Rows to train on, to end the training by, and to measure on; a language model has texts for rows. */
export interface Problem<Row = object> {
  readonly task: TaskName;
  /** Options of the task, the seed among them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly training: readonly Row[];
  /** As a task keeps it apart, so that both sides have the same. */
  readonly validation: readonly Row[];
  readonly held: readonly Row[];
  /** Other rows, which an autoencoder is not trained on and should not know. */
  readonly odd?: readonly Row[];
  /** What the held rows of a translation are decoded with; default 1. */
  readonly beam?: number;
}

/** What a training came to, by name. */
export type Measured = Readonly<Record<string, number>>;

type Parts<Row> = Omit<Problem<Row>, "task" | "settings" | "validation">;

/** A problem with a tenth of its rows kept apart, as the tasks themselves do it. */
export function problem<Row extends object>(
  task: TaskName,
  parts: Parts<Row>,
  settings: object,
  seed: number,
): Problem {
  return { ...parts, ...split(parts.training, 0.1, { seed }), task, settings: { ...settings, seed } };
}

/** Rows to train on and rows to measure on, drawn at random. */
export function apart<Row>(rows: readonly Row[], share: number, seed: number) {
  const { training, validation: held } = split(rows, share, { seed });
  return { training, held };
}

const optionsOf = ({ settings, validation }: Problem) => ({ ...settings, validation });

type Trained = Pick<Task<unknown>, "steps" | "dispose">;
type Solver = (runtime: Runtime, problem: Problem) => Promise<readonly [Trained, Measured]>;

/** Train our task, and measure it. */
const solvers: Readonly<Record<TaskName, Solver>> = {
  async classify(runtime, problem) {
    const task = await SequenceClassifier.fit(runtime, problem.training, optionsOf(problem));
    const { accuracy } = await task.evaluate(problem.held);
    return [task, { accuracy }];
  },
  async tag(runtime, problem) {
    const task = await SequenceTagger.fit(runtime, problem.training, optionsOf(problem));
    const { accuracy } = await task.evaluate(problem.held);
    return [task, { accuracy }];
  },
  async language(runtime, { settings, ...problem }) {
    const { training, validation, held } = problem as unknown as Record<"training" | "validation" | "held", string[]>;
    // A list of names, or one text.
    const isOne = training.length === 1;
    const task = await LanguageModel.fit(runtime, isOne ? training[0]! : training, { ...settings, validation });
    return [task, { bits: await task.bitsPerCharacter(isOne ? held[0]! : held) }];
  },
  async translate(runtime, problem) {
    const task = await Translator.fit(runtime, problem.training, optionsOf(problem));
    const { exact, bleu } = await task.evaluate(problem.held, { beam: problem.beam ?? 1 });
    return [task, { exact, bleu }];
  },
  async caption(runtime, problem) {
    const task = await Captioner.fit(runtime, problem.training, optionsOf(problem));
    const { exact } = await task.evaluate(problem.held);
    return [task, { exact }];
  },
  async autoencode(runtime, problem) {
    const task = await SequenceAutoencoder.fit(runtime, problem.training, optionsOf(problem));
    return [task, { auc: areaUnderCurve(await task.errors(problem.held), await task.errors(problem.odd!)) }];
  },
  /** Its own validation is the last part of the time. */
  async forecast(runtime, { settings, training: history, held }) {
    const task = await Forecaster.fit(runtime, history, settings);
    const { methods } = await task.evaluate(held, { history });
    const { mase, coverage } = methods.forecaster!;
    return [
      task,
      { mase, coverage: coverage!, naive: methods.naive!.mase, seasonalNaive: methods.seasonalNaive!.mase },
    ];
  },
};

export async function solve(runtime: Runtime, problem: Problem): Promise<Measured> {
  const [task, measured] = await solvers[problem.task](runtime, problem);
  task.dispose();
  return { ...measured, updates: task.steps };
}

/** The same problems by counting: n-grams. */
export function counted({ task, training, validation, held }: Problem): Measured {
  const rows = [...training, ...validation];
  if (task === "classify") {
    const model = NGramClassifier.fit(rows, { n: 1, smoothing: "addK" });
    return { ngrams: model.evaluate(held).accuracy };
  }
  const texts = rows as unknown as string[];
  const model = NGramModel.fit(texts.length > 2 ? texts : texts.join(""), { n: 5, of: "characters" });
  return { fiveGram: model.bitsPerCharacter(texts.length > 2 ? (held as unknown as string[]) : String(held[0])) };
}

/** Which columns of a problem are texts, and what they are cut into. */
function textsOf({ task, settings }: Problem): [column: string, unit: TextUnit][] {
  const { columns = {}, sourceUnit, targetUnit, unit } = settings as Readonly<Record<string, never>>;
  if (task === "classify") return Object.entries<TextUnit>(columns).filter(([, kind]) => textUnits.includes(kind));
  if (task === "caption") return [["caption", unit!]];
  if (task !== "translate") return [];
  return [
    ["source", sourceUnit!],
    ["target", targetUnit!],
  ];
}

/** A problem as JSON, its texts cut into units: nothing else needs to know what a word is. */
export function exported(problem: Problem): object {
  const texts = textsOf(problem);
  const cut = (rows: readonly object[] | undefined) =>
    rows?.map((row) => {
      if (typeof row === "string") return row;
      const units = texts.map(([column, unit]) => [
        column,
        unitsOf((row as Readonly<Record<string, string>>)[column]!, unit),
      ]);
      return { ...row, ...Object.fromEntries(units) };
    });
  const { training, validation, held, odd } = problem;
  return {
    ...problem,
    ...{ training: cut(training), validation: cut(validation), held: cut(held), ...(odd && { odd: cut(odd) }) },
  };
}
