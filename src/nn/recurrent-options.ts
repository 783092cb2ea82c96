import type { FullCell } from "../cells/cell.ts";
import { checkCount, checkOptions, checkSwitch, LARGEST, LEAST, OptionError, shown } from "../errors.ts";
import type { StepOptions } from "../kernels/recurrence.ts";

/** How the outputs of the two directions become one: side by side `[T,B,2*P]`, or one `[T,B,P]`; `none`: `[2,T,B,P]`. */
export type Merge = "concat" | "sum" | "average" | "product" | "none";

/** Options of every recurrent layer. P is `projSize` where there is a projection, `hiddenSize` otherwise. */
export interface RecurrentOptions {
  /** Size of one step's input; or of the vocabulary, where inputs are tokens that stand for one-hot vectors. */
  readonly inputSize: number;
  /** Units of every layer, or of each: `[256, 128]` is two layers, as Keras stacks them. */
  readonly hiddenSize: number | readonly number[];
  /** Layers on top of each other; default 1, or as many as `hiddenSize` lists. */
  readonly numLayers?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Inputs and outputs are `[B,T,C]` instead of `[T,B,C]`; default false. States are not concerned, as in PyTorch. */
  readonly batchFirst?: boolean;
  /** A second direction over the reversed sequence (Schuster and Paliwal 1997); default false. */
  readonly bidirectional?: boolean;
  /**
   * One direction that runs from the end of the sequence; default false. Outputs stay at their own time, as in ONNX's
   * direction "reverse"; Keras's `go_backwards` returns them in the order in which they were made.
   */
  readonly goBackwards?: boolean;
  /** How the two directions' outputs are put together, as Keras's `merge_mode`; default "concat". */
  readonly merge?: Merge;
  /**
   * Outputs in steps that lengths or the mask pass over: "zero" (default; PyTorch's packed sequences), or "hold": the state
   * that is held (Keras's RNN layers without `zero_output_for_mask`).
   */
  readonly maskedOutput?: "zero" | "hold";
  /** Probability of dropout on the outputs of every layer but the last, in training, as torch.nn.LSTM; default 0. */
  readonly dropout?: number;
  /** The same with one mask for all steps of a sequence (Gal and Ghahramani 2016); default 0. */
  readonly variationalDropout?: number;
  /** Probability of dropout on the h that R reads, one mask for all steps (Gal and Ghahramani 2016; Keras); default 0. */
  readonly recurrentDropout?: number;
  /**
   * Zoneout (Krueger et al. 2017): how likely a unit keeps its previous state in a training step; otherwise the expectation
   * is taken. One rate, or one for `h` and one for the other states by name: `{ h: 0.05, c: 0.15 }`. Default 0.
   */
  readonly zoneout?: number | Readonly<Record<string, number>>;
  /** Every layer but the first adds its input to its output (Wu et al. 2016, section 3.1); default false. */
  readonly residual?: boolean;
  /** R consists of this many blocks on its diagonal: heads that do not see each other (Beck et al. 2024); default 1. */
  readonly numHeads?: number;
  /**
   * Initial states are parameters, the same for every sequence (Forcada and Carrasco 1995, "Learning the initial state of a
   * second-order recurrent neural network"); default false: zeros. Such a state is not carried from
   * batch to batch, because one that is carried begins with zeros.
   */
  readonly learnedInitialState?: boolean;
}

const common = [
  "inputSize",
  "hiddenSize",
  "numLayers",
  "bias",
  "batchFirst",
  "bidirectional",
  "goBackwards",
  "merge",
  "maskedOutput",
  "dropout",
  "variationalDropout",
  "recurrentDropout",
  "zoneout",
  "residual",
  "numHeads",
  "learnedInitialState",
] as const;

const byLayer = "RNN has `nonlinearity`, IndRNN `activation`, LSTM and GRU `activations`";

/** Who has an option that is none of every layer. */
const owners: Readonly<Record<string, string>> = {
  projSize: "it is LSTM's",
  peepholes: "it is LSTM's",
  coupledGates: "it is LSTM's",
  cellClip: "it is LSTM's",
  forgetBias: "it is LSTM's; elsewhere set the bias in the state dict",
  resetAfter: "it is GRU's",
  nonlinearity: byLayer,
  activations: byLayer,
  activation: byLayer,
  clip: "it is LSTM's, GRU's and RNN's",
  forgetGate: "it is SLSTM's",
  layerNorm: "it is LSTM's and GRU's; LayerNorm can stand behind any layer",
  cell: "the class says which cell it is; new Recurrent({ cell }) takes any",
};

/** @throws OptionError for an unknown option, and who has it where another layer does */
export function checkRecurrentOptions(what: string, options: object, own: readonly string[]): void {
  const allowed = [...common, ...own];
  for (const key of Object.keys(options ?? {})) {
    if (!allowed.includes(key) && Object.hasOwn(owners, key))
      throw new OptionError(`${what} has no option "${key}": ${owners[key]}; leave it out`);
  }
  checkOptions(what, options, allowed);
}

/** @throws OptionError when a switch is no boolean */
export function checkSwitches(what: string, options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) checkSwitch(what, name, value);
  }
}

