import { literal } from "../cells/activations.ts";
import type { Expression, ExpressionValue } from "../plan/expression.ts";
import { activationsWgsl } from "../shaders/lib/activations.generated.ts";
import type { Shader } from "../shaders/shader.ts";
import type { DType } from "../tensor-data.ts";
import type { OperationName } from "./operation-kinds.ts";
import { type Maths, operations } from "./operations.ts";

// How an expression is computed: as WGSL, and on the CPU.

/** Inputs of a pointwise kernel. With the result they are as many buffers as every adapter binds, one less. */
export const MOST_INPUTS = 6;

/** Axes of the index space. */
export const AXES = 4;

const infinite = (value: number): string =>
  `bitcast<f32>(${Number.isNaN(value) ? "0x7fc00000u" : value > 0 ? "0x7f800000u" : "0xff800000u"} | params.zero)`;

const wgslNumber = (value: number, dtype: DType): string => {
  if (dtype === "i32") return value < 0 ? `i32(${value})` : `${value}i`;
  return Number.isFinite(Math.fround(value)) ? literal(value) : infinite(value);
};

export const mathsOf = (
  expression: Expression,
  { apply, to }: { readonly apply: string; readonly to: readonly number[] },
): Maths => {
  const operation = operations[apply as OperationName];
  const isWhole = expression[to.at(-1)!]!.dtype === "i32";
  return isWhole && operation.integer ? operation.integer : operation;
};

/** The files of shaders/lib that an expression needs. */
export const includesOf = (expression: Expression): readonly Shader[] => [
  ...new Set(expression.flatMap((value) => ("apply" in value ? (mathsOf(expression, value).includes ?? []) : []))),
];

/** What stands for `// #include EXPRESSION`: the WGSL, with what it includes. */
export function expressionShader(expression: Expression): Shader {
  const includes = includesOf(expression);
  return { file: "<expression>", source: expressionWgsl(expression, includes), includes };
}

/**
 * Declarations of all values, the last of which is the result: `let v0 = …;`.
 * @param load writes an element of an input
 */
export const valuesWgsl = (
  expression: Expression,
  load: (value: Extract<ExpressionValue, { readonly load: number }>) => string,
): string[] =>
  expression.map((value, i): string => {
    const named = (text: string) => `  let v${i} = ${text};`;
    if ("constant" in value) return named(wgslNumber(value.constant, value.dtype));
    if ("load" in value) return named(load(value));
    const { wgsl } = mathsOf(expression, value);
    return named(wgsl.replace(/\b[abc]\b/g, (operand) => `v${value.to["abc".indexOf(operand)]}`));
  });

/** WGSL of `fn expression(i: u32) -> Result`. */
function expressionWgsl(expression: Expression, includes: readonly Shader[]): string {
  const lines = valuesWgsl(expression, ({ load, by, dtype }) => {
    const index = by === "all" ? "i" : by === "one" ? "0u" : `indexOf${load}(at)`;
    return `bitcast<${dtype}>(x${load}[params.x${load}Offset + ${index}])`;
  });
  const strided = expression.flatMap((value) => ("load" in value && value.by === "strides" ? [value.load] : []));
  const type = expression.at(-1)!.dtype;
  return [
    ...(includes.includes(activationsWgsl) ? ["alias Real = f32;", "alias Bits = u32;"] : []),
    ...includes.map(({ file }) => `// #include "${file}"`),
    `alias Result = ${type};`,
    ...[...new Set(strided)].map((k) => {
      const sum = Array.from({ length: AXES }, (_, axis) => `at[${axis}] * params.x${k}s${axis}`).join(" + ");
      return `fn indexOf${k}(at: vec4i) -> u32 { return u32(${sum}); }`;
    }),
    "fn expression(i: u32) -> Result {",
    ...(strided.length > 0
      ? [
          "  let at = vec4i(vec4u(i / params.n3 / params.n2 / params.n1, i / params.n3 / params.n2 % params.n1,",
          "    i / params.n3 % params.n2, i % params.n3));",
        ]
      : []),
    ...lines,
    `  return v${expression.length - 1};`,
    "}",
    "",
  ].join("\n");
}
