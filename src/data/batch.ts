import { OptionError, ShapeError, shown, shownNames } from "../errors.ts";
import { checkTensor, dtypeOf, type Shape, showShape, type TensorData } from "../tensor-data.ts";

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
  /**
   * Given at all, the batch is one of a stream, as those of `Windows` are: its state goes on from the batch before it (false),
   * or starts at zero in all rows (true) or in those that are listed. Not given, the batch stands alone: it starts at zero, and
   * no other goes on from it. `carryState` of a trainer or of `evaluate` overrules that for all batches.
   */
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

/** All tensors of parts, by the names of a plan's inputs. */
export function tensorsOf(parts: Readonly<Record<string, BatchPart>>): Readonly<Record<string, TensorData>> {
  const inputs: Record<string, TensorData> = {};
  for (const [name, part] of Object.entries(parts)) {
    mapPart(name, part, (at, tensor) => {
      inputs[at] = tensor;
    });
  }
  return inputs;
}

/** All tensors of a batch, by the names of a plan's inputs. */
export const inputsOf = ({ x, target }: Pick<AnyBatch, "x" | "target">): Readonly<Record<string, TensorData>> =>
  tensorsOf({ x, target });

/** @throws ShapeError for what is no tensor, whatever its shape */
export function checkTensors(tensors: Readonly<Record<string, TensorData | undefined>>, prefix = ""): void {
  for (const [name, tensor] of Object.entries(tensors))
    checkTensor(prefix + name, tensor!, tensor?.shape as Shape, tensor?.data ? dtypeOf(tensor.data) : "i32");
}

/** @throws ShapeError or OptionError for what is no batch whatever the model */
export function checkBatch(batch: AnyBatch): void {
  if (typeof batch !== "object" || batch === null)
    throw new ShapeError(`a batch is ${shown(batch)}, expected { x, target }`);
  for (const name of ["x", "target"] as const) {
    if (batch[name] === undefined)
      throw new ShapeError(
        `batch.${name} is missing: expected { shape, data }, or several of them by name; a batch is { x, target }, this one has ${shownNames(Object.keys(batch)) || "nothing"}`,
      );
  }
  checkTensors(inputsOf(batch), "batch.");
  const { resetState } = batch;
  if (resetState !== undefined && typeof resetState !== "boolean" && !Array.isArray(resetState))
    throw new OptionError(`batch.resetState is ${shown(resetState)}, expected true, false or a list of row numbers`);
}

/**
 * Whether a batch's state goes on from the batch before it: as `carryState` says, else as the batches do, all of them alike.
 * @param before what the batches before it did; undefined for the first
 * @throws OptionError when the batches disagree
 */
export function carriesState(
  what: string,
  { resetState }: Pick<AnyBatch, "resetState">,
  carryState: boolean | undefined,
  before: boolean | undefined,
): boolean {
  if (carryState !== undefined) return carryState;
  const carries = resetState !== undefined;
  if (before !== undefined && carries !== before)
    throw new OptionError(
      `${what}: this batch ${carries ? "says" : "does not say"} resetState, those before it ${before ? "did" : "did not"}, so it is not clear whether states go on from batch to batch; say carryState: true or false, or resetState in every batch (true in one that stands alone)`,
    );
  return carries;
}

/** What a plan for these inputs depends on: names, element types and shapes. */
export const keyOf = (inputs: Readonly<Record<string, TensorData>>): string =>
  Object.entries(inputs)
    .map(([name, { data, shape }]) => `${name} ${dtypeOf(data)}${showShape(shape)}`)
    .join(" ");

export const batchKey = (batch: Pick<AnyBatch, "x" | "target">): string => keyOf(inputsOf(batch));
