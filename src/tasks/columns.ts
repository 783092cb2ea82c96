import {
  checkCount,
  DataError,
  type Field,
  FileFormatError,
  field,
  Normalizer,
  type NormalizerOptions,
  normalizer,
  OptionError,
  type SpecialToken,
  shown,
  Vocabulary,
} from "../index.ts";
import type { Numbered } from "./rows.ts";
import { type TextUnit, textUnits, unitsOf } from "./text-units.ts";
import { checkNgrams, isUnitPart, LONGEST_AFFIX, partsOf, type UnitPart } from "./unit-parts.ts";

/**
 * What a column of the rows is, and so how a model reads it. Texts and lists have steps: `words`, `characters` and `jamo` of a text,
 * `tokens` of a list of strings, `series` of a list of numbers or of vectors. A `category` and a `number` are the same in each step.
 */
export const columnKinds = [...textUnits, "tokens", "series", "category", "number"] as const;
export type ColumnKind = (typeof columnKinds)[number];
/** Columns by name. */
export type ColumnKinds = Readonly<Record<string, ColumnKind>>;

export interface ColumnOptions {
  /** Leave out of a text's vocabulary what the rows have less often; default 1, and 2 for words of at least 1000 rows or with affixes. */
  readonly minCount?: number;
  /** The largest vocabulary of a text; default 20,000. */
  readonly maxVocabulary?: number;
  /** Units of a text or steps of a list that are read, from its beginning; default all. */
  readonly maxLength?: number;
}

/** How numbers are scaled: to mean 0 and deviation 1, or to 0 up to 1. */
export type Scaling = NonNullable<NormalizerOptions["to"]>;

/** What is read beside the units of texts. */
export interface PartOptions {
  /**
   * Of words and tokens the model also reads the first and the last letters, from one to so many: that is what it knows of words
   * that were not there in training (Ratnaparkhi 1996, table 1). A Hangul syllable is two or three letters. Default 0: none, and 5
   * for a tagger.
   */
  readonly affixes?: number;
  /**
   * Of characters and jamo the model also reads, at each step, the last so many of them as one, for each of the lengths, from 2 to 8:
   * parts of words, which it need not put together itself. Default none.
   */
  readonly ngrams?: readonly number[];
}

export const columnNames = ["minCount", "maxVocabulary", "maxLength"] as const;

/** A plain object, whose columns are read by name. */
export type TaskRow = object;

const isText = (kind: ColumnKind): kind is TextUnit => (textUnits as readonly string[]).includes(kind);
const hasSteps = (kind: ColumnKind): boolean => kind !== "category" && kind !== "number";
const hasWords = (kind: ColumnKind): boolean => kind === "words" || kind === "tokens";
const isNumeric = (kind: ColumnKind): boolean => kind === "series" || kind === "number";

/** So many rows are looked at to say what a column is. */
const LOOKED_AT = 200;

/**
 * What the columns of rows look like. Texts with spaces, or of many different values, are read as words, other strings as
 * categories; `columns` of a task says otherwise.
 * @param except columns that are no input, such as the label
 * @throws DataError where there is no column, or one has values of several kinds
 */
export function guessColumns(rows: readonly TaskRow[], except: readonly string[] = []): ColumnKinds {
  const looked = rows.slice(0, LOOKED_AT);
  const names = Object.keys(looked[0] ?? {}).filter((name) => !except.includes(name));
  if (names.length === 0)
    throw new DataError(`row 0 has no column besides ${except.join(", ")} that a model could read`);
  return Object.fromEntries(
    names.map((name) => [
      name,
      guess(
        name,
        looked.map((row) => cellOf(row, name)),
      ),
    ]),
  );
}

/** What a column has beside the units of its text. */
function partsOfKind(kind: ColumnKind, { affixes, ngrams }: Required<PartOptions>): readonly UnitPart[] {
  if (kind === "characters" || kind === "jamo") return ngrams.map((ngram) => ({ ngram }));
  const lengths = Array.from({ length: hasWords(kind) ? affixes : 0 }, (_, i) => i + 1);
  return lengths.flatMap((length) => (["first", "last"] as const).map((end) => ({ affix: { end, length } })));
}

