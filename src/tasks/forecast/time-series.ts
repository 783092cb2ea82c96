import {
  DataError,
  FileFormatError,
  field,
  Normalizer,
  normalizer,
  OptionError,
  shown,
  shownNames,
} from "../../index.ts";
import { cellOf, type TaskRow } from "../columns.ts";
import type { Numbered } from "../rows.ts";

/** Which columns of the rows a forecaster reads. */
export interface SeriesRoles {
  /** What is forecast. */
  readonly target: readonly string[];
  /** Columns that are known up to now. */
  readonly past: readonly string[];
  /** Columns that are known ahead. */
  readonly known: readonly string[];
  /** The column that says which series a row belongs to; null where all rows are one. */
  readonly series: string | null;
}

/** What is done about gaps: null, undefined or NaN where a number should be. */
export type Missing = "error" | "interpolate";

/** A column, and what was learned of it from the rows to train on. */
interface Column {
  readonly name: string;
  readonly role: "target" | "past" | "known";
  /** Of a column of strings: those of the rows to train on, one input each. */
  readonly categories?: readonly string[];
  /** Of numbers that are known ahead. */
  readonly normalizer?: Normalizer;
}

/** The steps of one series in order: numbers as they are, categories by their place, -1 for one that training did not have. */
export interface TimeSeries {
  /** Its name; null where all rows are one series. */
  readonly name: string | null;
  readonly length: number;
  /** Of each column, NaN where there is a gap. */
  readonly values: readonly Float64Array[];
  /** Of each target, its gaps filled from both sides: to train on, never to forecast with. */
  readonly filled: readonly Float64Array[];
  /** What errors call each row. */
  readonly at: readonly string[];
  readonly rows: readonly TaskRow[];
}

const numberOf = field.numbers((value: number) => value);
const isGap = (value: unknown): boolean => value === undefined || value === null || Number.isNaN(value);

/** What errors call a series. */
export const seriesName = ({ name }: TimeSeries): string => (name === null ? "the series" : `series ${shown(name)}`);

/** A series and what is known after it. */
export const continued = (series: TimeSeries, next: TimeSeries): TimeSeries => ({
  name: series.name,
  length: series.length + next.length,
  values: series.values.map((all, c) => Float64Array.from([...all, ...next.values[c]!])),
  filled: [],
  at: [...series.at, ...next.at],
  rows: [...series.rows, ...next.rows],
});

