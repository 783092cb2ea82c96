/** Every error that the library throws on purpose is one of these: `code` is stable, the message names the thing, the values and the way out. */
export class WebGpuRnnError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    // NO_ADAPTER is NoAdapterError, also where a bundler gave the class another name.
    this.name = `${code.toLowerCase().replace(/(?:^|_)./g, (letter) => letter.at(-1)!.toUpperCase())}Error`;
  }
}

/** A tensor has the wrong rank, size or element type. */
export class ShapeError extends WebGpuRnnError {
  constructor(message: string) {
    super("SHAPE", message);
  }
}

/** An option is unknown, missing or out of range. */
export class OptionError extends WebGpuRnnError {
  constructor(message: string) {
    super("OPTION", message);
  }
}

/** A state dict does not fit the model: names missing, names too many, or another shape. */
export class StateDictError extends WebGpuRnnError {
  constructor(message: string) {
    super("STATE_DICT", message);
  }
}

/** A file is not what its name or its reader promises. */
export class FileFormatError extends WebGpuRnnError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("FILE_FORMAT", message, options);
  }
}

/** The data cannot be trained on or decoded: a token outside the vocabulary, an empty or too short text. */
export class DataError extends WebGpuRnnError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("DATA", message, options);
  }
}

/** A GPU or WebAssembly was asked for, and there is none. */
export class NoAdapterError extends WebGpuRnnError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("NO_ADAPTER", message, options);
  }
}

/** The work needs more than the adapter allows; the message says how much, and what would fit. */
export class LimitError extends WebGpuRnnError {
  constructor(message: string) {
    super("LIMIT", message);
  }
}

/** The functions of a cell contradict each other or read what is not there, or its WGSL does not compile. */
export class CellError extends WebGpuRnnError {
  constructor(message: string) {
    super("CELL", message);
  }
}

/** The device went away (driver reset, tab in the background, unplugged). What was on it is gone. */
export class DeviceLostError extends WebGpuRnnError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("DEVICE_LOST", message, options);
  }
}

/** The loss of a training step is not a finite number. */
export class DivergedError extends WebGpuRnnError {
  /** The step (1 is the first) whose loss is not finite. */
  readonly step: number;
  constructor(step: number, message: string) {
    super("DIVERGED", message);
    this.step = step;
  }
}

/** Something else is under way that this would disturb; the message says what, and how to end it. */
export class BusyError extends WebGpuRnnError {
  constructor(message: string) {
    super("BUSY", message);
  }
}

/** Something was used after its `dispose()`. */
export class DisposedError extends WebGpuRnnError {
  constructor(message: string) {
    super("DISPOSED", message);
  }
}

/** The library's own promise is broken; please report it. */
export class InternalError extends WebGpuRnnError {
  constructor(message: string) {
    super("INTERNAL", `${message} (this is a fault of webgpu-rnn: please report it)`);
  }
}

/** How much of a long text, a list or a whole value a message repeats: files and callers may give megabytes. */
const MOST_CHARACTERS = 60;
const MOST_ENTRIES = 8;
const MOST_OF_A_VALUE = 200;

/** The beginning of a text that may be long. */
export const shortened = (text: string, most = MOST_CHARACTERS): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

/** A value as a message shows it: text in quotes, objects as they are written, of long ones the beginning. */
export const shown = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(shortened(value)) : shortened(written(value, 3), MOST_OF_A_VALUE);

/** Names as a message lists them: the first ones, and how many there are. */
export function shownNames(names: readonly string[]): string {
  const first = names.slice(0, MOST_ENTRIES).map((name) => shortened(name));
  return names.length > first.length ? `${first.join(", ")}, … (${names.length} in all)` : first.join(", ");
}

function written(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(shortened(value));
  if (typeof value === "function") return "a function";
  // What lies deep may hold what it lies in.
  if (depth === 0 && typeof value === "object" && value !== null) return "…";
  if (Array.isArray(value)) {
    const first = value.slice(0, MOST_ENTRIES).map((one) => written(one, depth - 1));
    return `[${(value.length > first.length ? [...first, "…"] : first).join(", ")}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? "Object";
  if (name !== "Object") return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${shortened(String(name))}`;
  const entries = Object.entries(value);
  const first = entries.slice(0, MOST_ENTRIES).map(([key, one]) => `${shortened(key)}: ${written(one, depth - 1)}`);
  if (entries.length > first.length) first.push("…");
  return first.length > 0 ? `{ ${first.join(", ")} }` : "{}";
}

/**
 * Refuses what is no object, and option names that are not known, so that a typing mistake never passes as a default.
 * @throws OptionError naming the unknown option and those that exist
 */
export function checkOptions(what: string, given: unknown, allowed: readonly string[]): void {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new OptionError(`${what}: options are ${shown(given)}, expected an object with ${allowed.join(", ")}`);
  for (const key of Object.keys(given)) {
    if (allowed.includes(key)) continue;
    // torch's hidden_size is hiddenSize here.
    const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const meant = camel !== key && allowed.includes(camel) ? ` (did you mean ${camel}?)` : "";
    throw new OptionError(`${what}: unknown option ${shown(key)}${meant}; options are ${allowed.join(", ")}`);
  }
}

/**
 * Requires a whole number of at least `least`, and at most `most` where there is such a limit.
 * @throws OptionError naming the option and its value
 */
export function checkCount(
  what: string,
  name: string,
  value: unknown,
  least = 1,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new OptionError(`${what}: ${name} is ${shown(value)}, expected a whole number ${range}`);
  }
  return value;
}

/** The least and the largest normal number of f32, which is what the GPU computes with. */
export const LEAST = 2 ** -126;
export const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * Requires a number within `[low, high]` that f32 can hold.
 * @throws OptionError naming the option, its value and the range
 */
export function checkNumber(what: string, name: string, value: unknown, low = -LARGEST, high = LARGEST): number {
  const fits = typeof value === "number" && value >= low && value <= high;
  if (!fits || (value !== 0 && Math.abs(value) < LEAST))
    throw new OptionError(`${what}: ${name} is ${shown(value)}, expected a finite number in [${low}, ${high}]`);
  return value;
}

/**
 * Requires one of some values.
 * @throws OptionError naming the option, its value and what there is
 */
export function checkChoice<T extends string | boolean>(
  what: string,
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  if (!choices.includes(value as T))
    throw new OptionError(`${what}: ${name} is ${shown(value)}, expected ${choices.map(shown).join(" or ")}`);
  return value as T;
}

/**
 * Requires true or false.
 * @throws OptionError naming the option and its value
 */
export const checkSwitch = (what: string, name: string, value: unknown): boolean =>
  checkChoice(what, name, value, [true, false]);
