import {
  type Batch,
  CharModel,
  type CharModelOptions,
  prepareText,
  Runtime,
  type RuntimeInfo,
  sgd,
  type Vocabulary,
  WebGpuRnnError,
} from "../node.ts";
import type { BackendChoice } from "../plan/backend.ts";
import type { NumberArray } from "../tensor-data.ts";
import { messageOf } from "./terminal.ts";

/** What a step on WebGPU gave beside the same one on WebAssembly, or why there was none. */
export interface CheckRecord {
  readonly type: "check";
  readonly adapter?: RuntimeInfo["adapter"];
  /** Nats per character. */
  readonly loss?: { readonly gpu: number; readonly wasm: number };
  readonly gradients?: {
    /** How far one of their numbers differs at most. */
    readonly difference: number;
    /** The largest of their numbers. */
    readonly largest: number;
  };
  /** Why nothing was checked. */
  readonly reason?: string;
}

/** T and B of the step: enough to run every kernel, and little work for an adapter that computes on the CPU. */
const SIZE = { window: 8, batch: 4 };

interface Step {
  readonly info: RuntimeInfo;
  readonly loss: number;
  readonly gradients: readonly NumberArray[];
}

/**
 * One training step of a character model on the WebGPU adapter that there is, a software one too, and on WebAssembly, with the
 * same weights and the same batch. What goes wrong is a reason, and no error.
 */
export async function checkStep(
  config: Omit<CharModelOptions, "vocabSize">,
  vocabulary: Vocabulary,
  text: string,
): Promise<CheckRecord> {
  try {
    const model = new CharModel({ ...config, vocabSize: vocabulary.size });
    const { training } = prepareText(text, { ...SIZE, validationFraction: 0, vocabulary });
    const batch = training.from(0).next().value;
    const on = (backend: BackendChoice) => stepOn(backend, model, batch);
    const gpu = await on("gpu");
    const wasm = await on("wasm");
    const { adapter } = gpu.info;
    const gradients = { difference: differenceOf(gpu.gradients, wasm.gradients), largest: largestOf(wasm.gradients) };
    return { type: "check", ...(adapter && { adapter }), loss: { gpu: gpu.loss, wasm: wasm.loss }, gradients };
  } catch (error) {
    if (!(error instanceof WebGpuRnnError)) throw error;
    return { type: "check", reason: messageOf(error).replace(/^no GPU: |; use \{ backend.*$/g, "") };
  }
}

async function stepOn(backend: BackendChoice, model: CharModel, batch: Batch): Promise<Step> {
  const runtime = await Runtime.open({ backend });
  try {
    const before = await runtime.stateDict(model);
    // A step of plain SGD at a rate of 1 subtracts the gradients.
    const { loss } = await runtime.trainer(model, { optimizer: sgd({ lr: 1 }) }).step(batch);
    const after = await runtime.stateDict(model);
    const gradients = Object.entries(before).map(([name, { data }]) => {
      const { data: now } = after[name]!;
      return data.map((value, i) => value - now[i]!);
    });
    return { info: runtime.info(), loss, gradients };
  } finally {
    runtime.dispose();
  }
}

const largest = (numbers: Iterable<number>): number => {
  let most = 0;
  // A difference that is no number must not pass for a small one.
  for (const value of numbers) most = Number.isNaN(most) || Math.abs(value) <= most ? most : Math.abs(value);
  return most;
};

const largestOf = (arrays: readonly NumberArray[]): number => largest(arrays.map((array) => largest(array)));

const differenceOf = (some: readonly NumberArray[], others: readonly NumberArray[]): number =>
  largest(some.map((array, k) => largest(array.map((value, i) => value - others[k]![i]!))));