/** Options with their defaults, checked. */
export interface Settings {
  readonly inputSize: number;
  /** Of each layer. */
  readonly hiddenSizes: readonly number[];
  readonly projSize: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly bidirectional: boolean;
  readonly goBackwards: boolean;
  readonly merge: Merge;
  readonly dropout: number;
  readonly variationalDropout: number;
  readonly residual: boolean;
  readonly learnedInitialState: boolean;
  /** What the steps are told. */
  readonly steps: StepOptions;
}

const merges = ["concat", "sum", "average", "product", "none"];

function oneOf<T extends string>(what: string, name: string, value: T | undefined, known: readonly string[]): T {
  if (value !== undefined && !known.includes(value))
    throw new OptionError(`${what}: ${name} is ${shown(value)}, expected one of ${known.join(", ")}`);
  return value ?? (known[0] as T);
}

/**
 * A probability of losing something: 1 would lose everything.
 * @throws OptionError when it is not from 0 to below 1
 */
export function rate(what: string, name: string, value: unknown = 0): number {
  if (typeof value !== "number" || !(value >= 0 && value <= 1))
    throw new OptionError(`${what}: ${name} is ${shown(value)}, expected a rate of at least 0 and below 1`);
  // As the GPU has it: both backends then draw alike to the last bit.
  const p = Math.fround(value);
  if (p === 1) {
    const got = value === 1 ? "1" : `${value}, 1 in f32`;
    throw new OptionError(`${what}: ${name} is ${got}, which leaves nothing; choose a rate below 1`);
  }
  return p;
}

function zoneoutRates(what: string, given: RecurrentOptions["zoneout"], cell: FullCell): [h: number, cell: number] {
  if (given === undefined || typeof given === "number") {
    const both = rate(what, "zoneout", given);
    return [both, cell.states.length > 1 ? both : 0];
  }
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw new OptionError(
      `${what}: zoneout is ${shown(given)}, expected a rate, or rates by state: { ${cell.states.join(", ")} }`,
    );
  }
  for (const name of Object.keys(given)) {
    if (!cell.states.includes(name))
      throw new OptionError(`${what}: zoneout names the state "${name}", this cell has ${cell.states.join(", ")}`);
  }
  const [first, ...others] = cell.states as [string, ...string[]];
  const rates = others.map((name) => rate(what, `zoneout.${name}`, given[name]));
  if (new Set(rates).size > 1) {
    throw new OptionError(
      `${what}: zoneout of ${others.join(" and ")} is ${others.map((name) => given[name] ?? 0).join(" and ")}; these states only make sense together, give them one rate`,
    );
  }
  return [rate(what, `zoneout.${first}`, given[first]), rates[0] ?? 0];
}

/** The sizes of all layers. @throws OptionError when they do not fit numLayers */
export function sizesOf(
  what: string,
  { hiddenSize, numLayers }: Pick<RecurrentOptions, "hiddenSize" | "numLayers">,
): number[] {
  if (numLayers !== undefined) checkCount(what, "numLayers", numLayers);
  if (!Array.isArray(hiddenSize)) {
    const size = checkCount(what, "hiddenSize", hiddenSize);
    return Array.from({ length: numLayers ?? 1 }, () => size);
  }
  if (hiddenSize.length === 0) throw new OptionError(`${what}: hiddenSize lists no layer, expected at least one size`);
  const sizes = hiddenSize.map((size, i) => checkCount(what, `hiddenSize[${i}]`, size));
  if (numLayers !== undefined && numLayers !== sizes.length)
    throw new OptionError(
      `${what}: numLayers is ${numLayers}, but hiddenSize lists ${sizes.length} layers; leave numLayers out`,
    );
  return sizes;
}

/**
 * Checks options against each other and fills in the defaults.
 * @throws OptionError naming the option, its value and the reason
 */
