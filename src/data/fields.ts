import { checkCount, checkOptions, DataError, OptionError, shown } from "../errors.ts";
import { Normalizer } from "./normalizer.ts";
import {
  checkFinite,
  checkWhole,
  isList,
  keptSteps,
  type Numbers,
  type Padding,
  readVectors,
  type Steps,
} from "./padding.ts";
import { Vocabulary } from "./vocabulary.ts";

// What a batch takes from a record, and how: which of its fields, of which type, in which layout.

/**
 * One tensor of a batch, made from the same part of each record; from {@link tokens}, {@link labels}, {@link label},
 * {@link series}, {@link numbers} or {@link lengths}.
 */
export interface Field<in R = never, out D extends Numbers = Numbers> {
  /** What messages call it. */
  readonly name: string;
  /** Fields of one axis have equally many steps in every record; undefined without steps. */
  readonly axis: string | undefined;
  /** What stands in the padding. */
  readonly pad: number;
  /** Where it is not as in the rest of the batch. */
  readonly batchFirst: boolean | undefined;
  /** @internal */
  readonly make: (length: number) => D;
  /** @internal The numbers of a record. @throws DataError; `at` names the record */
  readonly read: (record: R, at: string, padding: Padding) => Steps<D>;
}

/** The name of a record's field, or a function that computes the value from the record (write its parameter's type). */
export type FieldSource<V> = string | ((record: never) => V);
/** The records that a source reads. */
export type RecordOf<S, V> = S extends string
  ? { readonly [K in S]: V }
  : S extends (record: infer R) => unknown
    ? R
    : never;

export type TokensValue = ArrayLike<number>;
/** What a vocabulary encodes: a text, or a list of words. Numbers are tokens already. */
export type TextValue = string | readonly string[] | ArrayLike<number>;
export type SeriesValue = ArrayLike<number> | ArrayLike<ArrayLike<number>>;
export type NumbersValue = number | ArrayLike<number>;

/** What all sequences may say. */
export interface SequenceFieldOptions {
  /**
   * Sequences of one axis have the same number of steps in each record, and are padded alike; default "time". An encoder and
   * a decoder have an axis each.
   */
  readonly axis?: string;
  /** For one field: `[B,T]`, as `ctc` wants its labels. Default: as the batch. */
  readonly batchFirst?: boolean;
}

export interface TokensFieldOptions extends SequenceFieldOptions {
  /** What stands in the padding. Default: the vocabulary's padding token, or 0; of labels -100, which a loss does not count. */
  readonly pad?: number;
  /** Put the vocabulary's begin token in front of a text; default false. */
  readonly begin?: boolean;
  /** Put the vocabulary's end token behind a text; default false. */
  readonly end?: boolean;
}

export interface SeriesFieldOptions extends SequenceFieldOptions {
  /** Applied to each step. */
  readonly normalizer?: Normalizer;
}

export interface NumbersFieldOptions {
  readonly normalizer?: Normalizer;
}

/** The ignored class of `crossEntropy`, and of torch's losses. */
const IGNORED = -100;
const sequenceNames = ["axis", "batchFirst"] as const;
const i32 = (length: number) => new Int32Array(length);
const f32 = (length: number) => new Float32Array(length);

/** A source as a function, and its name for messages. */
function sourceOf<V>(kind: string, source: FieldSource<V>): { name: string; of: (record: object, at: string) => V } {
  if (typeof source === "function") return { name: source.name || kind, of: source as (record: object) => V };
  if (typeof source !== "string")
    throw new OptionError(`field.${kind}: ${shown(source)} is neither the name of a record's field nor a function`);
  return {
    name: source,
    of(record, at) {
      if (typeof record === "object" && record !== null && source in record)
        return (record as Readonly<Record<string, V>>)[source] as V;
      const names = typeof record === "object" && record !== null ? Object.keys(record).join(", ") : shown(record);
      throw new DataError(`${at} has no field ${shown(source)}, but ${names || "none"}`);
    },
  };
}

function checkAxis(kind: string, { axis = "time" }: SequenceFieldOptions): string {
  if (typeof axis === "string" && axis !== "") return axis;
  throw new OptionError(`field.${kind}: axis is ${shown(axis)}, expected a name`);
}

