/** Expressions on WebAssembly: which of them are compiled, and what is known of them afterwards. */
import { expect, test } from "vitest";
import { type OperationName, operationKinds } from "../../src/kernels/operation-kinds.ts";
import { operations } from "../../src/kernels/operations.ts";
import type { Expression } from "../../src/plan/expression.ts";
import type { DType } from "../../src/tensor-data.ts";
import { compileExpression, inputsOf } from "../../src/wasm/compile/expression-module.ts";
import { natives } from "../../src/wasm/natives.ts";

/** An operation of as many inputs as it takes. */
function expressionOf(name: OperationName, dtype: DType): Expression {
  const { operands, condition, gives } = operationKinds[name];
  const inputs = Array.from({ length: operands }, (_, i) => ({
    load: i,
    by: "all" as const,
    dtype: condition && i === 0 ? ("i32" as const) : dtype,
  }));
  return [...inputs, { apply: name, to: inputs.map((_, i) => i), dtype: gives ?? dtype }];
}

const all = (Object.keys(operations) as OperationName[]).flatMap((name) =>
  (operations[name].integer ? (["f32", "i32"] as const) : (["f32"] as const)).map((dtype) => [name, dtype] as const),
);

test.each(all)("%s of %s is compiled", (name, dtype) => {
  const expression = expressionOf(name, dtype);
  for (const result of ["store", "add", "asFloat"] as const)
    expect(WebAssembly.validate(compileExpression(expression, result))).toBe(true);
});

test("expressions and their sums are native", () => {
  expect(natives.has("pointwise") && natives.has("pointwise-sum")).toBe(true);
});

test("inputs are those that are read, in ascending order", () => {
  expect(
    inputsOf([
      { load: 4, by: "all", dtype: "f32" },
      { load: 1, by: "one", dtype: "f32" },
      { apply: "add", to: [0, 1], dtype: "f32" },
    ]),
  ).toEqual([1, 4]);
});
