import { InternalError } from "../../errors.ts";
import { includesOf, mathsOf, valuesWgsl } from "../../kernels/expression.ts";
import type { OperationName } from "../../kernels/operation-kinds.ts";
import { operations } from "../../kernels/operations.ts";
import type { Expression } from "../../plan/expression.ts";
import type { Shader } from "../../shaders/shader.ts";
import { emit, type Stream } from "./emit.ts";
import { Graph, plain } from "./graph.ts";
import { Inliner } from "./inline.ts";
import { type Program, parse } from "./parse.ts";

// A pointwise expression as a WebAssembly module, made of its WGSL.

/** WGSL's functions of whole numbers have other names here: which function is meant depends on the name alone. */
const wholeNumbers = `
fn wholeAbs(a: i32) -> i32 { return select(a, -a, a < 0); }
fn wholeSign(a: i32) -> i32 { return select(select(0i, 1i, a > 0), -1i, a < 0); }
fn wholeMin(a: i32, b: i32) -> i32 { return select(b, a, a < b); }
fn wholeMax(a: i32, b: i32) -> i32 { return select(b, a, a > b); }
`;
const wholeNames: Readonly<Record<string, string>> = {
  abs: "wholeAbs",
  sign: "wholeSign",
  min: "wholeMin",
  max: "wholeMax",
};

/** In place of functions of shaders/lib that are there because WGSL's own are not exact enough; these are. */
const exact = `
fn exponential(x: f32) -> f32 { return exp(x); }
fn logarithm(x: f32) -> f32 { return log(x); }
fn squareRoot(x: f32) -> f32 { return sqrt(x); }
`;
/** `params.zero` hides NaN and infinities from compilers that refuse them; this one does not. */
const surroundings = `
alias Real = f32;
alias Bits = u32;
struct Params { zero: u32 }
const params = Params(0u);
`;

/** Files of shaders/lib, which many expressions include, are parsed once. */
const parsed = new Map<string, Program["functions"]>();
function functionsOf({ file, source, includes }: Shader): Program["functions"] {
  const known = parsed.get(file);
  if (known) return known;
  const made = new Map([...includes.flatMap((shader) => [...functionsOf(shader)]), ...parse(source).functions]);
  parsed.set(file, made);
  return made;
}
const own: Shader = { file: "<own>", source: `${wholeNumbers}${exact}`, includes: [] };

/** Numbers of the inputs, in ascending order: those are the ones that `run` takes. */
export const inputsOf = (expression: Expression): number[] =>
  [...new Set(expression.flatMap((value) => ("load" in value ? [value.load] : [])))].sort((a, b) => a - b);

/**
 * A module that imports `env.memory` and exports `run(1, count, …inputs, y)`: addresses, where as many numbers lie in a row.
 * @param result what becomes of the value: it is stored, added to y, or stored as f32 whatever its type
 */
export function compileExpression(
  expression: Expression,
  result: "store" | "add" | "asFloat",
): Uint8Array<ArrayBuffer> {
  const inputs = inputsOf(expression);
  const types = new Map(expression.flatMap((value) => ("load" in value ? [[value.load, value.dtype] as const] : [])));
  const parameters = inputs.map((k) => `x${k}: ${types.get(k)}`);
  const { dtype } = expression.at(-1)!;
  const type = result === "asFloat" ? "f32" : dtype;
  const values = valuesWgsl(expression, ({ load }) => `x${load}`).map((line, i) => {
    const value = expression[i]!;
    const isWhole = "apply" in value && mathsOf(expression, value) === operations[value.apply as OperationName].integer;
    return isWhole ? line.replace(/\b(?:abs|sign|min|max)(?=\()/g, (name) => wholeNames[name]!) : line;
  });
  const last = `v${expression.length - 1}`;
  const body = `return ${result === "store" ? last : result === "add" ? `y + ${last}` : `f32(${last})`};`;
  const head = `fn expression(${[...parameters, `y: ${type}`].join(", ")}) -> ${type}`;
  const program = parse(`${surroundings}${head} {\n${values.join("\n")}\n${body}\n}`);
  const libraries = [...includesOf(expression), own].flatMap((shader) => [...functionsOf(shader)]);
  const graph = new Graph();
  const inliner = new Inliner({ ...program, functions: new Map([...program.functions, ...libraries]) }, graph, {
    direction: 0,
    acrossUnits: false,
    isActivation: () => true,
  });
  // Behind the number of rows, 1, and their length.
  const streams = [...inputs, "y"].map((_, i): Stream => ({ param: 2 + i, slot: 0, isPadded: false }));
  const lanes = [...inputs.map((k) => types.get(k)!), type];
  const value = inliner.call(
    "expression",
    lanes.map((lane, i) => graph.cast(lane, graph.load(i))),
  );
  if (!("op" in value)) throw new InternalError("an expression gives one number");
  const { code } = emit({
    paramCount: 3 + inputs.length,
    strides: [],
    scratch: 0,
    streams,
    stores: [{ to: streams.at(-1)!, value: plain(value) }],
  });
  return code;
}
