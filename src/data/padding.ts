import {
  checkChoice,
  checkCount,
  checkOptions,
  checkSwitch,
  DataError,
  LARGEST,
  OptionError,
  shown,
} from "../errors.ts";
import { type Shape, sizeOf, type TensorData } from "../tensor-data.ts";

/** Numbers of a tensor that is made here. */
export type Numbers = Int32Array | Float32Array;

/** A tensor whose element type is known. */
export interface TensorOf<D extends Numbers> extends TensorData {
  readonly data: D;
}

/**
 * How long the sequences of a batch become. A plan is made and its shaders' sizes are fixed for every T that comes up, and at
 * most 64 plans stay loaded: a few lengths train faster than any, although they compute more padding.
 */
export interface PaddingOptions {
  /** T is the first of these lengths that the longest sequence fits; one length is the same T for all batches. Default: any T. */
  readonly padTo?: readonly number[];
  /** T is a multiple of this; default 1. */
  readonly padToMultipleOf?: number;
  /** Which end of a sequence that is longer than all of `padTo` is cut off. Default: it is an error. */
  readonly truncate?: "start" | "end";
  /** `[B,T]` and `[B,T,C]` in place of `[T,B]` and `[T,B,C]`, for layers with `batchFirst`; default false. */
  readonly batchFirst?: boolean;
}

export const paddingNames = ["padTo", "padToMultipleOf", "truncate", "batchFirst"] as const;

/** The options, checked. */
export interface Padding {
  readonly lengths: readonly number[];
  readonly multiple: number;
  readonly truncate: "start" | "end" | undefined;
  readonly batchFirst: boolean;
}

/** @throws OptionError */
export function checkPadding(who: string, options: PaddingOptions): Padding {
  const { padTo = [], padToMultipleOf = 1, truncate, batchFirst = false } = options;
  if (!Array.isArray(padTo))
    throw new OptionError(`${who}: padTo is ${shown(padTo)}, expected lengths such as [8, 16]`);
  for (const length of padTo) checkCount(who, "padTo", length);
  const multiple = checkCount(who, "padToMultipleOf", padToMultipleOf);
  if (padTo.length > 0 && multiple > 1)
    throw new OptionError(`${who}: padTo and padToMultipleOf both say how long T is; give one of them`);
  if (truncate !== undefined) checkChoice(who, "truncate", truncate, ["start", "end"]);
  if (truncate !== undefined && padTo.length === 0)
    throw new OptionError(`${who}: truncate needs padTo, which says how long a sequence may be`);
  checkSwitch(who, "batchFirst", batchFirst);
  return { lengths: [...padTo].sort((a, b) => a - b), multiple, truncate, batchFirst };
}

/** T for a longest sequence of this many steps. */
export const paddedLength = ({ lengths, multiple }: Padding, longest: number): number =>
  lengths.find((length) => length >= longest) ?? Math.ceil(longest / multiple) * multiple;

/** Which steps of a sequence are kept. @throws DataError when it is too long, and need not be cut */
export function keptSteps(at: string, length: number, { lengths, truncate }: Padding): { from: number; to: number } {
  const most = lengths.at(-1) ?? length;
  if (length <= most) return { from: 0, to: length };
  if (truncate === "end") return { from: 0, to: most };
  if (truncate === "start") return { from: length - most, to: length };
  throw new DataError(
    `${at} has ${length} steps, and padTo ends at ${most}; add a greater length, or cut with truncate: "end" or "start"`,
  );
}

/** The numbers of one sequence: `length` steps, each of `width` numbers, or of one without an axis for it (width undefined). */
export interface Steps<D extends Numbers = Numbers> {
  readonly data: D;
  readonly length: number;
  readonly width: number | undefined;
}

/** Steps of the longest one; there may be more of them than a call takes arguments. */
export const longest = (sequences: readonly Steps[]): number =>
  sequences.reduce((most, { length }) => Math.max(most, length), 0);

/** Puts sequences side by side: step after step of all of them, padded at their ends. */
export function layTogether<D extends Numbers>(
  sequences: readonly Steps<D>[],
  T: number,
  { pad, batchFirst, make }: { readonly pad: number; readonly batchFirst: boolean; make(length: number): D },
): TensorOf<D> {
  const B = sequences.length;
  const { width } = sequences[0]!;
  const C = width ?? 1;
  const shape: Shape = [...(batchFirst ? [B, T] : [T, B]), ...(width === undefined ? [] : [width])];
  const data = make(sizeOf(shape));
  if (pad !== 0) data.fill(pad);
  const [step, row] = batchFirst ? [C, T * C] : [B * C, C];
  for (const [b, { data: numbers, length }] of sequences.entries()) {
    for (let t = 0; t < length; t++)
      for (let c = 0; c < C; c++) data[t * step + b * row + c] = numbers[t * C + c] as number;
  }
  return { shape, data };
}

/** @param at says where it stands, where that is asked @throws DataError for what f32 cannot hold */
export function checkFinite(value: unknown, at: () => string): number {
  if (typeof value === "number" && Math.abs(value) <= LARGEST) return value;
  throw new DataError(`${at()} is ${shown(value)}, expected a finite number`);
}