export function settingsOf(what: string, options: RecurrentOptions & { projSize?: number }, cell: FullCell): Settings {
  const refuse = (why: string): never => {
    throw new OptionError(`${what}: ${why}`);
  };
  checkSwitches(what, options, [
    "bias",
    "batchFirst",
    "bidirectional",
    "goBackwards",
    "residual",
    "learnedInitialState",
  ]);
  const inputSize = checkCount(what, "inputSize", options.inputSize);
  const hiddenSizes = sizesOf(what, options);
  const { bidirectional = false, goBackwards = false, residual = false } = options;
  const { projSize = 0, numHeads = 1 } = options;
  checkCount(what, "projSize", projSize, 0);
  checkCount(what, "numHeads", numHeads);
  const merge = oneOf<Merge>(what, "merge", options.merge, merges);
  const maskedOutput = oneOf<"zero" | "hold">(what, "maskedOutput", options.maskedOutput, ["zero", "hold"]);
  const dropout = rate(what, "dropout", options.dropout);
  const variationalDropout = rate(what, "variationalDropout", options.variationalDropout);
  const recurrentDropout = rate(what, "recurrentDropout", options.recurrentDropout);
  const [zoneoutH, zoneoutCell] = zoneoutRates(what, options.zoneout, cell);
  const L = hiddenSizes.length;

  const tooSmall = hiddenSizes.find((H) => projSize >= H);
  if (projSize > 0 && tooSmall !== undefined)
    refuse(`projSize is ${projSize}, expected less than hiddenSize ${tooSmall}`);
  if (goBackwards && bidirectional) refuse("goBackwards with bidirectional: choose one of them");
  if (options.merge !== undefined && !bidirectional)
    refuse(`merge is "${merge}", but there is one direction only; set bidirectional, or leave merge out`);
  if (merge === "none" && L > 1)
    refuse(
      `merge is "none" with ${L} layers: a layer's input is one tensor; choose another merge, or stack layers yourself`,
    );
  if (dropout > 0 && variationalDropout > 0)
    refuse(
      `dropout is ${options.dropout} and variationalDropout ${options.variationalDropout}: they drop the same outputs; choose one of them`,
    );
  const between = dropout > 0 ? "dropout" : "variationalDropout";
  if (L === 1 && dropout + variationalDropout > 0)
    refuse(
      `${between} is ${options[between]}, but it acts between layers, and there is one; put a Dropout behind the layer${cell.recurrent ? ", or choose recurrentDropout" : ""}`,
    );
  if (recurrentDropout > 0 && !cell.recurrent)
    refuse(
      `recurrentDropout drops what R reads, and the cell "${cell.name}" has no R; it is ${options.recurrentDropout}, leave it out`,
    );
  if (numHeads > 1 && !cell.recurrent)
    refuse(`numHeads divides R, and the cell "${cell.name}" has no R; it is ${numHeads}, leave it out`);
  if (numHeads > 1 && cell.acrossUnits)
    refuse(
      `numHeads is ${numHeads} with the cell "${cell.name}", which takes means over all units, while heads are kept apart; leave one of them out`,
    );
  if (numHeads > 1 && projSize > 0)
    refuse(`numHeads is ${numHeads} with projSize ${projSize}: a projection mixes the heads; leave one of them out`);
  const indivisible = hiddenSizes.find((H) => H % numHeads !== 0);
  if (indivisible !== undefined)
    refuse(
      `numHeads is ${numHeads}, which does not divide hiddenSize ${indivisible}; choose a divisor of ${[...new Set(hiddenSizes)].join(" and ")}`,
    );
  if (cell.acrossUnits && hiddenSizes.includes(1))
    refuse(
      `hiddenSize is 1 with the cell "${cell.name}", which takes means over units, and one unit is its own mean; choose at least 2`,
    );
  const width = (H: number) => (projSize > 0 ? projSize : H) * (bidirectional && merge === "concat" ? 2 : 1);
  if (residual && L === 1)
    refuse(
      "residual adds a layer's input to its output from the second layer on, and there is one layer; leave it out, or add a layer",
    );
  const uneven = hiddenSizes.findIndex((H) => width(H) !== width(hiddenSizes[0]!));
  if (residual && uneven > 0)
    refuse(
      `residual adds outputs of one size, but layer 0 gives ${width(hiddenSizes[0]!)} and layer ${uneven} gives ${width(hiddenSizes[uneven]!)}; give all layers one hiddenSize, or leave residual out`,
    );
  return {
    inputSize,
    hiddenSizes,
    projSize,
    bias: options.bias !== false,
    batchFirst: options.batchFirst === true,
    bidirectional,
    goBackwards,
    merge,
    dropout,
    variationalDropout,
    residual,
    learnedInitialState: options.learnedInitialState === true,
    steps: { zoneoutH, zoneoutCell, recurrentDropout, numHeads, maskedOutput },
  };
}

/**
 * @param what the layer, and the option that holds the activations, if any
 * @throws OptionError for a pair of activations where there is one direction only
 */
export function checkPairs(what: string, activations: object | undefined, bidirectional: boolean | undefined): void {
  for (const [name, given] of Object.entries(activations ?? {})) {
    if (Array.isArray(given) && given.length === 2 && !bidirectional)
      throw new OptionError(
        `${what}${name} has an activation for each direction, ${shown(given)}, but there is one direction; give one activation, or set bidirectional`,
      );
  }
}

/** @throws OptionError for anything but a limit above 0 that f32 can hold, or undefined */
export function checkLimit(what: string, name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value >= LEAST && value <= LARGEST)) return;
  throw new OptionError(
    `${what}: ${name} is ${shown(value)}, expected a number above 0 that f32 can hold, ${LEAST} to ${LARGEST}; leave it out for no limit`,
  );
}

/** @throws OptionError when the activations are no object of these names */
export function checkActivations(what: string, given: unknown, names: readonly string[]): void {
  if (given === undefined) return;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new OptionError(`${what}: activations are ${shown(given)}, expected { ${names.join(", ")} }`);
  for (const [name, value] of Object.entries(given)) {
    if (!names.includes(name))
      throw new OptionError(`${what}: activations has "${name}"; there are ${names.join(", ")}`);
    if (value === null)
      throw new OptionError(
        `${what}: activations.${name} is null, expected an activation; leave it out for the default`,
      );
  }
}
