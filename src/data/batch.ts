import { OptionError, ShapeError, shown } from "../errors.ts";
import { checkTensor, dtypeOf, type Shape, showShape, sizeOf, type TensorData } from "../tensor-data.ts";

/** What a batch gives a model, or a loss: one tensor, or several by name. Of any shapes, numbers (f32) or i32. */
export type BatchPart = TensorData | Readonly<Record<string, TensorData>>;

/**
 * What one training step reads. T time steps, B rows. For a language model tokens `[T,B]`, i32; for other models whatever
 * their `forward` and their loss take, as one tensor or as a record of them: features, lengths, masks, several targets.
 */
export interface Batch<X extends BatchPart = TensorData, Y extends BatchPart = TensorData> {
  /** Tokens `[T,B]`; or what the model's `forward` takes. */
  readonly x: X;
  /** The token that follows each token of `x`, `[T,B]`; or what the loss takes. */
  readonly target: Y;
  /** Rows whose state starts at zero: true for all of them, or their numbers. Default: none, the state is carried on. */
  readonly resetState?: boolean | readonly number[];
}

/** A batch of one tensor or several, on either side. */
export type AnyBatch = Batch<BatchPart, BatchPart>;

/** Whether several tensors are given by name. What is neither these nor one tensor is refused by `checkBatch`. */
const isRecord = (part: BatchPart | undefined): part is Readonly<Record<string, TensorData>> =>
  part?.constructor === Object && !("shape" in part) && !("data" in part) && Object.keys(part).length > 0;

/** A part with every tensor changed, under the names that the inputs of a plan bear: "x", or "x.lengths". */
export function mapPart<T>(
  name: string,
  part: BatchPart,
  change: (name: string, tensor: TensorData) => T,
): T | Readonly<Record<string, T>> {
  if (!isRecord(part)) return change(name, part);
  return Object.fromEntries(Object.entries(part).map(([key, tensor]) => [key, change(`${name}.${key}`, tensor)]));
}

/** All tensors of a batch, by the names of a plan's inputs. */
export function inputsOf({ x, target }: Pick<AnyBatch, "x" | "target">): Readonly<Record<string, TensorData>> {
  const inputs: Record<string, TensorData> = {};
  for (const [name, part] of Object.entries({ x, target })) {
    mapPart(name, part, (at, tensor) => {
      inputs[at] = tensor;
    });
  }
  return inputs;
}

/** @throws ShapeError or OptionError for what is no batch whatever the model */
export function checkBatch(batch: AnyBatch): void {
  for (const [name, tensor] of Object.entries(inputsOf(batch)) as [string, TensorData | undefined][])
    checkTensor(`batch.${name}`, tensor!, tensor?.shape as Shape, tensor?.data ? dtypeOf(tensor.data) : "i32");
  const { resetState } = batch;
  if (resetState !== undefined && typeof resetState !== "boolean" && !Array.isArray(resetState))
    throw new OptionError(`batch.resetState is ${shown(resetState)}, expected true, false or a list of row numbers`);
}

/**
 * Where the numbers of some rows lie in a state `[L,B,...]`, as offsets of stretches of `size` numbers.
 * @throws ShapeError for a row that the state does not have
 */
export function rowOffsets(
  name: string,
  shape: Shape,
  rows: readonly number[],
): { readonly offsets: readonly number[]; readonly size: number } {
  const [layers, B, ...row] = shape;
  if (layers === undefined || B === undefined)
    throw new ShapeError(`resetState: ${name} has shape ${showShape(shape)}, rows are known of states [L,B,...] only`);
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= B)
      throw new ShapeError(`resetState: row ${row} of ${name} ${showShape(shape)}, expected 0 to ${B - 1}`);
  }
  const size = sizeOf(row);
  const offsets = rows.flatMap((at) => Array.from({ length: layers }, (_, layer) => (layer * B + at) * size));
  return { offsets, size };
}

/** What a plan for this batch depends on: names, element types and shapes. */
export const batchKey = (batch: Pick<AnyBatch, "x" | "target">): string =>
  Object.entries(inputsOf(batch))
    .map(([name, { data, shape }]) => `${name} ${dtypeOf(data)}${showShape(shape)}`)
    .join(" ");
