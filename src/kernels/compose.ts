/**
 * Puts a kernel's WGSL together: the prelude of constants, the shared fragments it includes, the
 * cell's fragment and the kernel itself. See docs/architecture.md for why includes are comments.
 *
 *   // #include "lib/activations.wgsl"   the file, once, in place of the line
 *   // #include CELL                     the fragment of the cell that the caller chose
 *   // #unroll                           the next `for` loop, written out (see unroll.ts)
 */
import type { Shader } from "../shaders/shader.ts";
import type { ComposeChecks } from "./compose-checks.ts";
import { unroll } from "./unroll.ts";
import { directiveOf, fault, linesOf, type Origin, type SourceLine } from "./wgsl-text.ts";

export { type Origin, ShaderError } from "./wgsl-text.ts";

export interface ComposeOptions {
  /** Prelude constants: an integer becomes a `u32`, a boolean a `bool`. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /** What `// #include CELL` stands for: a fragment of shaders/cells, or another one. */
  readonly cell?: Shader;
  /** What other symbolic includes stand for: `// #include NORM` by `{ NORM: layerNormWgsl }`, or text that is in no file. */
  readonly parts?: Readonly<Record<string, Shader>>;
  /** WGSL that follows the constants, such as the structs of the cell. */
  readonly prelude?: string;
  /** For WGSL that no test has composed yet; default none. */
  readonly checks?: ComposeChecks | undefined;
}

export interface Composed {
  readonly code: string;
  /** Where a line of `code` was written; both count lines from 1. */
  origin(line: number): Origin;
}

/** The file name that lines of the prelude report. */
export const preludeFile = "<prelude>";

/** Puts a shader together. Throws a {@link ShaderError} that names file and line. */
export function compose(shader: Shader, options: ComposeOptions = {}): Composed {
  const { cell, parts = {}, checks } = options;
  const prelude = preludeLines(options);
  const included = new Map<string, Included>();
  const sources = sourcesOf([shader, ...Object.values(parts), ...(cell ? [cell] : [])]);
  const body = expand(shader.file, { sources, options, included, stack: [] });

  const firstLine = { file: shader.file, line: 1 };
  if (cell && !included.has(cell.file)) {
    throw fault(checks, firstLine, "cellNotIncluded", cell.file);
  }
  const lines = [...prelude.lines, ...body];
  for (const [fragment, { at }] of included) checks?.checkUsed(fragment, at, lines);

  // The language wants its `enable`, `requires` and `diagnostic` lines before every declaration.
  const unrolled = unroll(lines, prelude.integers, checks);
  const isGlobal = (line: SourceLine) => /^\s*(?:enable|requires|diagnostic)\b/.test(line.text);
  const ordered = [...unrolled.filter(isGlobal), ...unrolled.filter((line) => !isGlobal(line))];
  return {
    code: `${ordered.map((line) => line.text).join("\n")}\n`,
    origin(line) {
      const found = ordered[Math.min(Math.max(line, 1), ordered.length) - 1] ?? firstLine;
      return { file: found.file, line: found.line };
    },
  };
}

/** The texts of shaders and of all that they include, by file. */
function sourcesOf(shaders: readonly Shader[], sources = new Map<string, string>()): ReadonlyMap<string, string> {
  for (const { file, source, includes } of shaders) {
    if (sources.has(file)) continue;
    sources.set(file, source);
    sourcesOf(includes, sources);
  }
  return sources;
}

/** A message of the device's compiler (the part of GPUCompilationMessage that is used here). */
export interface CompilerMessage {
  readonly type: string;
  readonly message: string;
  readonly lineNum: number;
  readonly linePos: number;
}

interface Included {
  /** The first line that includes the file. */
  readonly at: Origin;
}

interface Expansion {
  readonly sources: ReadonlyMap<string, string>;
  readonly options: ComposeOptions;
  readonly included: Map<string, Included>;
  /** The files that are open, outermost first. */
  readonly stack: readonly string[];
}

function expand(file: string, from: Expansion, at: Origin = { file, line: 1 }): SourceLine[] {
  const source = from.sources.get(file);
  if (source === undefined) {
    const known = [...from.sources.keys()].sort();
    // What is there to be included lies in lib.
    const shared = from.stack.length > 0 ? known.filter((name) => name.startsWith("lib/")) : [];
    throw fault(from.options.checks, at, "noSuchFile", file, shared.length > 0 ? shared : known);
  }
  const stack = [...from.stack, file];
  return linesOf(source, file).flatMap((line) => {
    const directive = directiveOf(line.text);
    if (!directive || directive.name === "unroll") return line;
    if (directive.name !== "include") {
      throw fault(from.options.checks, line, "noSuchDirective", directive.name);
    }
    const target = includeTarget(directive.argument, from.options, line);
    if (stack.includes(target)) {
      throw fault(from.options.checks, line, "includeCycle", [...stack.slice(stack.indexOf(target)), target]);
    }
    // What stands for nothing in this kernel has no file.
    if (target === "" || from.included.has(target)) return [];
    from.included.set(target, { at: line });
    return expand(target, { ...from, stack }, line);
  });
}

function includeTarget(argument: string, { cell, checks, parts = {} }: ComposeOptions, at: SourceLine): string {
  if (argument === "CELL") {
    if (cell === undefined) throw fault(checks, at, "noCell");
    return cell.file;
  }
  if (Object.hasOwn(parts, argument)) return parts[argument]!.file;
  const quoted = /^"([^"]+)"$/.exec(argument);
  if (!quoted) throw fault(checks, at, "noIncludeTarget", argument);
  return quoted[1] as string;
}

interface Prelude {
  readonly lines: readonly SourceLine[];
  /** The constants that #unroll may count with. */
  readonly integers: ReadonlyMap<string, number>;
}

function preludeLines({ checks, constants = {}, prelude = "" }: ComposeOptions): Prelude {
  const declarations = Object.entries(constants).map(([name, value], index) => {
    const at = { file: preludeFile, line: index + 1 };
    if (!/^[A-Za-z]\w*$/.test(name)) throw fault(checks, at, "noConstantName", name);
    if (typeof value === "boolean") return `const ${name} = ${value};`;
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw fault(checks, at, "noConstantValue", name, value);
    return `const ${name} = ${value}u;`;
  });
  const text = [...declarations, prelude].join("\n");
  const integers = new Map<string, number>();
  for (const match of text.matchAll(/^\s*const\s+(\w+)\s*=\s*(\d+)u\s*;/gm)) {
    integers.set(match[1] as string, Number(match[2]));
  }
  return { lines: linesOf(text, preludeFile), integers };
}
