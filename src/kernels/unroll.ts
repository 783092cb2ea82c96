/**
 * `// #unroll`: a `for` loop with a known bound, written out.
 *
 * WGSL has no way to ask for it, and an array that is indexed by a loop variable is put in memory
 * by several drivers instead of in registers. The raw file keeps its plain loop and its meaning.
 */
import type { ComposeChecks } from "./compose-checks.ts";
import { blankComments, directiveOf, fault, type SourceLine } from "./wgsl-text.ts";

/** The forms of one header; the loop variable must be a plain identifier that counts up from `0u` by one. */
const headerPattern =
  /^(\s*)for\s*\(\s*var\s+(\w+)\s*=\s*0u\s*;\s*(\w+)\s*<\s*([^;]*?)\s*;\s*(\w+)\s*(?:\+\+|\+=\s*1u)\s*\)\s*\{/;

/** More copies than any register array can hold; a larger number is a mistake in a constant. */
const mostCopies = 1024;

export function unroll(
  lines: readonly SourceLine[],
  constants: ReadonlyMap<string, number>,
  checks?: ComposeChecks,
): SourceLine[] {
  const result: SourceLine[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] as SourceLine;
    if (directiveOf(line.text)?.name !== "unroll") {
      result.push(line);
      at++;
      continue;
    }
    const loop = readLoop(lines, at, constants, checks);
    checks?.checkBody(loop.body, loop.variable);
    for (let copy = 0; copy < loop.copies; copy++) {
      const body = loop.body.map((bodyLine) => substitute(bodyLine, loop.variable, `${copy}u`));
      result.push({ ...loop.header, text: `${loop.indent}{` });
      result.push(...unroll(body, constants, checks));
      result.push({ ...loop.end, text: `${loop.indent}}` });
    }
    if (loop.rest.trim() !== "") result.push({ ...loop.end, text: loop.rest });
    at = loop.next;
  }
  return result;
}

interface Loop {
  readonly header: SourceLine;
  readonly end: SourceLine;
  readonly indent: string;
  readonly variable: string;
  readonly copies: number;
  readonly body: readonly SourceLine[];
  /** What follows the closing brace on its line. */
  readonly rest: string;
  /** Index of the first line after the loop. */
  readonly next: number;
}

function readLoop(
  lines: readonly SourceLine[],
  directiveAt: number,
  constants: ReadonlyMap<string, number>,
  checks: ComposeChecks | undefined,
): Loop {
  const directive = lines[directiveAt] as SourceLine;
  const argument = directiveOf(directive.text)?.argument;
  if (argument) throw fault(checks, directive, "unrollArgument", argument);
  const first = directiveAt + 1;
  const header = lines[first];
  const codes = blankComments(lines.slice(first).map((line) => line.text));
  const match = headerPattern.exec(codes[0] ?? "");
  const variable = match?.[2];
  if (!header || !match || variable === undefined || match[3] !== variable || match[5] !== variable) {
    throw fault(checks, directive, "unrollHeader", header?.text.trim());
  }
  const copies = boundOf(match[4] as string, constants, header, checks);
  const open = match[0].length;
  const close = closingBrace(codes, open);
  if (!close) throw fault(checks, header, "unrollOpen");
  const end = lines[first + close.line] as SourceLine;

  const body: SourceLine[] = [];
  for (let offset = 0; offset <= close.line; offset++) {
    const line = lines[first + offset] as SourceLine;
    const text = line.text.slice(offset === 0 ? open : 0, offset === close.line ? close.column : undefined);
    if (text.trim() !== "") body.push({ ...line, text });
  }
  return {
    header,
    end,
    indent: match[1] as string,
    variable,
    copies,
    body,
    rest: end.text.slice(close.column + 1),
    next: first + close.line + 1,
  };
}

/** Where the block that is open at `column` of the first line ends. */
function closingBrace(codes: readonly string[], column: number): { line: number; column: number } | undefined {
  let depth = 1;
  for (let line = 0; line < codes.length; line++) {
    const code = codes[line] as string;
    for (let at = line === 0 ? column : 0; at < code.length; at++) {
      if (code[at] === "{") depth++;
      if (code[at] === "}" && --depth === 0) return { line, column: at };
    }
  }
  return undefined;
}

/** A sum of products of integer literals and of the prelude's integer constants. */
function boundOf(
  bound: string,
  constants: ReadonlyMap<string, number>,
  at: SourceLine,
  checks: ComposeChecks | undefined,
): number {
  let sum = 0;
  for (const term of bound.split("+")) {
    let product = 1;
    for (const factor of term.split("*").map((part) => part.trim())) {
      const literal = /^(\d+)u?$/.exec(factor);
      const value = literal ? Number(literal[1]) : constants.get(factor);
      if (value === undefined) throw fault(checks, at, "unrollBound", factor, bound, [...constants.keys()]);
      product *= value;
    }
    sum += product;
  }
  if (sum > mostCopies) throw fault(checks, at, "unrollCopies", bound, sum, mostCopies);
  return sum;
}

function substitute(line: SourceLine, variable: string, literal: string): SourceLine {
  const pattern = new RegExp(`(?<![\\w.])${variable}(?!\\w)`, "g");
  return { ...line, text: line.text.replace(pattern, literal) };
}
