/**
 * WGSL as text: lines that remember where they were written, and the few lexical facts that the
 * composer needs. Nothing here parses WGSL; the compiler of the device does that.
 */
import { WebGpuRnnError } from "../errors.ts";
import type { ComposeChecks, Faults } from "./compose-checks.ts";

/** A line of WGSL and the place it was written at. `line` counts from 1. */
export interface SourceLine {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

/** A place in a shader's source. `line` counts from 1. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** A shader's source that cannot be composed. The message starts with the file and the line. */
export class ShaderError extends WebGpuRnnError {
  readonly file: string;
  readonly line: number;

  constructor(at: Origin, message: string) {
    super("SHADER", `${at.file}:${at.line}: ${message}`);
    this.file = at.file;
    this.line = at.line;
  }
}

/** What is wrong with a line; without checks by its name alone, as in the package's own shaders, for which a test has them. */
export const fault = <K extends keyof Faults>(
  checks: ComposeChecks | undefined,
  at: Origin,
  name: K,
  ...of: Parameters<Faults[K]>
): ShaderError => new ShaderError(at, checks ? checks.say(name, ...of) : name);

export function linesOf(text: string, file: string): SourceLine[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => ({ text: line, file, line: index + 1 }));
}

/**
 * The same lines with every comment replaced by spaces, so that columns still agree.
 * WGSL's block comments nest, and may span lines.
 */
export function blankComments(lines: readonly string[]): string[] {
  let depth = 0;
  return lines.map((line) => {
    let code = "";
    for (let at = 0; at < line.length; ) {
      const pair = line.slice(at, at + 2);
      if (depth === 0 && pair === "//") return code + " ".repeat(line.length - at);
      if (pair === "/*") depth++;
      if (pair === "/*" || (depth > 0 && pair === "*/")) {
        if (pair === "*/") depth--;
        code += "  ";
        at += 2;
      } else {
        code += depth > 0 ? " " : line[at];
        at++;
      }
    }
    return code;
  });
}

/** A comment of the form `// #name argument`, alone on its line. */
export function directiveOf(text: string): { name: string; argument: string } | undefined {
  const match = /^\s*\/\/\s*#(\w+)\s*(.*?)\s*$/.exec(text);
  return match ? { name: match[1] as string, argument: match[2] as string } : undefined;
}

/** Names declared at module scope by functions, constants, overrides, structs, aliases and variables. */
export function declaredNames(lines: readonly string[]): Set<string> {
  const names = new Set<string>();
  let depth = 0;
  for (const code of blankComments(lines)) {
    const pattern =
      /[{}]|\b(?:fn|const|override|struct|alias|var(?:\s*<[^>]*>)?)\s+([\p{XID_Start}_][\p{XID_Continue}]*)/gu;
    for (const match of code.matchAll(pattern)) {
      if (match[0] === "{") depth++;
      else if (match[0] === "}") depth--;
      else if (depth === 0) names.add(match[1] as string);
    }
  }
  return names;
}

/** Every identifier that occurs outside comments, members (`a.b` gives `a`) not counted. */
export function usedNames(lines: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const code of blankComments(lines)) {
    for (const match of code.matchAll(/(?<![\p{XID_Continue}.])[\p{XID_Start}_][\p{XID_Continue}]*/gu)) {
      names.add(match[0]);
    }
  }
  return names;
}