/** How many tokens or classes there are: a number, a vocabulary's size, or unknown. */
function sizeOf(kind: string, of: number | Vocabulary | undefined): number | undefined {
  if (of === undefined) return undefined;
  if (of instanceof Vocabulary) return of.size;
  if (typeof of === "number") return checkCount(`field.${kind}`, "how many there are", of, 1, 2 ** 31);
  throw new OptionError(`field.${kind}: ${shown(of)} is neither a number of them nor a Vocabulary`);
}

function wholeNumbers<S extends FieldSource<TextValue>>(
  kind: "tokens" | "labels",
  source: S,
  of: number | Vocabulary | undefined,
  options: TokensFieldOptions,
): Field<RecordOf<S, TextValue>, Int32Array> {
  checkOptions(`field.${kind}`, options, [...sequenceNames, "pad", "begin", "end"]);
  const { name, of: value } = sourceOf(kind, source);
  const below = sizeOf(kind, of);
  const vocabulary = of instanceof Vocabulary ? of : undefined;
  const { begin = false, end = false, batchFirst } = options;
  if ((begin || end) && !vocabulary)
    throw new OptionError(`field.${kind}: begin and end are tokens of a Vocabulary; give one`);
  vocabulary?.encode("", { begin, end });
  const pad = options.pad ?? (kind === "labels" ? IGNORED : (vocabulary?.special.padding ?? 0));
  if (!Number.isInteger(pad)) throw new OptionError(`field.${kind}: pad is ${shown(pad)}, expected a whole number`);
  const what = kind === "tokens" ? "a token" : "a class";
  const check = (token: unknown, at: () => string) =>
    kind === "labels" && token === IGNORED ? IGNORED : checkWhole(token, at, below, what);
  const encoded = (at: string, text: string | readonly string[]): Int32Array => {
    try {
      return vocabulary!.encode(text, { begin, end });
    } catch (cause) {
      throw new DataError(`${at}: ${(cause as Error).message}`, { cause });
    }
  };
  const read = (record: object, which: string, padding: Padding): Steps<Int32Array> => {
    const at = `${which}.${name}`;
    const given = value(record, which);
    const isText = typeof given === "string" || (Array.isArray(given) && typeof given[0] === "string");
    if (isText && !vocabulary)
      throw new DataError(`${at} is text, ${shown(given)}; give field.${kind} a Vocabulary that encodes it`);
    if (!isText && !isList(given)) throw new DataError(`${at} is ${shown(given)}, expected a list of whole numbers`);
    const all = isText ? encoded(at, given as string) : (given as ArrayLike<number>);
    if (all.length === 0) throw new DataError(`${at} is empty, expected at least one step`);
    const { from, to } = keptSteps(at, all.length, padding);
    const data = Int32Array.from({ length: to - from }, (_, t) => check(all[from + t], () => `${at}[${from + t}]`));
    return { data, length: to - from, width: undefined };
  };
  return { name, axis: checkAxis(kind, options), pad, batchFirst, make: i32, read: read as never };
}

/**
 * Tokens, i32 `[T,B]`.
 * @param source the field that holds them, a list of whole numbers; with a vocabulary also a text
 * @param of V, or the vocabulary, which encodes texts; default: any number is a token
 */
export function tokens<S extends FieldSource<TextValue>>(
  source: S,
  of: Vocabulary,
  options?: TokensFieldOptions,
): Field<RecordOf<S, TextValue>, Int32Array>;
export function tokens<S extends FieldSource<TokensValue>>(
  source: S,
  of?: number,
  options?: TokensFieldOptions,
): Field<RecordOf<S, TokensValue>, Int32Array>;
export function tokens(source: FieldSource<TextValue>, of?: number | Vocabulary, options: TokensFieldOptions = {}) {
  return wholeNumbers("tokens", source, of, options);
}

/**
 * A class for each step, i32 `[T,B]`, -100 in the padding: it does not count in `crossEntropy`, and records may have it too.
 * @param source the field that holds them, as for {@link tokens}
 * @param of how many classes there are, or the vocabulary whose tokens they are
 */
export function labels<S extends FieldSource<TextValue>>(
  source: S,
  of: Vocabulary,
  options?: TokensFieldOptions,
): Field<RecordOf<S, TextValue>, Int32Array>;
export function labels<S extends FieldSource<TokensValue>>(
  source: S,
  of?: number,
  options?: TokensFieldOptions,
): Field<RecordOf<S, TokensValue>, Int32Array>;
export function labels(source: FieldSource<TextValue>, of?: number | Vocabulary, options: TokensFieldOptions = {}) {
  return wholeNumbers("labels", source, of, options);
}

