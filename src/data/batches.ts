import { checkCount, checkOptions, checkSwitch, DataError, OptionError, shown } from "../errors.ts";
import { checkSeed } from "../random.ts";
import type { Batch, BatchPart } from "./batch.ts";
import type { Field } from "./fields.ts";
import {
  checkPadding,
  layTogether,
  longest,
  type Numbers,
  type Padding,
  type PaddingOptions,
  paddedLength,
  paddingNames,
  type Steps,
  type TensorOf,
} from "./padding.ts";
import { shuffled } from "./shuffle.ts";

/** One side of a batch: a field, or several under the names that the model or the loss knows them by. */
export type Fields<R> = Field<R> | { readonly [name: string]: Field<R> };

/** The tensors that fields make: one, or a record of them. */
export type TensorsOf<F> =
  F extends Field<never, infer D>
    ? TensorOf<D>
    : { readonly [K in keyof F]: F[K] extends Field<never, infer D> ? TensorOf<D> : never };

/** A side of a batch that is made by fields F, as a batch's type has it. */
type Side<F> = TensorsOf<F> extends infer S extends BatchPart ? S : never;

export interface BatchesOptions<X, Y> extends PaddingOptions {
  /** What `forward` gets. */
  readonly x: X;
  /** What the loss gets. */
  readonly target: Y;
  /** B: records in a batch. */
  readonly batch: number;
  /** Another order in every epoch; default false. */
  readonly shuffle?: boolean;
  /** Of the order: the same on every machine; default 0. */
  readonly seed?: number;
  /**
   * Put records of similar length together, which saves padding. With `shuffle` these are sought among 64 batches at a time, so
   * that batches differ from epoch to epoch. Default false.
   */
  readonly bucketByLength?: boolean;
  /** Leave out what remains for a last batch that is not full, which would be compiled for itself; default false. */
  readonly dropLast?: boolean;
}

/** How many batches' records are sorted by length together. */
const POOL = 64;

/** A record of fields may have one under any name, `read` too. */
const isField = (fields: object): fields is Field => "read" in fields && typeof fields.read === "function";

/** A table's fields, each with what it read from every record. */
class Table {
  readonly padding: Padding;
  readonly columns = new Map<Field, readonly Steps[]>();
  /** Steps of every record, by axis. */
  readonly axes = new Map<string, readonly number[]>();

  /** @throws DataError naming the record and the field, OptionError for what is no field */
  constructor(who: string, records: readonly unknown[], sides: Readonly<Record<string, unknown>>, padding: Padding) {
    this.padding = padding;
    if (!Array.isArray(records) || records.length === 0)
      throw new DataError(`${who}: the records are ${shown(records)}, expected a list of at least one`);
    const from = new Map<string, string>();
    for (const field of Object.entries(sides).flatMap(([side, fields]) => fieldsOf(who, side, fields))) {
      if (this.columns.has(field)) continue;
      const column = records.map((record, i) => field.read(record as never, `${who}: record ${i}`, padding));
      const { width } = column[0]!;
      const other = column.findIndex((one) => one.width !== width);
      if (other >= 0)
        throw new DataError(
          `${who}: record ${other}.${field.name} has ${column[other]!.width} features, and record 0 has ${width}`,
        );
      this.columns.set(field, column);
      if (field.axis === undefined) continue;
      const steps = column.map(({ length }) => length);
      const known = this.axes.get(field.axis);
      const differs = known?.findIndex((length, i) => length !== steps[i]) ?? -1;
      if (differs >= 0)
        throw new DataError(
          `${who}: record ${differs}.${field.name} has ${steps[differs]} steps, and its ${from.get(field.axis)} has ${known![differs]}; give fields of other sequences an axis of their own: { axis: "decoder" }`,
        );
      this.axes.set(field.axis, steps);
      if (!known) from.set(field.axis, field.name);
    }
  }

  /** The tensors of some records. */
  tensors<F>(fields: F, records: readonly number[]): TensorsOf<F> {
    const one = (field: Field): TensorOf<Numbers> => {
      const column = this.columns.get(field)!;
      const steps = records.map((at) => column[at]!);
      if (field.axis === undefined) {
        const { shape, data } = layTogether(steps, 1, { pad: 0, batchFirst: false, make: field.make });
        return { shape: shape.slice(1), data };
      }
      const T = paddedLength(this.padding, longest(steps));
      const { pad, make, batchFirst = this.padding.batchFirst } = field;
      return layTogether(steps, T, { pad, make, batchFirst });
    };
    const made = isField(fields as object)
      ? one(fields as Field)
      : Object.fromEntries(Object.entries(fields as Record<string, Field>).map(([name, field]) => [name, one(field)]));
    return made as TensorsOf<F>;
  }
}

function fieldsOf(who: string, side: string, fields: unknown): Field[] {
  if (typeof fields !== "object" || fields === null)
    throw new OptionError(
      `${who}: ${side} is ${shown(fields)}, expected a field such as field.tokens("text"), or several by name`,
    );
  if (isField(fields)) return [fields];
  const all = Object.entries(fields);
  for (const [name, field] of all)
    if (typeof field !== "object" || field === null || !isField(field))
      throw new OptionError(
        `${who}: ${side}.${name} is ${shown(field)}, expected a field such as field.tokens("text")`,
      );
  if (all.length === 0) throw new OptionError(`${who}: ${side} has no field`);
  return all.map(([, field]) => field as Field);
}

