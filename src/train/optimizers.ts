import { checkNumber, checkSwitch, OptionError, shown } from "../errors.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { Trainer } from "./trainer.ts";

/** An optimizer as data: which kernel, its constants, what it keeps, and what the host sends it each step. */
export interface Optimizer {
  readonly name: string;
  readonly lr: number;
  /** The options with their defaults filled in. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** What it keeps for each parameter, by slot; slots that are not in use are undefined. */
  readonly moments: readonly (string | undefined)[];
  /** What each slot starts with; a slot that is not named here starts with 0. */
  readonly initialMoments: readonly number[];
  /** @internal */
  readonly kernel: Kernel;
  /** @internal */
  readonly params: Readonly<Record<string, number>>;
  /** What the kernel reads in step `step` (1 is the first) at learning rate `lr`: first of all lr, with any decay of its own. */
  hyper(step: number, lr: number): number[];
  /** @internal What trains with it: so a bundle without an optimizer has no code that trains. */
  readonly Trainer: typeof Trainer;
}

type Plain = Omit<Optimizer, "initialMoments" | "Trainer"> & { readonly initialMoments?: readonly number[] };
export const optimizer = (plain: Plain): Optimizer => ({ initialMoments: [], Trainer, ...plain });

export const flag = (value: boolean) => (value ? 1 : 0);

/** Numbers within their ranges; every other option is true or false. */
export function checked(
  what: string,
  options: Readonly<Record<string, unknown>>,
  ranges: Readonly<Record<string, readonly [number, number]>>,
): void {
  for (const [name, [low, high]] of Object.entries(ranges)) checkNumber(what, name, options[name], low, high);
  for (const [name, value] of Object.entries(options)) if (!(name in ranges)) checkSwitch(what, name, value);
}

/** Two numbers within their ranges. */
export function checkedPair(
  what: string,
  name: string,
  value: unknown,
  ranges: readonly [readonly [number, number], readonly [number, number]],
): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2)
    throw new OptionError(`${what}: ${name} is ${shown(value)}, expected two numbers`);
  const at = (i: 0 | 1) => checkNumber(what, `${name}[${i}]`, value[i], ...ranges[i]);
  return [at(0), at(1)];
}

export const positive = [0, Number.MAX_VALUE] as const;
export const fraction = [0, 1] as const;
/** From 0 to the largest f32 below 1. */
export const belowOne = [0, 1 - 2 ** -24] as const;