/**
 * A class of each record, i32 `[B]`.
 * @param source the field that holds it, a whole number
 * @param of how many classes there are
 */
export function label<S extends FieldSource<number>>(source: S, of?: number): Field<RecordOf<S, number>, Int32Array> {
  const { name, of: value } = sourceOf("label", source);
  const below = sizeOf("label", of);
  const read = (record: object, which: string): Steps<Int32Array> => {
    const given = value(record, which);
    const data = Int32Array.of(
      given === IGNORED ? IGNORED : checkWhole(given, () => `${which}.${name}`, below, "a class"),
    );
    return { data, length: 1, width: undefined };
  };
  return { name, axis: undefined, pad: 0, batchFirst: undefined, make: i32, read: read as never };
}

/**
 * Numbers for each step, f32 `[T,B,C]`, 0 in the padding.
 * @param source the field that holds them: a list of vectors of C numbers, or of numbers (C = 1)
 */
export function series<S extends FieldSource<SeriesValue>>(
  source: S,
  options: SeriesFieldOptions = {},
): Field<RecordOf<S, SeriesValue>, Float32Array> {
  checkOptions("field.series", options, [...sequenceNames, "normalizer"]);
  const { name, of: value } = sourceOf("series", source);
  const { normalizer, batchFirst } = options;
  checkNormalizer("series", normalizer);
  const read = (record: object, which: string, padding: Padding): Steps<Float32Array> => {
    const at = `${which}.${name}`;
    const { data, length, width } = readVectors(at, value(record, which));
    const { from, to } = keptSteps(at, length, padding);
    const kept = data.subarray(from * width, to * width);
    return { data: normalized(normalizer, at, kept, width), length: to - from, width };
  };
  return { name, axis: checkAxis("series", options), pad: 0, batchFirst, make: f32, read: read as never };
}

/**
 * Numbers of each record, f32 `[B,C]`.
 * @param source the field that holds them: a list of C numbers, or one number (C = 1)
 */
export function numbers<S extends FieldSource<NumbersValue>>(
  source: S,
  options: NumbersFieldOptions = {},
): Field<RecordOf<S, NumbersValue>, Float32Array> {
  checkOptions("field.numbers", options, ["normalizer"]);
  const { name, of: value } = sourceOf("numbers", source);
  const { normalizer } = options;
  checkNormalizer("numbers", normalizer);
  const read = (record: object, which: string): Steps<Float32Array> => {
    const at = `${which}.${name}`;
    const given = value(record, which);
    const list = isList(given) ? given : undefined;
    if (list?.length === 0) throw new DataError(`${at} is empty, expected at least one number`);
    const data = list
      ? Float32Array.from({ length: list.length }, (_, c) => checkFinite(list[c], () => `${at}[${c}]`))
      : Float32Array.of(checkFinite(given, () => at));
    return { data: normalized(normalizer, at, data, data.length), length: 1, width: data.length };
  };
  return { name, axis: undefined, pad: 0, batchFirst: undefined, make: f32, read: read as never };
}

/** How many steps of a sequence are real, i32 `[B]`: what recurrent layers, pooling and attention take as `lengths`. */
export function lengths<R>(of: Field<R>): Field<R, Int32Array> {
  if (typeof of?.read !== "function" || of.axis === undefined)
    throw new OptionError(
      `field.lengths: ${of?.name ?? shown(of)} is no field with steps, such as field.tokens("text")`,
    );
  const read = (record: R, at: string, padding: Padding): Steps<Int32Array> => {
    const { length } = of.read(record, at, padding);
    return { data: Int32Array.of(length), length: 1, width: undefined };
  };
  return { name: `lengths of ${of.name}`, axis: undefined, pad: 0, batchFirst: undefined, make: i32, read };
}

function checkNormalizer(kind: string, normalizer: unknown): void {
  if (normalizer !== undefined && !(normalizer instanceof Normalizer))
    throw new OptionError(`field.${kind}: normalizer is ${shown(normalizer)}, expected one made by normalizer(…)`);
}

function normalized(normalizer: Normalizer | undefined, at: string, data: Float32Array, width: number): Float32Array {
  if (!normalizer) return data;
  if (width === normalizer.features) return normalizer.apply(data);
  throw new DataError(`${at} has ${width} features, and its normalizer was fitted on ${normalizer.features}`);
}
