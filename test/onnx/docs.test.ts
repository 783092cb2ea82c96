/** docs/onnx.md: its code runs as it stands there, and its table is that of the code. */
import { expect, test } from "vitest";
import type { TensorData } from "../../src/index.ts";
import type { OnnxModel, OnnxSummary } from "../../src/onnx/index.ts";
import { operators } from "../../src/onnx/operators/index.ts";
import { runPage } from "../support/page-code.ts";

interface Page {
  readonly found: OnnxSummary;
  readonly model: OnnxModel;
  readonly first: Readonly<Record<string, TensorData>>;
  readonly second: Readonly<Record<string, TensorData>>;
  readonly losses: readonly number[];
  readonly names: readonly string[];
}

const { text, made, typeFaults } = await runPage<Page>("onnx.md");

test("the code of the page runs", () => {
  expect(made.found.inputs.map(({ name }) => name)).toEqual(["x", "state.h"]);
  expect(made.found.operators).toMatchObject({ GRU: 1, Sigmoid: 1 });
  expect(made.model.inputs).toEqual([{ name: "x", type: "FLOAT", shape: ["T", "B", 4] }]);
  expect(Object.keys(made.first)).toEqual(["probability"]);
  expect(made.first.probability!.data).not.toEqual(made.second.probability!.data);
  expect(made.losses.at(-1)!).toBeLessThan(made.losses[0]! / 2);
  expect(made.names.filter((name) => /^layers\..*\.weight_(ih|hh)_l0$/.test(name))).toHaveLength(2);
  expect(made.names).toContain("head.weight");
});

test("the code of the page compiles", () => {
  expect(typeFaults({})).toEqual([]);
});

test("the table of operators is that of the code", () => {
  const table = text.slice(text.indexOf("## Operators"), text.indexOf("An operator, attribute"));
  const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  expect(named.sort()).toEqual(Object.keys(operators).sort());
});