function guess(name: string, values: readonly unknown[]): ColumnKind {
  const [first] = values;
  if (typeof first === "number" || typeof first === "bigint") return "number";
  if (typeof first === "boolean") return "category";
  if (typeof first === "string") {
    const different = new Set(values).size;
    const hasSpaces = values.some((value) => typeof value === "string" && /\s/.test(value.trim()));
    return hasSpaces || different > Math.max(20, values.length / 2) ? "words" : "category";
  }
  if (isList(first) && first.length > 0) return typeof first[0] === "string" ? "tokens" : "series";
  throw new DataError(`row 0: ${name} is ${shown(first)}, expected a text, a number, or a list of strings or numbers`);
}

const isList = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || ArrayBuffer.isView(value);

/** One column as the model gets it: one of strings has a vocabulary, one of numbers a scaling. */
export interface Column extends UnitPart {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly vocabulary?: Vocabulary;
  readonly normalizer?: Normalizer;
}

/** What a column is for the model: tokens of so many symbols, or so many numbers a step. */
export interface ColumnSize {
  readonly name: string;
  readonly tokens?: number;
  readonly numbers?: number;
  /** Whether the tokens are parts of words, or several letters at once, and so are read beside the units. */
  readonly isPart?: boolean;
}

/** A row as tensors are made of it: a list for each column, all equally long. */
export interface EncodedRow {
  readonly at: string;
  readonly lists: readonly ArrayLike<unknown>[];
}

/** Fields of a batch: of each column, and the number of its steps. */
export type ColumnFields = Readonly<Record<string, Field<EncodedRow, Int32Array | Float32Array>>>;

/** What the model calls a column among its inputs, where there are `lengths` too. */
export const inputOf = (column: string): string => `column ${column}`;

/** Under which name the model has a column. */
function modelName({ name, affix, ngram }: Column): string {
  if (ngram) return `${name}, ${ngram} at once`;
  return affix ? `${name}, ${affix.end} ${affix.length}` : name;
}

/** Reads columns of rows: vocabularies and scaling are learned once, from the rows that a model is trained on. */
export class Columns {
  readonly kinds: ColumnKinds;
  readonly #columns: readonly Column[];
  readonly #maxLength: number;

  private constructor(columns: readonly Column[], maxLength: number) {
    this.#columns = columns;
    this.#maxLength = maxLength;
    this.kinds = Object.fromEntries(columns.map(({ name, kind }) => [name, kind]));
  }

  /**
   * @param options.scaling of numbers, as `normalizer` takes it; default "standard"
   * @throws DataError naming the row and the column; OptionError for a kind that is none
   */
  static fit(
    who: string,
    rows: readonly Numbered<TaskRow>[],
    kinds: ColumnKinds,
    options: ColumnOptions & PartOptions & { readonly scaling?: Scaling } = {},
  ): Columns {
    const { maxLength = Number.MAX_SAFE_INTEGER, affixes = 0, ngrams = [], scaling = "standard" } = options;
    checkCount(who, "maxLength", maxLength);
    checkCount(who, "affixes", affixes, 0, LONGEST_AFFIX);
    checkNgrams(who, ngrams);
    const columns = Object.entries(kinds).flatMap(([name, kind]): Column[] => {
      if (!columnKinds.includes(kind))
        throw new OptionError(`${who}: columns.${name} is ${shown(kind)}, expected one of ${columnKinds.join(", ")}`);
      if (isNumeric(kind)) {
        const first = numbersOf(rows[0]!.row, name, kind, rows[0]!.at)[0]!;
        const values = rows.map(({ row, at }) => ({ value: numbersOf(row, name, kind, at, first.length) }));
        return [{ name, kind, normalizer: normalizer(values, field.series("value"), { to: scaling }) }];
      }
      const lists = rows.map(({ row, at }) => stringsOf(row, name, kind, at));
      return [{}, ...partsOfKind(kind, { affixes, ngrams })].map((part): Column => {
        const read = lists.map((list) => partsOf(list, part));
        return { name, kind, ...part, vocabulary: vocabularyOf(read, kind, { ...options, ...part }) };
      });
    });
    if (columns.length === 0) throw new OptionError(`${who}: columns names no column that the model could read`);
    return new Columns(columns, maxLength);
  }

  /** In the order of `EncodedRow.lists`. */
  get all(): readonly Column[] {
    return this.#columns;
  }

