/** Columns of a task, from what the command line says, and cells as the columns' kinds have them. */
import { DataError, shown } from "../../node.ts";
import { type ColumnKind, type ColumnKinds, guessColumns, type TextUnit, unitsOf } from "../../tasks/index.ts";
import type { TaskFlags } from "./cli-task.ts";

type Row = Readonly<Record<string, unknown>>;

/**
 * What columns are read, and as what: those of --column; the one of --text; else all, guessed. --of says what texts are cut into.
 * @param except columns that are no input
 */
export function columnsOf(rows: readonly object[], flags: TaskFlags, except: readonly string[]): ColumnKinds {
  const { text, of, column } = flags as { text?: string; of?: TextUnit; column?: ColumnKinds };
  const given = text === undefined ? column : { [text]: of ?? textKind(rows, text), ...column };
  if (given !== undefined) return given;
  const guessed = Object.entries(guessColumns(rows, except));
  return Object.fromEntries(guessed.map(([name, kind]) => [name, kind === "words" ? (of ?? kind) : kind]));
}

/** A column that is said to be a text is none of categories. */
function textKind(rows: readonly object[], name: string): ColumnKind {
  const values = rows.map((row) => ({ [name]: (row as Row)[name] }));
  const without = values.findIndex((row) => row[name] === undefined);
  if (without >= 0)
    throw new DataError(`row ${without} has no column ${shown(name)}, but ${Object.keys(rows[without]!).join(", ")}`);
  const kind = guessColumns(values)[name]!;
  return kind === "tokens" || kind === "series" ? kind : "words";
}

export const shownColumns = (kinds: ColumnKinds): string =>
  Object.entries(kinds)
    .map(([name, kind]) => `${name} (${kind})`)
    .join(", ");

/** A list that is written with spaces or commas between, or as JSON: `1 2 3`, `[1, 2, 3]`. */
const partsOf = (text: string): string[] =>
  text
    .trim()
    .replace(/^\[|\]$/g, "")
    .split(/[\s,]+/)
    .filter((part) => part !== "");

export const numbersIn = (text: string): number[] => partsOf(text).map(Number);
export const tokensIn = (text: string): string[] => text.split(/\s+/).filter((token) => token !== "");

/** Rows whose lists may be written as texts, as tables have them. */
export function withLists(rows: readonly object[], kinds: ColumnKinds): readonly object[] {
  const lists = Object.entries(kinds).filter(([, kind]) => kind === "series" || kind === "tokens");
  const cell = (value: unknown, kind: ColumnKind) =>
    typeof value === "string" ? (kind === "series" ? numbersIn(value) : tokensIn(value)) : value;
  if (lists.length === 0) return rows;
  return rows.map((row) => ({
    ...row,
    ...Object.fromEntries(
      lists.filter(([name]) => Object.hasOwn(row, name)).map(([name, kind]) => [name, cell((row as Row)[name], kind)]),
    ),
  }));
}

/** A text of the command line as a row of the first column. */
export function rowOfText(kinds: ColumnKinds, text: string): object {
  const [name, kind] = Object.entries(kinds)[0]!;
  if (kind === "series") return { [name]: numbersIn(text) };
  if (kind === "number") return { [name]: Number(text) };
  return { [name]: kind === "tokens" ? unitsOf(text, "words") : text };
}

/**
 * The texts of rows.
 * @param column which has them; default `text`, or the only one
 * @throws DataError naming the row
 */
export function textsOf(rows: readonly object[], column?: unknown): string[] {
  const names = Object.keys(rows[0]!);
  const name = (column as string) ?? (names.length === 1 ? names[0]! : "text");
  return rows.map((row, i) => {
    const value = (row as Row)[name];
    if (typeof value === "string") return value;
    const wayOut = column === undefined ? `; say which of ${Object.keys(row).join(", ")} it is with --text` : "";
    throw new DataError(`row ${i}: ${name} is ${shown(value)}, expected a text${wayOut}`);
  });
}
