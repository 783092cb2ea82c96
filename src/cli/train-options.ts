import { type Command, Option } from "commander";
import {
  type CharModelCell,
  charModelCells,
  makeOptimizer,
  type OptimizerSpec,
  optimizerNames,
  type ResumeChanges,
  type ScheduleSpec,
  type TrainingSettings,
} from "../node.ts";
import { taskCells } from "../tasks/index.ts";
import { part, real, whole } from "./arguments.ts";
import { type BackendFlags, backendOption, threadsOption, tunedOption } from "./backend.ts";
import { UsageError } from "./terminal.ts";

/** Options of the optimizers: their flag, which optimizers take it, how it is read. */
const optimizerFlags = {
  weightDecay: ["--weight-decay <x>", "all but rprop", real(0)],
  momentum: ["--momentum <x>", "sgd, rmsprop", real(0)],
  dampening: ["--dampening <x>", "sgd", real(0)],
  nesterov: ["--nesterov", "sgd"],
  beta1: ["--beta1 <x>", "adam, adamw, adamax, nadam, radam, lion", part],
  beta2: ["--beta2 <x>", "the same", part],
  eps: ["--eps <x>", "all but sgd, lion, ftrl, asgd, rprop", real(0)],
  amsgrad: ["--amsgrad", "adam, adamw"],
  momentumDecay: ["--momentum-decay <x>", "nadam", real(0)],
  decoupledWeightDecay: ["--decoupled-weight-decay", "nadam, radam"],
  alpha: ["--alpha <x>", "rmsprop, asgd", real(0)],
  centered: ["--centered", "rmsprop"],
  rho: ["--rho <x>", "adadelta", real(0, 1)],
  lrDecay: ["--lr-decay <x>", "adagrad", real(0)],
  initialAccumulatorValue: ["--initial-accumulator-value <x>", "adagrad, ftrl", real(0)],
  learningRatePower: ["--learning-rate-power <x>", "ftrl", real(Number.NEGATIVE_INFINITY, 0)],
  l1RegularizationStrength: ["--l1-regularization-strength <x>", "ftrl", real(0)],
  l2RegularizationStrength: ["--l2-regularization-strength <x>", "ftrl", real(0)],
  l2ShrinkageRegularizationStrength: ["--l2-shrinkage-regularization-strength <x>", "ftrl", real(0)],
  beta: ["--beta <x>", "ftrl", real(0)],
  lambd: ["--lambd <x>", "asgd", real(0)],
  t0: ["--t0 <x>", "asgd", real(0)],
  etaMinus: ["--eta-minus <x>", "rprop", real(0)],
  etaPlus: ["--eta-plus <x>", "rprop", real(0)],
  stepSizeMin: ["--step-size-min <x>", "rprop", real(0)],
  stepSizeMax: ["--step-size-max <x>", "rprop", real(0)],
} as const;
type OptimizerFlag = keyof typeof optimizerFlags;

/** Names of the options that say how weights are updated, and how the learning rate changes. */
export const optimizerFlagNames = ["optimizer", "lr", ...Object.keys(optimizerFlags)];
export const scheduleFlagNames = [
  "schedule",
  "warmup",
  "stepSize",
  "gamma",
  "factor",
  "patience",
  "minFactor",
] as const;

/** Options that are two numbers, each of which has a flag. */
const pairs: Readonly<Record<string, readonly [OptimizerFlag, OptimizerFlag]>> = {
  betas: ["beta1", "beta2"],
  etas: ["etaMinus", "etaPlus"],
  stepSizes: ["stepSizeMin", "stepSizeMax"],
};

/** The command line of `train`, parsed. */
export interface TrainFlags extends BackendFlags, Partial<Record<OptimizerFlag, number | boolean>> {
  cell: CharModelCell;
  embeddingDim: number;
  hiddenSize: number;
  numLayers: number;
  window: number;
  batch: number;
  validationFraction: number;
  seed: number;
  /** One of the tasks, in place of a character model. */
  task?: string;
  demo?: boolean;
  /** A name of `optimizerNames` in small letters. */
  optimizer: string;
  lr?: number;
  clipNorm?: number;
  clipValue?: number;
  schedule: "constant" | "step" | "cosine" | "plateau";
  warmup?: number;
  stepSize?: number;
  gamma?: number;
  factor?: number;
  patience?: number;
  minFactor?: number;
  steps?: number;
  epochs?: number;
  check?: boolean;
  out?: string;
  force?: boolean;
  resume?: string;
  validateEvery: number;
  sampleEvery: number;
  checkpointEvery: number;
  json?: boolean;
}