/**
 * The tensors of some records, all in one batch: for a program, a session, or batches that are made in another way.
 * @param fields one field, or several by name
 * @throws DataError naming the record and the field, OptionError
 */
export function collate<R, F extends Fields<R>>(
  records: readonly R[],
  fields: F,
  options: PaddingOptions = {},
): TensorsOf<F> {
  checkOptions("collate", options, paddingNames);
  const table = new Table("collate", records, { fields }, checkPadding("collate", options));
  return table.tensors(fields, [...records.keys()]);
}

/** Records as batches, epoch after epoch, each in its own order. Made by {@link batches}. */
export class Batches<X extends BatchPart, Y extends BatchPart> implements Iterable<Batch<X, Y>> {
  /** Batches in an epoch. */
  readonly length: number;
  readonly #tensors: (records: readonly number[]) => Batch<X, Y>;
  readonly #order: (epoch: number) => number[][];
  #known: { readonly epoch: number; readonly order: number[][] } | undefined;
  #next = 0;

  /** @internal */
  constructor(
    length: number,
    order: (epoch: number) => number[][],
    tensors: (records: readonly number[]) => Batch<X, Y>,
  ) {
    this.length = length;
    this.#order = order;
    this.#tensors = tensors;
  }

  /** The batch of a training step, a new one at every call. @param step counts from 0, through all epochs */
  at(step: number): Batch<X, Y> {
    checkCount("batches.at", "step", step, 0);
    const epoch = Math.floor(step / this.length);
    if (this.#known?.epoch !== epoch) this.#known = { epoch, order: this.#order(epoch) };
    return this.#tensors(this.#known.order[step % this.length]!);
  }

  /** The batches from a step on, without end: `data.from(trainer.steps)` goes on where a training stopped. */
  *from(step = 0): Generator<Batch<X, Y>, never, undefined> {
    for (let s = step; ; s++) yield this.at(s);
  }

  /** The batches of one epoch. @param epoch 0 is the first */
  *epoch(epoch = 0): Generator<Batch<X, Y>, void, undefined> {
    checkCount("batches.epoch", "epoch", epoch, 0);
    for (let i = 0; i < this.length; i++) yield this.at(epoch * this.length + i);
  }

  /** The batches of the next epoch: every loop over this object is another one, and the first loop is epoch 0. */
  [Symbol.iterator](): Generator<Batch<X, Y>, void, undefined> {
    return this.epoch(this.#next++);
  }
}

/**
 * Records as batches `{ x, target }` in the library's layout: sequences padded at their ends to T of their batch, `[T,B]` or
 * `[T,B,C]`, tokens and classes i32, other numbers f32. All records are read and checked here, once.
 *
 * ```ts
 * const records = [{ text: "good", label: 1 }, { text: "not good", label: 0 }];
 * const text = field.tokens("text", Vocabulary.fromTexts(records.map((record) => record.text)));
 * const data = batches(records, {
 *   x: { tokens: text, lengths: field.lengths(text) },
 *   target: field.label("label", 2),
 *   batch: 2,
 *   shuffle: true,
 * });
 * ```
 * @throws DataError for no records, and, naming the record and its field, for what is empty, has other features than the other
 *   records, another number of steps than the other sequences of its axis, a token or class out of range, or what is no finite
 *   number; OptionError
 */
export function batches<R, X extends Fields<R>, Y extends Fields<R>>(
  records: readonly R[],
  options: BatchesOptions<X, Y>,
): Batches<Side<X>, Side<Y>> {
  const names = ["x", "target", "batch", "shuffle", "seed", "bucketByLength", "dropLast"];
  checkOptions("batches", options, [...names, ...paddingNames]);
  const { x, target, shuffle = false, bucketByLength = false, dropLast = false } = options;
  for (const [name, value] of Object.entries({ shuffle, bucketByLength, dropLast }))
    checkSwitch("batches", name, value);
  const B = checkCount("batches", "batch", options.batch);
  const seed = checkSeed(options.seed ?? 0);
  const table = new Table("batches", records, { x, target }, checkPadding("batches", options));
  const length = dropLast ? Math.floor(records.length / B) : Math.ceil(records.length / B);
  if (length === 0)
    throw new DataError(
      `batches: ${records.length} records make no batch of ${B}, and dropLast leaves out what is less`,
    );
  const axes = [...table.axes.values()];
  if (bucketByLength && axes.length === 0)
    throw new OptionError("batches: bucketByLength needs a field with steps, such as field.tokens, and there is none");
  const byLength = (a: number, b: number): number => {
    const axis = axes.find((steps) => steps[a] !== steps[b]);
    return axis ? axis[a]! - axis[b]! : 0;
  };
  const inOrder = (epoch: number): number[][] => {
    const all = shuffle ? shuffled(records.length, seed, `batches ${epoch}`) : [...records.keys()];
    const used = all.slice(0, length * B);
    if (!bucketByLength) return cut(used, B);
    const pools = cut(used, shuffle ? POOL * B : used.length);
    const sorted = cut(
      pools.flatMap((pool) => pool.sort(byLength)),
      B,
    );
    return shuffle ? shuffled(length, seed, `order of batches ${epoch}`).map((at) => sorted[at]!) : sorted;
  };
  return new Batches(length, inOrder, (some) => ({
    x: table.tensors(x, some) as unknown as Side<X>,
    target: table.tensors(target, some) as unknown as Side<Y>,
  }));
}

const cut = (all: readonly number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