/** Rows by the series that they belong to, in the order in which the series begin. @throws DataError for a row that names none */
export function bySeries(
  rows: readonly Numbered<TaskRow>[],
  series: string | null,
): Map<string | null, Numbered<TaskRow>[]> {
  const groups = new Map<string | null, Numbered<TaskRow>[]>();
  for (const one of rows) {
    if (typeof one.row !== "object" || one.row === null)
      throw new DataError(`${one.at} is ${shown(one.row)}, expected an object`);
    const name = series === null ? null : cellOf(one.row, series);
    if (name !== null && typeof name !== "string" && !Number.isFinite(name))
      throw new DataError(
        `${one.at}: ${series} is ${shown(name)}, expected the name of a series: a string or a number`,
      );
    const key = name === null ? null : String(name);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return groups;
}

/** The columns of numbers, for the target that was not named. */
export function targetOf(who: string, rows: readonly Numbered<TaskRow>[], except: readonly string[]): string[] {
  const names = Object.keys(rows[0]?.row ?? {}).filter((name) => !except.includes(name));
  const firstOf = (name: string) => rows.map(({ row }) => cellOf(row, name)).find((value) => !isGap(value));
  const numeric = names.filter((name) => typeof firstOf(name) === "number");
  if (numeric.length === 1) return numeric;
  throw new OptionError(
    `${who}: ${numeric.length === 0 ? "no column has numbers to forecast" : `the columns ${shownNames(numeric)} have numbers`}; say which one, or several, with target`,
  );
}

/** Reads columns of rows as time series, and makes the model's inputs of them. */
export class SeriesColumns {
  readonly roles: SeriesRoles;
  readonly missing: Missing;
  /** Columns whose numbers are taken relative to their window, targets first: all numbers but those that are known ahead. */
  readonly relative: readonly number[];
  readonly #columns: readonly Column[];

  private constructor(roles: SeriesRoles, missing: Missing, columns: readonly Column[]) {
    this.relative = columns.flatMap(({ role, categories }, c) => (role === "known" || categories ? [] : [c]));
    this.roles = roles;
    this.missing = missing;
    this.#columns = columns;
  }

  /**
   * @param rows those to train on: categories and scales know no others
   * @throws DataError naming the row and the column
   */
  static fit(rows: readonly Numbered<TaskRow>[], roles: SeriesRoles, missing: Missing): SeriesColumns {
    const columns = (["target", "past", "known"] as const).flatMap((role) =>
      roles[role].map((name): Column => {
        const cells = rows.map(({ row }) => cellOf(row, name)).filter((value) => !isGap(value));
        if (!Object.hasOwn(rows[0]!.row, name)) throw lacking(rows[0]!, name);
        if (cells.length === 0) throw new DataError(`${rows[0]!.at}: no row has a value of ${shown(name)}`);
        if (role !== "target" && cells.every((value) => typeof value === "string" || typeof value === "boolean"))
          return { name, role, categories: [...new Set(cells.map(String))].sort() };
        if (role !== "known") return { name, role };
        // What is no number is refused where the row is read.
        const numbers = cells.map((value) => (Number.isFinite(value) ? (value as number) : 0));
        return { name, role, normalizer: normalizer(numbers, numberOf) };
      }),
    );
    return new SeriesColumns(roles, missing, columns);
  }

  /** K: how many targets there are. They are the first columns. */
  get targets(): number {
    return this.roles.target.length;
  }

  get names(): readonly string[] {
    return this.#columns.map(({ name }) => name);
  }

  /** Numbers that a step of the window has, and a step to come. */
  get sizes(): { readonly past: number; readonly future: number } {
    const width = (columns: readonly Column[]) =>
      columns.reduce((sum, { categories }) => sum + (categories?.length ?? 1), 0);
    return { past: width(this.#columns), future: width(this.#columns.filter(({ role }) => role === "known")) };
  }

  /**
   * Rows as series.
   * @param onlyKnown the rows have nothing but what is known ahead
   * @throws DataError naming the row: a missing column, what is no number, and gaps unless they are interpolated
   */
  read(who: string, rows: readonly Numbered<TaskRow>[], onlyKnown = false): TimeSeries[] {
    const gaps: string[] = [];
    const read = [...bySeries(rows, this.roles.series)].map(([name, group]): TimeSeries => {
      const values = this.#columns.map((column) => {
        if (onlyKnown && column.role !== "known") return new Float64Array(group.length).fill(Number.NaN);
        const cells = Float64Array.from(group, (one) => this.#cell(column, one, gaps));
        // What is known ahead is known on both sides of a gap.
        return column.role === "known" && !column.categories ? interpolated(cells) : cells;
      });
      const filled = values.slice(0, this.targets).map(interpolated);
      const [at, steps] = [group.map((one) => one.at), group.map(({ row }) => row)];
      return { name, length: group.length, values, filled, at, rows: steps };
    });
    if (gaps.length > 0 && this.missing === "error")
      throw new DataError(
        `${who}: there are ${gaps.length} gaps, the first is ${gaps[0]}; fill them, or say missing: "interpolate"`,
      );
    return read;
  }

  #cell({ name, categories }: Column, { row, at }: Numbered<TaskRow>, gaps: string[]): number {
    const value = cellOf(row, name);
    if (value === undefined && !Object.hasOwn(row, name)) throw lacking({ row, at }, name);
    if (categories) {
      if (typeof value === "string" || typeof value === "boolean") return categories.indexOf(String(value));
      throw new DataError(`${at}: ${name} is ${shown(value)}, expected a category: a string, true or false`);
    }
    if (isGap(value)) {
      gaps.push(`${at}: ${name} is ${shown(value)}`);
      return Number.NaN;
    }
    if (Number.isFinite(value)) return value as number;
    throw new DataError(`${at}: ${name} is ${shown(value)}, expected a finite number, or null for a gap`);
  }

  /**
   * Numbers of one step as inputs.
   * @param values of each column
   * @param onlyKnown only those that are known ahead
   */
  inputs(values: readonly number[], onlyKnown = false): number[] {
    return this.#columns.flatMap(({ role, categories, normalizer }, c) => {
      if (onlyKnown && role !== "known") return [];
      if (categories) return categories.map((_, k) => Number(k === values[c]));
      return [normalizer ? normalizer.apply(values[c]!) : values[c]!];
    });
  }

  /** Rows without the columns that are not read, for a file. */
  kept(rows: readonly TaskRow[]): TaskRow[] {
    const { series } = this.roles;
    const names = [...this.#columns.map(({ name }) => name), ...(series === null ? [] : [series])];
    return rows.map((row) => Object.fromEntries(names.map((name) => [name, cellOf(row, name) ?? null])));
  }

  /** The columns as plain data; JSON.stringify calls this. */
  toJSON() {
    return { roles: this.roles, missing: this.missing, columns: this.#columns };
  }

  /** The inverse of `toJSON`. @throws FileFormatError */
  static fromJSON(json: unknown): SeriesColumns {
    const { roles, missing, columns } = (json ?? {}) as { roles: SeriesRoles; missing: Missing; columns: unknown };
    const areNames = (list: unknown) => Array.isArray(list) && list.every((name) => typeof name === "string");
    const { target, past, known, series } = (roles ?? {}) as SeriesRoles;
    const isComplete = [target, past, known].every(areNames) && (series === null || typeof series === "string");
    if (!isComplete || target.length === 0 || (missing !== "error" && missing !== "interpolate"))
      throw new FileFormatError(`columns are ${shown(json)}, expected { "roles": …, "missing": …, "columns": […] }`);
    const wanted = (["target", "past", "known"] as const).flatMap((role) =>
      roles[role].map((name) => ({ role, name })),
    );
    if (!Array.isArray(columns) || columns.length !== wanted.length)
      throw new FileFormatError(`columns are ${shown(columns)}, expected ${wanted.length} of them`);
    const read = wanted.map(({ role, name }, c): Column => {
      const given = (columns[c] ?? {}) as Partial<Record<string, unknown>>;
      if (given.name !== name || given.role !== role)
        throw new FileFormatError(`column ${c} is ${shown(given)}, expected ${role} ${shown(name)}`);
      if (role !== "target" && given.categories !== undefined) {
        if (!areNames(given.categories))
          throw new FileFormatError(`the categories of ${name} are ${shown(given.categories)}, expected strings`);
        return { name, role, categories: given.categories as string[] };
      }
      return role === "known" ? { name, role, normalizer: Normalizer.fromJSON(given.normalizer) } : { name, role };
    });
    return new SeriesColumns({ target, past, known, series }, missing, read);
  }
}

const lacking = ({ row, at }: Numbered<TaskRow>, name: string): DataError =>
  new DataError(`${at} has no column ${shown(name)}, but ${shownNames(Object.keys(row)) || "none"}`);

/**
 * Gaps filled on the straight line between the numbers beside them; at an end with the nearest number.
 * @param values NaN is a gap; where all are, they stay
 */
export function interpolated(values: Float64Array): Float64Array {
  const filled = Float64Array.from(values);
  let before = -1;
  for (let i = 0; i <= filled.length; i++) {
    if (i < filled.length && Number.isNaN(filled[i])) continue;
    for (let gap = before + 1; gap < i; gap++) {
      const [left, right] = [filled[before], filled[i]];
      filled[gap] =
        left === undefined || right === undefined
          ? (left ?? right ?? Number.NaN)
          : left + ((right - left) * (gap - before)) / (i - before);
    }
    before = i;
  }
  return filled;
}
