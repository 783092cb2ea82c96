import { literal } from "../cells/activations.ts";
import type { Expression } from "../plan/expression.ts";
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

/** What stands for `// #include EXPRESSION`: the WGSL, with what it includes. */
export function expressionShader(expression: Expression): Shader {
  const needed = expression.flatMap((value) => ("apply" in value ? (mathsOf(expression, value).includes ?? []) : []));
  return { file: "<expression>", source: expressionWgsl(expression), includes: [...new Set(needed)] };
}

/** WGSL of `fn expression(i: u32) -> Result`. */
function expressionWgsl(expression: Expression): string {
  const includes = new Set<Shader>();
  const lines = expression.map((value, i): string => {
    const named = (text: string) => `  let v${i} = ${text};`;
    if ("constant" in value) return named(wgslNumber(value.constant, value.dtype));
    if ("load" in value) {
      const x = `x${value.load}`;
      const index = value.by === "all" ? "i" : value.by === "one" ? "0u" : `indexOf${value.load}(at)`;
      return named(`bitcast<${value.dtype}>(${x}[params.${x}Offset + ${index}])`);
    }
    const { wgsl, includes: needed = [] } = mathsOf(expression, value);
    for (const shader of needed) includes.add(shader);
    return named(wgsl.replace(/\b[abc]\b/g, (operand) => `v${value.to["abc".indexOf(operand)]}`));
  });
  const strided = expression.flatMap((value) => ("load" in value && value.by === "strides" ? [value.load] : []));
  const type = expression.at(-1)!.dtype;
  return [
    ...(includes.has(activationsWgsl) ? ["alias Real = f32;", "alias Bits = u32;"] : []),
    ...[...includes].map(({ file }) => `// #include "${file}"`),
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
