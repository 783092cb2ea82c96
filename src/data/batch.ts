import { OptionError, ShapeError } from "../errors.ts";
import { checkTensor, dtypeOf, type Shape, showShape, type TensorData } from "../tensor-data.ts";

/** What one training step reads. T time steps, B rows; layout `[T,B]`, i32. */
export interface Batch {
  /** Tokens `[T,B]`. */
  readonly x: TensorData;
  /** The token that follows each token of `x`, `[T,B]`. */
  readonly target: TensorData;
  /** Rows whose state starts at zero: true for all of them, or their numbers. Default: none, the state is carried on. */
  readonly resetState?: boolean | readonly number[];
}

/** @throws ShapeError or OptionError for what is no batch whatever the model */
export function checkBatch(batch: Batch): void {
  for (const name of ["x", "target"] as const) {
    const tensor: TensorData | undefined = batch[name];
    checkTensor(`batch.${name}`, tensor, tensor?.shape, tensor?.data ? dtypeOf(tensor.data) : "i32");
  }
  const { resetState } = batch;
  if (resetState !== undefined && typeof resetState !== "boolean" && !Array.isArray(resetState))
    throw new OptionError(`batch.resetState is ${String(resetState)}, expected true, false or a list of row numbers`);
}

/**
 * Where the numbers of some rows lie in a state `[L,B,H]`, as offsets of stretches of H.
 * @throws ShapeError for a row that the state does not have
 */
export function rowOffsets(name: string, shape: Shape, rows: readonly number[]): number[] {
  const [layers, B, H] = shape as [number, number, number];
  if (shape.length !== 3)
    throw new ShapeError(`resetState: ${name} has shape ${showShape(shape)}, rows are known of states [L,B,H] only`);
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= B)
      throw new ShapeError(`resetState: row ${row} of ${name} ${showShape(shape)}, expected 0 to ${B - 1}`);
  }
  return rows.flatMap((row) => Array.from({ length: layers }, (_, layer) => (layer * B + row) * H));
}

/** What a plan for this batch depends on: element types and shapes. */
export const batchKey = ({ x, target }: Batch): string =>
  [x, target].map(({ data, shape }) => `${dtypeOf(data)}${showShape(shape)}`).join(" ");
