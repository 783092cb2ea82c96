/** Data of a task: files as rows. */
import { extname } from "node:path";
import { parse } from "csv-parse/sync";
import { readText } from "../../io/files.ts";
import { DataError, shown } from "../../node.ts";
import type { Reading } from "./cli-task.ts";

/** Rows, and how they were read. */
export interface ReadRows {
  readonly rows: readonly object[];
  readonly format: Format;
}

const formats = ["csv", "tsv", "jsonl", "conllu", "text"] as const;
type Format = (typeof formats)[number];

const byExtension: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".tsv": "tsv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".conllu": "conllu",
  ".conll": "conllu",
  ".txt": "text",
};

/** Whether a file has a name that says how its rows are read. */
export const hasRows = (path: string): boolean => Object.hasOwn(byExtension, extname(path).toLowerCase());

/**
 * Reads rows: CSV and TSV with a header, JSON lines, CoNLL-U (words and their universal tags), or a text, whose lines are rows of
 * one column, `text`.
 * @param path a file; `-` for standard input, whose rows are JSON lines where they begin with a brace, else lines of text
 * @throws DataError naming the line
 */
export async function readRows(path: string, reading: Reading = {}): Promise<ReadRows> {
  const text = await readText(path);
  const format = byExtension[extname(path).toLowerCase()] ?? (text.startsWith("{") ? "jsonl" : "text");
  const rows = readers[format](text, path, reading);
  if (rows.length === 0) throw new DataError(`${path}: has no row`);
  return { rows, format };
}

type Reader = (text: string, path: string, reading: Reading) => object[];

const readers: Readonly<Record<Format, Reader>> = {
  csv: (text, path, reading) => separated(text, path, ",", reading),
  tsv: (text, path, reading) => separated(text, path, "\t", reading),
  jsonl: (text, path) => linesOf(text).map(({ line, number }) => jsonRow(line, `${path}, line ${number}`)),
  conllu: sentences,
  text: (text, _, { isOneText }) => {
    const lines = linesOf(text).map(({ line }) => ({ text: line }));
    return isOneText && lines.length > 0 ? [{ text }] : lines;
  },
};

/** Lines that are not empty, with their numbers from 1. */
const linesOf = (text: string): { readonly line: string; readonly number: number }[] =>
  text
    .split(/\r?\n/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== "");

function separated(text: string, path: string, delimiter: string, { onlyTexts }: Reading): object[] {
  let rows: Record<string, string>[];
  try {
    // Tabs are no part of a text, and a quote in it is nothing but a quote.
    const quote = delimiter === "\t" ? null : '"';
    rows = parse(text, { columns: true, delimiter, quote, bom: true, skip_empty_lines: true });
  } catch (cause) {
    throw new DataError(`${path}: ${(cause as Error).message}`, { cause });
  }
  if (onlyTexts) return rows;
  const names = Object.keys(rows[0] ?? {});
  const numeric = new Set(names.filter((name) => rows.every((row) => isNumber(row[name]!) || row[name] === "")));
  const isData = (name: string) => numeric.has(name) && rows.some((row) => row[name] !== "");
  // A gap in a column of numbers is NaN, which a task refuses or fills, as its options say.
  return rows.map((row) =>
    Object.fromEntries(
      names.map((name) => [name, isData(name) ? (row[name] === "" ? Number.NaN : Number(row[name])) : row[name]]),
    ),
  );
}

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/** @param at what errors call the line @throws DataError */
export function jsonRow(line: string, at: string): object {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new DataError(`${at}: is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  throw new DataError(`${at}: is ${shown(row)}, expected an object`);
}

/** Sentences of CoNLL-U (universaldependencies.org/format.html): words with their universal tags; ranges and empty nodes left out. */
function sentences(text: string, path: string): object[] {
  const rows: { words: string[]; tags: string[] }[] = [];
  let [words, tags]: [string[], string[]] = [[], []];
  for (const [i, line] of [...text.split(/\r?\n/), ""].entries()) {
    if (line.trim() === "") {
      if (words.length > 0) rows.push({ words, tags });
      [words, tags] = [[], []];
      continue;
    }
    if (line.startsWith("#")) continue;
    const fields = line.split("\t");
    if (!/^\d+$/.test(fields[0]!)) {
      if (/^\d+[-.]\d+$/.test(fields[0]!)) continue;
      throw new DataError(`${path}, line ${i + 1}: ${shown(line)} is no line of CoNLL-U, which begins with a number`);
    }
    if (fields.length < 4)
      throw new DataError(
        `${path}, line ${i + 1}: has ${fields.length} columns of CoNLL-U, expected the word and its tag`,
      );
    words.push(fields[1]!);
    tags.push(fields[3]!);
  }
  return rows;
}
