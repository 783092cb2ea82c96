import { dtypeOf, showShape, type TensorData } from "../tensor-data.ts";

/** What one training step reads. T time steps, B rows; layout `[T,B]`, i32. */
export interface Batch {
  /** Tokens `[T,B]`. */
  readonly x: TensorData;
  /** The token that follows each token of `x`, `[T,B]`. */
  readonly target: TensorData;
  /** Rows whose state starts at zero: true for all of them, or their numbers. Default: none, the state is carried on. */
  readonly resetState?: boolean | readonly number[];
}

/** What a plan for this batch depends on: element types and shapes. */
export const batchKey = ({ x, target }: Batch): string =>
  [x, target].map(({ data, shape }) => `${dtypeOf(data)}${showShape(shape)}`).join(" ");
