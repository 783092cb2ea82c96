import { cellNamed, type FullCell } from "../cells/cell.ts";
import { CellError, OptionError } from "../errors.ts";
import { activationsWgsl } from "../shaders/lib/activations.generated.ts";
import type { Shader } from "../shaders/shader.ts";
import { type CompilerMessage, type Composed, ShaderError } from "./compose.ts";
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

/** What a user's fragment may include. */
const library = [activationsWgsl];

/** The file that a fragment's own lines report. */
const ownFile = ({ name }: FullCell): string => `cells/${name}.wgsl`;

/**
 * Composes a kernel with a cell's fragment.
 * @throws OptionError when the cell has none; CellError when a function is missing, or an include in it is wrong
 */
export function composeWithCell(cell: FullCell, compose: (fragment: Shader) => Composed): Composed {
  const { name, fragment } = cell;
  if (fragment === undefined) {
    throw new OptionError(
      `cell "${name}" has no WGSL, so it runs on the CPU only; give it a fragment, or open the runtime with { backend: "cpu" }`,
    );
  }
  if ("file" in fragment) return compose(fragment);
  const declared = declaredNames(linesOf(fragment.source, ownFile(cell)).map(({ text }) => text));
  const missing = functionsOf(cell).filter((wanted) => !declared.has(wanted));
  if (missing.length > 0)
    throw new CellError(`cell "${name}": its WGSL lacks ${missing.map(show).join(" and ")}; add what is missing`);
  try {
    return compose({ file: ownFile(cell), source: fragment.source, includes: library });
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
 * Tells whoever wrote the fragment of a cell why it does not compile; does nothing for the fragments of the package.
 * @throws CellError with the compiler's messages: those of the fragment's own lines, counted as they were given, or if it is
 * the engine that cannot use it the lines that the engine has
 */
export function checkOwnFragment(cellName: string, composed: Composed, messages: readonly CompilerMessage[]): void {
  const cell = cellNamed(cellName);
  if (!cell.fragment || "file" in cell.fragment) return;
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
    `cell "${cellName}": its WGSL does not ${own.length > 0 ? "compile" : "fit"}:\n${described.join("\n")}${own.length > 0 ? "" : engine}${hint}`,
  );
}
