import type { DType } from "../tensor-data.ts";

/**
 * One value of an expression.
 * - `load`: element of an input; `by` tells which: that of the same index (`all`), the only one (`one`), or by strides
 * - `constant`: a number
 * - `apply`: an operation (src/kernels/operations.ts) on earlier values, by their index
 */
export type ExpressionValue =
  | { readonly load: number; readonly by: "all" | "one" | "strides"; readonly dtype: DType }
  | { readonly constant: number; readonly dtype: DType }
  | { readonly apply: string; readonly to: readonly number[]; readonly dtype: DType };

/** What a pointwise kernel computes for every index, as plain data: values in order, the last one is the result. */
export type Expression = readonly ExpressionValue[];

/** The same for equal expressions, and for no others: JSON knows no infinities, no NaN and no -0. */
export const keyOfExpression = (expression: Expression): string =>
  JSON.stringify(expression, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? `${Object.is(value, -0) ? "-" : ""}${value}`
      : value,
  );

/** As a formula, for printed plans: `mul(a, a) with a = sub(x0, x1)`. */
export function formulaOf(expression: Expression): string {
  const read = expression.flatMap((value) => ("apply" in value ? value.to : []));
  const uses = expression.map((_, i) => read.filter((at) => at === i).length);
  const names = new Map<number, string>();
  const definitions: string[] = [];
  const write = (i: number): string => {
    const known = names.get(i);
    if (known !== undefined) return known;
    const value = expression[i]!;
    if ("load" in value) return `x${value.load}`;
    if ("constant" in value) return String(value.constant);
    const written = `${value.apply}(${value.to.map(write).join(", ")})`;
    if (uses[i]! < 2) return written;
    const name = String.fromCharCode(97 + (definitions.length % 26));
    names.set(i, name);
    definitions.push(`${name} = ${written}`);
    return name;
  };
  const result = write(expression.length - 1);
  return definitions.length > 0 ? `${result} with ${definitions.join(", ")}` : result;
}
