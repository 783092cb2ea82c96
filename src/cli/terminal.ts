import { createColors } from "picocolors";
import { WebGpuRnnError } from "../errors.ts";

type Colors = ReturnType<typeof createColors>;

/** A place to print to, and what it can show. */
export interface Terminal {
  /** A person watches: bars and colours make sense. */
  readonly interactive: boolean;
  readonly colors: Colors;
  /** Columns of the window; what is no window has no limit. */
  readonly columns: number;
  write(text: string): void;
  line(text?: string): void;
}

/** Describes a stream. Colours follow NO_COLOR and FORCE_COLOR; a terminal that calls itself dumb gets neither bars nor colours. */
export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): Terminal {
  const interactive = stream.isTTY === true && env.TERM !== "dumb";
  const colored = !env.NO_COLOR && (interactive || Boolean(env.FORCE_COLOR));
  return {
    interactive,
    colors: createColors(colored),
    get columns() {
      return interactive ? stream.columns || 80 : Number.POSITIVE_INFINITY;
    },
    write: (text) => void stream.write(text),
    line: (text = "") => void stream.write(`${text}\n`),
  };
}

/** Breaks a text between words so that no line is wider than `columns`; further lines are indented. */
export function wrap(text: string, columns: number, indent = "  "): string {
  if (text.length <= columns) return text;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent + word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Breaks the lines of a text wherever they are too wide, as a terminal would; Korean and the like take two columns. */
export function fold(text: string, columns: number): string {
  if (columns === Number.POSITIVE_INFINITY) return text;
  let folded = "";
  let column = 0;
  for (const character of text) {
    const width = character === "\t" ? 8 : wide.test(character) ? 2 : 1;
    if (character === "\n") column = -1;
    else if (column + width > columns) {
      folded += "\n";
      column = 0;
    }
    folded += character;
    column += width;
  }
  return folded;
}

// Control characters of a text must not move the cursor or change colours; line ends and tabs may stay.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A generated text as it may be shown. */
export const printable = (text: string, terminal: Terminal): string =>
  terminal.interactive ? text.replace(control, "\ufffd") : text;

/** 1234567 as "1,234,567", the same on every machine. */
export const grouped = (n: number): string => n.toLocaleString("en-US");

/** Three digits and a unit: 12.3k, 456, 1.20M. */
export function short(n: number): string {
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const)
    if (n >= size * 0.9995) return `${(n / size).toPrecision(3)}${unit}`;
  return n >= 100 ? n.toFixed(0) : n.toPrecision(3);
}

/** Seconds as 4:05 or 1:02:03. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-:--";
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** What a shell needs to read a word back as it is. */
export const quoted = (word: string): string =>
  /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A mistake in how a command was called. */
export class UsageError extends WebGpuRnnError {
  constructor(message: string) {
    super("USAGE", message);
  }
}

/** 2 for a command that was called wrongly, 1 for everything else that goes wrong. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof WebGpuRnnError && (error.code === "USAGE" || error.code === "OPTION") ? 2 : 1;

/** An error on one line; DEBUG shows where it came from. */
export function messageOf(error: unknown): string {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  if (process.env.DEBUG && stack) return stack;
  const line = (message || String(error)).replace(/\s*\n\s*/g, " ");
  // What the library did not foresee is better named with its kind: "RangeError: …".
  return error instanceof WebGpuRnnError || !(error instanceof Error) ? line : `${error.name}: ${line}`;
}

/** An error as a record, for scripts. */
export const errorRecord = (error: unknown) => ({
  type: "error" as const,
  code: error instanceof WebGpuRnnError ? error.code : "UNKNOWN",
  message: messageOf(error),
});

/** Prints an error as one line on the standard error output. */
export function printError(error: unknown): void {
  const { colors, line } = terminalOf(process.stderr);
  line(`${colors.red("error:")} ${messageOf(error)}`);
}