  /** What the model gets of each step. */
  get sizes(): readonly ColumnSize[] {
    return this.#columns.map((column) => {
      const name = modelName(column);
      const { vocabulary, normalizer, affix, ngram } = column;
      if (!vocabulary) return { name, numbers: normalizer!.features };
      return { name, tokens: vocabulary.size, ...((affix ?? ngram) && { isPart: true }) };
    });
  }

  /** The fields of a batch of encoded rows: `inputOf` each column, and `lengths`. */
  get fields(): ColumnFields {
    const fields = this.#columns.map(({ vocabulary }, i) => {
      const list = ({ lists }: EncodedRow) => lists[i] as ArrayLike<number>;
      return vocabulary ? field.tokens(list, vocabulary.size) : field.series(list);
    });
    const named = this.#columns.map((column, i) => [inputOf(modelName(column)), fields[i]!] as const);
    return { ...Object.fromEntries(named), lengths: field.lengths(fields[0]!) };
  }

  /**
   * A row as lists of equally many steps.
   * @throws DataError naming the column: it is missing, empty, of another kind, or has another number of steps
   */
  encode({ row, at }: Numbered<TaskRow>): EncodedRow {
    if (typeof row !== "object" || row === null) throw new DataError(`${at} is ${shown(row)}, expected an object`);
    const read = this.#columns.map((column) => ({ column, list: this.#read(column, row, at) }));
    const stepped = read.filter(({ column }) => hasSteps(column.kind));
    const [first] = stepped;
    const length = first?.list.length ?? 1;
    const other = stepped.find(({ list }) => list.length !== length);
    if (other)
      throw new DataError(
        `${at}: ${other.column.name} has ${other.list.length} steps, and ${first!.column.name} has ${length}; columns of a row are read step by step together`,
      );
    return {
      at,
      lists: read.map(({ column, list }) => (hasSteps(column.kind) ? list : Array.from({ length }, () => list[0]))),
    };
  }

  /** The units of a row's text or tokens, as they are read. Undefined where no column has any. */
  units({ row, at }: Numbered<TaskRow>): readonly string[] | undefined {
    const column = this.#columns.find(({ kind }) => isText(kind) || kind === "tokens");
    return column && stringsOf(row, column.name, column.kind, at).slice(0, this.#maxLength);
  }

  /**
   * Of the units of a row's texts, the share that the model knows; 1 where there is no text.
   * @throws DataError where it knows none, nor a part of one
   */
  checkKnown({ lists, at }: EncodedRow): number {
    let [known, parts, all] = [0, 0, 0];
    for (const [i, { kind, affix, ngram, vocabulary }] of this.#columns.entries()) {
      if (!isText(kind) && kind !== "tokens") continue;
      const tokens = Array.from(lists[i] as Int32Array);
      const found = tokens.filter((token) => token !== vocabulary!.special.unknown).length;
      if (affix ?? ngram) parts += found;
      else [known, all] = [known + found, all + tokens.length];
    }
    if (known + parts > 0 || all === 0) return all === 0 ? 1 : known / all;
    throw new DataError(`${at}: the model knows none of the ${all} units of its text`);
  }

  #read({ name, kind, vocabulary, normalizer, ...part }: Column, row: TaskRow, at: string): ArrayLike<unknown> {
    if (!vocabulary)
      return normalizer!.apply(numbersOf(row, name, kind, at, normalizer!.features)).slice(0, this.#maxLength);
    return vocabulary.encode(partsOf(stringsOf(row, name, kind, at), part)).slice(0, this.#maxLength);
  }

  /** The columns as plain data; JSON.stringify calls this. */
  toJSON() {
    const columns = this.#columns.map((column) => ({ ...column }));
    return { columns, ...(this.#maxLength < Number.MAX_SAFE_INTEGER && { maxLength: this.#maxLength }) };
  }

  /** The inverse of `toJSON`. @throws FileFormatError */
  static fromJSON(json: unknown): Columns {
    const { columns, maxLength = Number.MAX_SAFE_INTEGER } = (json ?? {}) as { columns?: unknown; maxLength?: number };
    if (!Array.isArray(columns) || columns.length === 0 || !Number.isSafeInteger(maxLength) || maxLength < 1)
      throw new FileFormatError(`columns are ${shown(json)}, expected { "columns": [{ "name", "kind", … }] }`);
    const read = columns.map((one): Column => {
      const { name, kind, affix, ngram, vocabulary, normalizer } = (one ?? {}) as Partial<Record<string, unknown>>;
      const isKnown = columnKinds.includes(kind as ColumnKind) && isUnitPart({ affix, ngram });
      if (typeof name !== "string" || !isKnown)
        throw new FileFormatError(`a column is ${shown(one)}, expected { "name": "…", "kind": "words", … }`);
      const part = { ...(affix !== undefined && { affix }), ...(ngram !== undefined && { ngram }) } as UnitPart;
      const column = { name, kind: kind as ColumnKind, ...part };
      return isNumeric(column.kind)
        ? { ...column, normalizer: Normalizer.fromJSON(normalizer) }
        : { ...column, vocabulary: Vocabulary.fromJSON(vocabulary) };
    });
    return new Columns(read, maxLength);
  }
}

const hasTwice = (texts: readonly (readonly string[])[]): boolean => {
  const all = texts.flat();
  return new Set(all).size < all.length;
};

/** What a row has in a column; undefined where it has none. */
export const cellOf = (row: TaskRow, name: string): unknown =>
  typeof row === "object" && row !== null && Object.hasOwn(row, name)
    ? (row as Readonly<Record<string, unknown>>)[name]
    : undefined;

/** @throws DataError where a row has no such column */
function needCell(row: TaskRow, name: string, at: string): unknown {
  const value = cellOf(row, name);
  if (value !== undefined) return value;
  const has = typeof row === "object" && row !== null ? Object.keys(row).join(", ") || "none" : shown(row);
  throw new DataError(`${at} has no column ${shown(name)}, but ${has}`);
}

/** The vocabulary of a column, from what its rows have there. @param special tokens besides padding and unknown */
export function vocabularyOf(
  lists: readonly (readonly string[])[],
  kind: ColumnKind,
  { minCount, maxVocabulary = 20_000, affixes = 0, ngram }: ColumnOptions & PartOptions & UnitPart,
  special: readonly SpecialToken[] = [],
): Vocabulary {
  // What a model makes of unknown words it learns from words that are rare; affixes, and the letters of n-grams, tell it about those.
  const isRich = hasWords(kind) ? lists.length >= 1000 || affixes > 0 : ngram !== undefined;
  const isRareUnknown = isRich && hasTwice(lists);
  const least = minCount ?? (isRareUnknown ? 2 : 1);
  const limits = kind === "category" ? {} : { minCount: least, maxSize: maxVocabulary };
  return Vocabulary.fromTexts(lists, { of: "words", special: ["padding", "unknown", ...special], ...limits });
}

/** Strings of a row's column: at least one. @throws DataError naming the row and the column */
export function stringsOf(row: TaskRow, name: string, kind: ColumnKind, at: string): readonly string[] {
  const value = needCell(row, name, at);
  if (kind === "category") {
    if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return [String(value)];
    throw new DataError(`${at}: ${name} is ${shown(value)}, expected a category: a string, a number, true or false`);
  }
  if (kind === "tokens") {
    if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string" && one !== ""))
      return value;
    throw new DataError(`${at}: ${name} is ${shown(value)}, expected a list of strings with at least one`);
  }
  if (typeof value !== "string") throw new DataError(`${at}: ${name} is ${shown(value)}, expected a text`);
  const units = unitsOf(value, kind as TextUnit);
  if (units.length === 0)
    throw new DataError(`${at}: ${name} is empty: ${shown(value)} has no ${kind}; leave the row out`);
  return units;
}

/** Numbers of a row's column, as vectors. */
function numbersOf(row: TaskRow, name: string, kind: ColumnKind, at: string, width?: number): number[][] {
  const value = needCell(row, name, at);
  const list = kind === "number" ? [value] : value;
  if (!isList(list) || list.length === 0)
    throw new DataError(
      `${at}: ${name} is ${shown(value)}, expected a list of numbers or of vectors with at least one`,
    );
  const vectors = Array.from(list, (step) => (isList(step) ? Array.from(step) : [step]));
  const size = width ?? vectors[0]!.length;
  for (const [t, vector] of vectors.entries()) {
    const where = kind === "number" ? `${at}: ${name}` : `${at}: ${name}[${t}]`;
    if (vector.length !== size) throw new DataError(`${where} has ${vector.length} numbers, expected ${size}`);
    for (const number of vector) checkFinite(where, number);
  }
  return vectors as number[][];
}

function checkFinite(where: string, value: unknown): void {
  if (typeof value === "number" && Number.isFinite(value)) return;
  throw new DataError(`${where} is ${shown(value)}, expected a finite number; leave the row out, or fill the gap`);
}

/** Lengths that sequences are padded to: few shapes, of which none is more than half padding. */
export const lengthsToPadTo: readonly number[] = Array.from({ length: 14 }, (_, i) => [8 * 2 ** i, 12 * 2 ** i]).flat();
