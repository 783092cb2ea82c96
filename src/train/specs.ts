import { checkOptions, OptionError, shown } from "../errors.ts";
import {
  type AdadeltaOptions,
  type AdagradOptions,
  adadelta,
  adagrad,
  type FtrlOptions,
  ftrl,
  type RMSpropOptions,
  rmsprop,
} from "./optimizers/adagrad.ts";
import {
  type AdamaxOptions,
  type AdamOptions,
  adam,
  adamax,
  adamW,
  type LionOptions,
  lion,
  type NAdamOptions,
  nadam,
  type RAdamOptions,
  radam,
} from "./optimizers/adam.ts";
import { type ASGDOptions, asgd, type RpropOptions, rprop, type SGDOptions, sgd } from "./optimizers/sgd.ts";
import type { Optimizer } from "./optimizers.ts";
import { constant, cosine, plateau, type Schedule, stepDecay, warmup } from "./schedules.ts";

// Optimizers and schedules as plain data, so that a file can hold them: a function's name with its options.

/** An optimizer: the function's name and its options. */
export type OptimizerSpec =
  | ({ readonly name: "sgd" } & SGDOptions)
  | ({ readonly name: "adam" | "adamW" } & AdamOptions)
  | ({ readonly name: "rmsprop" } & RMSpropOptions)
  | ({ readonly name: "adagrad" } & AdagradOptions)
  | ({ readonly name: "adamax" } & AdamaxOptions)
  | ({ readonly name: "nadam" } & NAdamOptions)
  | ({ readonly name: "radam" } & RAdamOptions)
  | ({ readonly name: "lion" } & LionOptions)
  | ({ readonly name: "adadelta" } & AdadeltaOptions)
  | ({ readonly name: "ftrl" } & FtrlOptions)
  | ({ readonly name: "asgd" } & ASGDOptions)
  | ({ readonly name: "rprop" } & RpropOptions);

/** A schedule: the function's name and its options. */
export type ScheduleSpec =
  | { readonly name: "constant" }
  | { readonly name: "stepDecay"; readonly stepSize: number; readonly gamma?: number }
  | { readonly name: "cosine"; readonly steps: number; readonly minFactor?: number }
  | {
      readonly name: "plateau";
      readonly factor?: number;
      readonly patience?: number;
      readonly threshold?: number;
      readonly minFactor?: number;
    }
  | { readonly name: "warmup"; readonly steps: number; readonly startFactor?: number; readonly after?: ScheduleSpec };

const optimizers: Readonly<Record<OptimizerSpec["name"], (options: object) => Optimizer>> = {
  sgd,
  adam,
  adamW,
  rmsprop,
  adagrad,
  adamax,
  nadam,
  radam,
  lion,
  adadelta,
  ftrl,
  asgd,
  rprop,
};

export const optimizerNames = Object.keys(optimizers) as readonly OptimizerSpec["name"][];

/** @throws OptionError for an unknown name, unknown options and values out of range */
export function makeOptimizer(spec: OptimizerSpec): Optimizer {
  const { name, ...options } = plain("optimizer", spec);
  const isKnown = typeof name === "string" && Object.hasOwn(optimizers, name);
  const make = isKnown ? optimizers[name as OptimizerSpec["name"]] : undefined;
  if (!make) throw new OptionError(`optimizer is ${shown(name)}, expected one of ${optimizerNames.join(", ")}`);
  return make(options);
}

const schedules: Readonly<Record<string, (options: never) => Schedule>> = {
  constant: (options: object) => {
    checkOptions("constant", options, []);
    return constant();
  },
  stepDecay,
  cosine,
  plateau,
  warmup: ({ after, ...options }: { steps: number; startFactor?: number; after?: ScheduleSpec }) =>
    warmup({ ...options, after: makeSchedule(after) }),
};

export const scheduleNames = [
  "constant",
  "stepDecay",
  "cosine",
  "plateau",
  "warmup",
] as const satisfies readonly ScheduleSpec["name"][];

/** @throws OptionError for an unknown name, unknown options and values out of range */
export function makeSchedule(spec: ScheduleSpec = { name: "constant" }): Schedule {
  const { name, ...options } = plain("schedule", spec);
  const make = typeof name === "string" && Object.hasOwn(schedules, name) ? schedules[name] : undefined;
  if (!make) throw new OptionError(`schedule is ${shown(name)}, expected one of ${scheduleNames.join(", ")}`);
  return make(options as never);
}

function plain(what: string, spec: unknown): Record<string, unknown> {
  if (spec === null || typeof spec !== "object" || Array.isArray(spec))
    throw new OptionError(`${what} is ${shown(spec)}, expected { name, … }`);
  return { ...spec };
}
