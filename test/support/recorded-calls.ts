import { expect } from "vitest";
import type { TensorData } from "../../src/index.ts";

/** A tensor in a JSON file of test/recorded. */
export interface RecordedTensor {
  readonly dtype: "f32" | "i32";
  readonly shape: number[];
  readonly data: number[];
}

/** What another framework gave for some inputs. */
export interface RecordedCall {
  readonly inputs: RecordedTensor[];
  readonly outputs: RecordedTensor[];
}

export const tensorOf = ({ dtype, shape, data }: RecordedTensor): TensorData => ({
  shape,
  data: dtype === "i32" ? Int32Array.from(data) : Float32Array.from(data),
});

/** The inputs of a model: one as it is, several by name. */
export const inputsOf = ({ inputNames }: { readonly inputNames: readonly string[] }, { inputs }: RecordedCall) =>
  inputs.length === 1
    ? tensorOf(inputs[0]!)
    : Object.fromEntries(inputNames.map((name, i) => [name, tensorOf(inputs[i]!)]));

/** The largest difference of two tensors of one shape. */
export function difference(got: TensorData, expected: RecordedTensor): number {
  expect(got.shape).toEqual(expected.shape);
  return Math.max(...expected.data.map((value, i) => Math.abs(value - got.data[i]!)));
}
