import type { FullCell } from "../cells/cell.ts";
import { CellError } from "../errors.ts";
import { type CompilerMessage, type Composed, ShaderError } from "./compose.ts";
import { type ComposeChecks, composeChecks } from "./compose-checks.ts";
import { ownFile } from "./kernel.ts";
import { declaredNames, linesOf } from "./wgsl-text.ts";

// The WGSL that users give with a cell: what is wrong with it is told by the cell's name and the lines that they wrote.

/** The functions of a fragment, as kernels call them. */
const signatures = {
  cellForward: "(x: Gates, r: Gates, prev: State, p: Learned) -> Forward",
  cellBackward: "(saved: Saved, prev: State, grad: State, p: Learned) -> Backward",
  cellIntermediate: "(x: Gates, prev: State, p: Learned) -> Real",
  cellIntermediateBackward: "(saved: Saved, prev: State, grad: Real, p: Learned) -> Backward",
} as const;
type FunctionName = keyof typeof signatures;

const show = (name: FunctionName): string => `fn ${name}${signatures[name]}`;
const functionsOf = ({ intermediate }: FullCell): readonly FunctionName[] =>
  intermediate
    ? ["cellForward", "cellBackward", "cellIntermediate", "cellIntermediateBackward"]
    : ["cellForward", "cellBackward"];

/** Composes a kernel with the fragment that was given with a cell. @throws CellError for a missing function, or a wrong include */
export function composeOwnCell(cell: FullCell, source: string, compose: (checks: ComposeChecks) => Composed): Composed {
  const { name } = cell;
  const declared = declaredNames(linesOf(source, ownFile(cell)).map(({ text }) => text));
  const missing = functionsOf(cell).filter((wanted) => !declared.has(wanted));
  if (missing.length > 0)
    throw new CellError(`cell "${name}": its WGSL lacks ${missing.map(show).join(" and ")}; add what is missing`);
  try {
    return compose(composeChecks);
  } catch (error) {
    if (!(error instanceof ShaderError) || error.file !== ownFile(cell)) throw error;
    const why = error.message.slice(`${error.file}:${error.line}: `.length);
    throw new CellError(`cell "${name}": line ${error.line} of its WGSL: ${why}`);
  }
}

/** Whether a compiler complains of a vector where a scalar is, or the other way round. */
function mixesScalars(message: string): boolean {
  const [first = ""] = message.split("\n", 1);
  const others = first.replace(/\bvec4(?:<\w+>|f\b)/g, "");
  return others !== first && /\b(?:abstract-?(?:float|int)|f32|i32|u32|bool)\b/i.test(others);
}

/**
 * Tells whoever wrote the fragment of a cell why it does not compile.
 * @throws CellError with the compiler's messages: those of the fragment's own lines, counted as they were given, or if it is
 * the engine that cannot use it the lines that the engine has
 */
export function refuseOwnCell(cell: FullCell, composed: Composed, messages: readonly CompilerMessage[]): never {
  const lines = composed.code.split("\n");
  const own = messages.filter(({ lineNum }) => lineNum > 0 && composed.origin(lineNum).file === ownFile(cell));
  const told = own.length > 0 ? own : messages;
  const described = told.map(({ lineNum, linePos, message }) => {
    if (lineNum < 1) return message;
    const { file, line } = composed.origin(lineNum);
    const place = file === ownFile(cell) ? `line ${line}:${linePos}` : `${file}:${line}:${linePos}`;
    return `${place}: ${message}\n    ${lines[lineNum - 1]?.trim() ?? ""}`;
  });
  const hint = told.some(({ message }) => mixesScalars(message))
    ? "\na Real is four units: write Real(0.0), choose with select()"
    : "";
  const engine = `; the engine calls\n    ${functionsOf(cell).map(show).join("\n    ")}`;
  throw new CellError(
    `cell "${cell.name}": its WGSL does not ${own.length > 0 ? "compile" : "fit"}:\n${described.join("\n")}${own.length > 0 ? "" : engine}${hint}`,
  );
}
