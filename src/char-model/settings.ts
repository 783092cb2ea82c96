import { checkCount, checkNumber, checkOptions, LEAST, OptionError, shown } from "../errors.ts";
import { makeOptimizer, makeSchedule, type OptimizerSpec, type ScheduleSpec } from "../train/specs.ts";
import { MOST_STEPS } from "../train/training-file.ts";

/** How a character model is trained, as plain data: with the text and the step, all that going on exactly needs. */
export interface TrainingSettings {
  /** T: characters between two updates. */
  readonly window: number;
  /** B: rows that the text is cut into. */
  readonly batch: number;
  readonly optimizer: OptimizerSpec;
  readonly clipNorm?: number;
  readonly clipValue?: number;
  /** Default constant. */
  readonly schedule?: ScheduleSpec;
  /** Of the initial weights. */
  readonly seed: number;
  /** How much of the text's end is kept for validation, from 0 to below 1. */
  readonly validationFraction: number;
  /** `textFingerprint` of the whole text. */
  readonly text: string;
  /** How many steps were planned, if that is known. */
  readonly steps?: number;
}

const settingNames: readonly (keyof TrainingSettings)[] = [
  "window",
  "batch",
  "optimizer",
  "clipNorm",
  "clipValue",
  "schedule",
  "seed",
  "validationFraction",
  "text",
  "steps",
];

/** T and B beyond which no device has the memory of one step. */
const MOST_ROWS = 2 ** 24;

/** @throws OptionError for anything that training could not be done with */
export function checkSettings(settings: TrainingSettings): TrainingSettings {
  const what = "training";
  checkOptions(what, settings, settingNames);
  const { window, batch, seed, validationFraction, text, clipNorm, clipValue, steps } = settings;
  checkCount(what, "window", window, 1, MOST_ROWS);
  checkCount(what, "batch", batch, 1, MOST_ROWS);
  checkCount(what, "seed", seed, 0, 2 ** 32 - 1);
  checkNumber(what, "validationFraction", validationFraction, 0, 1 - 2 ** -24);
  const units = typeof text === "string" ? /^(\d{1,10})-[0-9a-f]{16}$/.exec(text)?.[1] : undefined;
  if (units === undefined) throw new OptionError(`${what}: text is ${shown(text)}, expected textFingerprint(text)`);
  if (window * batch >= Number(units))
    throw new OptionError(
      `${what}: ${batch} rows with a window of ${window} need more than ${window * batch} characters, and the text has at most ${units}; choose a smaller window or batch`,
    );
  if (clipNorm !== undefined) checkNumber(what, "clipNorm", clipNorm, LEAST);
  if (clipValue !== undefined) checkNumber(what, "clipValue", clipValue, LEAST);
  if (steps !== undefined) checkCount(what, "steps", steps, 1, MOST_STEPS);
  makeOptimizer(settings.optimizer);
  makeSchedule(settings.schedule);
  return settings;
}