/** @param at says where it stands, where that is asked @throws DataError for what is no whole number in range */
export function checkWhole(value: unknown, at: () => string, below: number | undefined, what: string): number {
  const most = (below ?? 2 ** 31) - 1;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  const range = below === undefined ? "of at least 0" : `from 0 to ${most}`;
  throw new DataError(`${at()} is ${shown(value)}, expected ${what}: a whole number ${range}`);
}

/** Whether a value is a list of something, typed or not. Text is none. */
export const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/**
 * Numbers of one sequence, or vectors: f32.
 * @param at where they stand, for messages
 * @throws DataError for an empty sequence, vectors of different lengths, and what is no finite number
 */
export function readVectors(at: string, value: unknown): Steps<Float32Array> & { readonly width: number } {
  if (!isList(value)) throw new DataError(`${at} is ${shown(value)}, expected a list of numbers or of vectors`);
  if (value.length === 0) throw new DataError(`${at} is empty, expected at least one step`);
  const nested = isList(value[0]);
  const width = nested ? (value[0] as ArrayLike<unknown>).length : 1;
  if (width === 0) throw new DataError(`${at}[0] is empty, expected at least one number`);
  const data = new Float32Array(value.length * width);
  for (let t = 0; t < value.length; t++) {
    const one = value[t];
    if (!nested) {
      data[t] = checkFinite(one, () => `${at}[${t}]`);
      continue;
    }
    if (!isList(one) || one.length !== width)
      throw new DataError(
        `${at}[${t}] has ${isList(one) ? `${one.length} numbers` : shown(one)}, and ${at}[0] has ${width}; all steps have the same features`,
      );
    for (let c = 0; c < width; c++) data[t * width + c] = checkFinite(one[c], () => `${at}[${t}][${c}]`);
  }
  return { data, length: value.length, width };
}

export interface PadSequencesOptions extends PaddingOptions {
  /** Default "i32" for lists of whole numbers (tokens), "f32" for lists of vectors. */
  readonly dtype?: "i32" | "f32";
  /** What stands in the padding; default 0. For targets of `crossEntropy` -100, which does not count. */
  readonly pad?: number;
}

/**
 * Pads sequences at their ends to one length, as `torch.nn.utils.rnn.pad_sequence` and, with `padTo` and `truncate`, Keras's
 * `pad_sequences` with padding "post".
 * @param sequences lists of tokens, or of numbers (`dtype: "f32"`), or of vectors
 * @returns `values`, i32 or f32 `[T,B]`, or f32 `[T,B,C]` for vectors; and how many steps of each are real, `lengths` i32 `[B]`
 * @throws DataError naming the sequence that is empty, ragged, too long, or has what is no number; OptionError
 */
export function padSequences(
  sequences: readonly (ArrayLike<number> | ArrayLike<ArrayLike<number>>)[],
  options: PadSequencesOptions = {},
): { readonly values: TensorData; readonly lengths: TensorOf<Int32Array> } {
  checkOptions("padSequences", options, [...paddingNames, "dtype", "pad"]);
  const padding = checkPadding("padSequences", options);
  const { pad = 0 } = options;
  if (!Array.isArray(sequences) || sequences.length === 0)
    throw new DataError(`padSequences: the sequences are ${shown(sequences)}, expected a list of at least one`);
  const areVectors = isList(sequences[0]?.[0]);
  const dtype = options.dtype ?? (areVectors ? "f32" : "i32");
  if ((dtype !== "i32" && dtype !== "f32") || (areVectors && dtype === "i32"))
    throw new OptionError(`padSequences: dtype is ${shown(dtype)}, expected "f32"${areVectors ? "" : ' or "i32"'}`);
  if (!(dtype === "i32" ? Number.isInteger(pad) : Number.isFinite(pad)))
    throw new OptionError(`padSequences: pad is ${shown(pad)}, expected a number that ${dtype} can hold`);
  const steps = sequences.map((value, i): Steps => {
    const at = `padSequences: sequence ${i}`;
    if (isList(value) && value.length > 0 && isList(value[0]) !== areVectors)
      throw new DataError(`${at} is a list of ${areVectors ? "numbers" : "lists"}, and sequence 0 is none`);
    const { data, length, width } = readVectors(at, value);
    const { from, to } = keptSteps(at, length, padding);
    const numbers = dtype === "i32" ? Int32Array.from(value as ArrayLike<number>) : data;
    if (dtype === "i32") {
      const wrong = numbers.findIndex((number, t) => number !== (value as ArrayLike<number>)[t]);
      if (wrong >= 0)
        throw new DataError(
          `${at}[${wrong}] is ${shown(value[wrong])}, expected a whole number; for other numbers set dtype: "f32"`,
        );
    }
    return { data: numbers.slice(from * width, to * width), length: to - from, width: areVectors ? width : undefined };
  });
  const { width } = steps[0]!;
  const other = steps.findIndex((one) => one.width !== width);
  if (other >= 0)
    throw new DataError(
      `padSequences: sequence ${other} has ${steps[other]!.width} features a step, and sequence 0 has ${width}`,
    );
  const T = paddedLength(padding, longest(steps));
  const { batchFirst } = padding;
  const make = (length: number): Numbers => (dtype === "i32" ? new Int32Array(length) : new Float32Array(length));
  return {
    values: layTogether(steps, T, { pad, batchFirst, make }),
    lengths: { shape: [steps.length], data: Int32Array.from(steps, ({ length }) => length) },
  };
}
