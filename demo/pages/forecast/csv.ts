/** Separated values as rows of a series, and what of them cannot be read. */
import type { Series } from "./program.ts";

export interface Csv {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** Why a text is no table. The page has words for each. */
export class CsvError extends Error {
  readonly kind: "large" | "empty" | "single" | "cells" | "quotes" | "other";
  readonly line: number;
  /** @param detail the parser's words, where the page has none */
  constructor(kind: CsvError["kind"], line = 0, detail = "") {
    super(detail);
    this.kind = kind;
    this.line = line;
  }
}

/** Characters; a text of this length is read within one frame or two. */
export const MOST_CHARACTERS = 200_000;
/** Rows; of longer series the last ones are taken. */
export const MOST_ROWS = 1500;

/** @throws CsvError */
export async function readCsv(text: string): Promise<Csv> {
  if (text.length > MOST_CHARACTERS) throw new CsvError("large");
  if (text.trim() === "") throw new CsvError("empty");
  const { parse } = await import("csv-parse/browser/esm/sync");
  const header = text.slice(0, text.indexOf("\n") + 1 || undefined);
  const delimiter = [",", ";", "\t"].reduce((a, b) => (header.split(b).length > header.split(a).length ? b : a));
  let rows: Record<string, string>[];
  try {
    // Between tabs, a quote is nothing but a quote.
    const quote = delimiter === "\t" ? null : '"';
    rows = parse(text, { columns: true, delimiter, quote, bom: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    const { code = "", lines = 0, message } = error as { code?: string; lines?: number; message: string };
    const kind = /INCONSISTENT/.test(code) ? "cells" : /QUOTE/.test(code) ? "quotes" : "other";
    throw new CsvError(kind, lines, message);
  }
  const columns = Object.keys(rows[0] ?? {});
  if (rows.length === 0) throw new CsvError("empty");
  if (columns.length === 1 && rows.every((row) => !isNumber(row[columns[0]!]!))) throw new CsvError("single");
  return { columns, rows };
}

const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell));

/** Columns of which most cells are numbers: those that can be forecast. */
export const numericColumns = ({ columns, rows }: Csv): readonly string[] =>
  columns.filter((name) => {
    const filled = rows.filter((row) => row[name] !== "");
    return filled.length > 0 && filled.filter((row) => isNumber(row[name]!)).length > filled.length / 2;
  });

export interface Chosen {
  readonly target: string;
  readonly known: readonly string[];
  readonly season: number;
  readonly horizon: number;
}

/** A cell that is no number where one should be. */
export interface Unreadable {
  /** 1 is the row below the header. */
  readonly row: number;
  readonly column: string;
  readonly cell: string;
}

export interface SeriesOfCsv {
  readonly series: Series;
  readonly unreadable: readonly Unreadable[];
  /** Empty cells between filled ones. */
  readonly gaps: number;
  /** Rows that training needs at least. */
  readonly needed: number;
}

/** Columns of a table as a series. Rows at the end without a target are those to come. */
export function seriesOf(csv: Csv, { target, known, season, horizon }: Chosen): SeriesOfCsv {
  const first = Math.max(0, csv.rows.length - MOST_ROWS);
  const unreadable: Unreadable[] = [];
  const numeric = numericColumns(csv);
  const read = (row: Readonly<Record<string, string>>, column: string, r: number) => {
    const cell = row[column]!;
    if (!numeric.includes(column)) return cell;
    if (isNumber(cell)) return Number(cell);
    if (cell !== "") unreadable.push({ row: first + r + 1, column, cell });
    return null;
  };
  const rows = csv.rows.slice(first).map((row, r) => {
    const cells = [target, ...known].map((column) => [column, read(row, column, r)]);
    return Object.fromEntries(cells) as Record<string, number | string | null>;
  });
  const length = rows.findLastIndex((row) => row[target] !== null) + 1;
  const gaps = rows.slice(0, length).filter((row) => row[target] === null).length;
  const window = Math.max(2 * season, horizon, 12);
  const needed = window + 4 * horizon + 10;
  // A fifth is kept apart, and at least two horizons: a forecast and what it is compared with.
  const kept = Math.min(Math.max(2 * horizon, Math.floor(length / 5)), length - window - 2 * horizon - 5);
  // Of what is known ahead, the rows to come are needed; where there are none, forecasts begin before the end.
  const options = { target, known: known.filter((name) => name !== target), season, horizon, window };
  return { series: { rows, length, kept: Math.max(0, kept), options }, unreadable, gaps, needed };
}

/** Made up: a kiosk that sells ice cream, more at weekends and in the sun, for six months. */
export function exampleCsv(): string {
  const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const lines = Array.from({ length: 190 }, (_, t) => {
    const date = new Date(Date.UTC(2026, 2, 2 + t)).toISOString().slice(0, 10);
    const isSunny = (t * 7 + Math.floor(t / 5) * 3) % 11 > 4;
    const weekend = t % 7 > 4 ? 30 : 0;
    const sold = 60 + 0.2 * t + weekend + (isSunny ? 25 : 0) + ((t * 37) % 13) - 6;
    // The last week is still to come: what is known of it is the weekday, and the weather report.
    return `${date},${t < 183 ? Math.round(sold) : ""},${weekdays[t % 7]},${isSunny ? "yes" : "no"}`;
  });
  return ["date,sold,weekday,sun", ...lines].join("\n");
}
