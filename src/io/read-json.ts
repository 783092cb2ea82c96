import { FileFormatError, shown } from "../errors.ts";

// JSON.parse alone is not enough for a file of someone else: it keeps the last of two equal names without a word, where a
// reader that keeps the first sees another file; it takes hundreds of bytes of memory for a value of two bytes; and what it
// gives may be nested so deep that a recursive function over it overflows the stack. One scan of the text finds all of these
// before anything is parsed, in time and memory that are linear in the text.

/** Objects and lists in each other. A safetensors header has 3, a checkpoint's description as many as its schedule. */
const MOST_DEPTH = 32;
/** A tensor of a header has about ten: 100,000 tensors, or a vocabulary of all of Unicode's characters, fit. */
const MOST_VALUES = 2 ** 20;

/**
 * Parses the JSON of a file.
 * @param what names the text in messages, such as `model.safetensors: the header`
 * @throws FileFormatError when it is no JSON, an object has the same name twice, or it is nested too deep or has too many values
 */
export function readJson(text: string, what: string): unknown {
  scanJson(text, what);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileFormatError(`${what} is not JSON; fetch or save the file again`, { cause });
  }
}

/**
 * Checks what `JSON.parse` does not. A text that is no JSON may pass.
 * @throws FileFormatError
 */
export function scanJson(text: string, what: string): void {
  /** The names so far of each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let values = 1;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const end = stringEnd(text, i);
      if (end === undefined) return;
      const names = open.at(-1);
      if (names && text[afterSpace(text, end + 1)] === ":") addName(names, text.slice(i, end + 1), what);
      i = end;
    } else if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : undefined);
      values++;
      if (open.length > MOST_DEPTH)
        throw new FileFormatError(
          `${what} is nested more than ${MOST_DEPTH} deep at character ${i}; it is damaged, or made to harm its reader`,
        );
    } else if (character === "}" || character === "]") open.pop();
    else if (character === ",") values++;
    if (values > MOST_VALUES)
      throw new FileFormatError(
        `${what} has more than ${MOST_VALUES} values; it is damaged, made to harm its reader, or has to be split`,
      );
  }
}

function addName(names: Set<string>, quoted: string, what: string): void {
  let name = quoted.slice(1, -1);
  if (name.includes("\\")) {
    try {
      name = JSON.parse(quoted); // "a" and "\u0061" are the same name
    } catch {
      return; // JSON.parse of the whole will refuse it
    }
  }
  if (names.has(name))
    throw new FileFormatError(
      `${what} has the name ${shown(name)} twice, so one of the two is lost; save the file again with distinct names`,
    );
  names.add(name);
}

/** The position of the quotation mark that closes the string opened at `start`: one after an even run of backslashes. */
function stringEnd(text: string, start: number): number | undefined {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text[first - 1] === "\\") first--;
    if ((end - first) % 2 === 0) return end;
  }
  return undefined;
}

function afterSpace(text: string, start: number): number {
  let i = start;
  while (text[i] === " " || text[i] === "\t" || text[i] === "\n" || text[i] === "\r") i++;
  return i;
}