/** What a training without options does: less than a minute on two cores, seconds on a GPU. */
export const defaults = {
  cell: "gru",
  embeddingDim: 64,
  hiddenSize: 128,
  numLayers: 1,
  window: 32,
  batch: 16,
  steps: 400,
  lr: 5e-3,
  clipNorm: 1,
  validationFraction: 0.05,
} as const;

/** Says what the library's default is: commander would pass it on as if it had been given. */
const otherwise = (text: string) => `(default: ${text})`;

export function addTrainOptions(command: Command): Command {
  const option = (flags: string, text: string, parse?: (value: string) => unknown, value?: unknown) => {
    const made = new Option(flags, text);
    if (parse) made.argParser(parse);
    if (value !== undefined) made.default(value);
    return command.addOption(made);
  };
  const choice = (flags: string, text: string, choices: readonly string[], value: string) =>
    command.addOption(new Option(flags, text).choices(choices).default(value));

  command.optionsGroup("Model:");
  const cells = [...new Set<string>([...charModelCells, ...taskCells])];
  choice("--cell <name>", `recurrent cell; without --task ${charModelCells.join(", ")}`, cells, defaults.cell);
  option("--embedding-dim <n>", "numbers for one character", whole(), defaults.embeddingDim);
  option("--hidden-size <n>", "numbers of a state", whole(), defaults.hiddenSize);
  option("--num-layers <n>", "recurrent layers", whole(1, 1000), defaults.numLayers);
  option("--seed <n>", "of the initial weights", whole(0), 0);

  command.optionsGroup("Data:");
  option("--window <n>", "characters between two updates", whole(), defaults.window);
  option("--batch <n>", "rows that the text is cut into", whole(), defaults.batch);
  option("--validation-fraction <x>", "how much of the text's end is kept", part, defaults.validationFraction);

  command.optionsGroup("Optimizer (options and defaults of torch.optim; of Keras for lion and ftrl):");
  const optimizers = optimizerNames.map((name) => name.toLowerCase());
  choice("--optimizer <name>", "how weights are updated", optimizers, "adam");
  option("--lr <x>", `learning rate ${otherwise(`${defaults.lr} for adam and adamw, else the optimizer's`)}`, real(0));
  for (const [flags, text, parse] of Object.values(optimizerFlags)) option(flags, text, parse);
  option(
    "--clip-norm <x>",
    `limit of the gradient's global norm, 0 for none ${otherwise(String(defaults.clipNorm))}`,
    real(0),
  );
  option("--clip-value <x>", "limit of each number of the gradient", real(0, Number.POSITIVE_INFINITY, true));

  command.optionsGroup("Learning rate over time:");
  choice("--schedule <name>", "how it changes", ["constant", "step", "cosine", "plateau"], "constant");
  option("--warmup <steps>", "rise from a third during these steps first", whole());
  option("--step-size <n>", "step: steps between two changes", whole());
  option("--gamma <x>", "step: factor of a change", real(0));
  option("--factor <x>", "plateau: factor of a change", real(0, 1));
  option("--patience <n>", "plateau: validations without progress", whole(0));
  option("--min-factor <x>", "cosine, plateau: never below this part", real(0, 1));

  command.optionsGroup("Run:");
  option("--steps <n>", `updates in all ${otherwise(String(defaults.steps))}`, whole());
  option("--epochs <n>", "or: passes over the text", real(0, Number.POSITIVE_INFINITY, true));
  command.addOption(backendOption()).addOption(threadsOption()).addOption(tunedOption());
  option("--check", "first compare a training step on the WebGPU adapter that there is with WebAssembly");
  option("--out <file>", `the checkpoint ${otherwise("the file resumed from, or a new model.safetensors")}`);
  option("--force", "let --out replace a file that is there already");
  option("--resume <file>", "go on with a checkpoint; give the same text");
  option("--validate-every <steps>", "0: at the end only", whole(0), 100);
  option("--sample-every <steps>", "show generated text; 0: never", whole(0), 100);
  option("--checkpoint-every <steps>", "0: at the end only", whole(0), 100);
  option("--json", "print one JSON record per line, for scripts");
  return command;
}

const defined = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** The optimizer and its options; those of another optimizer are refused when it is made. */
export function optimizerOf(flags: TrainFlags): OptimizerSpec {
  const name = optimizerNames.find((known) => known.toLowerCase() === flags.optimizer)!;
  const given: Record<string, unknown> = { lr: flags.lr ?? (/^adamw?$/i.test(name) ? defaults.lr : undefined) };
  for (const flag of Object.keys(optimizerFlags) as OptimizerFlag[]) given[flag] = flags[flag];
  const { options } = makeOptimizer({ name });
  for (const [option, both] of Object.entries(pairs)) {
    if (both.some((flag) => given[flag] !== undefined))
      given[option] = both.map((flag) => given[flag] ?? options[flag]);
    for (const flag of both) delete given[flag];
  }
  return { name, ...defined(given) } as OptimizerSpec;
}

/** @param steps of the whole training, which a cosine spans */
export function scheduleOf(flags: TrainFlags, steps: number): ScheduleSpec {
  const { schedule, warmup, stepSize, gamma, factor, patience, minFactor } = flags;
  const given = { stepSize, gamma, factor, patience, minFactor };
  const takes: Record<TrainFlags["schedule"], readonly string[]> = {
    constant: [],
    step: ["stepSize", "gamma"],
    cosine: ["minFactor"],
    plateau: ["factor", "patience", "minFactor"],
  };
  for (const name of Object.keys(defined(given))) {
    if (!takes[schedule].includes(name)) {
      const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw new UsageError(`--${flag} has no meaning with --schedule ${schedule}`);
    }
  }
  if (schedule === "step" && stepSize === undefined) throw new UsageError("--schedule step needs --step-size");
  const after = defined({
    name: schedule === "step" ? "stepDecay" : schedule,
    ...given,
    steps: schedule === "cosine" ? Math.max(1, steps - (warmup ?? 0)) : undefined,
  }) as unknown as ScheduleSpec;
  return warmup === undefined ? after : { name: "warmup", steps: warmup, after };
}

/** The settings of a new training. */
export function settingsOf(flags: TrainFlags, steps: number): Omit<TrainingSettings, "text"> {
  const { window, batch, seed, validationFraction, clipValue, clipNorm = defaults.clipNorm } = flags;
  return {
    window,
    batch,
    seed,
    validationFraction,
    optimizer: optimizerOf(flags),
    schedule: scheduleOf(flags, steps),
    steps,
    ...(clipNorm === 0 ? {} : { clipNorm }),
    ...(clipValue === undefined ? {} : { clipValue }),
  };
}

/** Options that a checkpoint decides. */
const fixed = [
  "cell",
  "embeddingDim",
  "hiddenSize",
  "numLayers",
  "seed",
  "window",
  "batch",
  "validationFraction",
  "optimizer",
  ...(Object.keys(optimizerFlags) as OptimizerFlag[]),
] as const satisfies readonly (keyof TrainFlags)[];

/** What of a checkpoint's settings the command line changes. @throws UsageError for what cannot be changed */
export function changesOf(command: Command, flags: TrainFlags, steps: number | undefined): ResumeChanges {
  const given = (name: keyof TrainFlags) => command.getOptionValueSource(name) === "cli";
  const refused = fixed.find(given);
  if (refused !== undefined) {
    const flag = command.options.find((option) => option.attributeName() === refused)?.long;
    throw new UsageError(`${flag} cannot be changed with --resume: the checkpoint has its own; leave it out`);
  }
  const { lr, clipNorm, clipValue } = flags;
  return defined({
    lr,
    // No limit at all would be a setting that is missing; no gradient that is finite reaches this one.
    clipNorm: clipNorm === 0 ? 1e30 : clipNorm,
    clipValue,
    schedule: scheduleFlagNames.some(given) ? scheduleOf(flags, steps ?? defaults.steps) : undefined,
  });
}
