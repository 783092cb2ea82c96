/** Files of tasks, opened by the task itself. */
import { type Module, Runtime, readTraining, type TensorData } from "webgpu-rnn";
import {
  Captioner,
  FeedForward,
  Forecaster,
  kindOfFile,
  LanguageModel,
  SequenceAutoencoder,
  SequenceClassifier,
  SequenceTagger,
  Translator,
} from "webgpu-rnn/tasks";
import { MadeUp, type ReadOptions } from "../file.ts";
import type { OwnModel } from "../program.ts";

/** Those that read rows step by step, whose inputs are known from their columns. */
const readsRows = { "sequence classifier": SequenceClassifier, "sequence tagger": SequenceTagger } as const;
const others = {
  "feed-forward network": FeedForward,
  "language model": LanguageModel,
  "sequence autoencoder": SequenceAutoencoder,
  captioner: Captioner,
  forecaster: Forecaster,
  translator: Translator,
} as const;

/**
 * The task of a file, opened once to see that it is whole; nothing for the file of another training.
 * @throws FileFormatError as the task does
 */
export async function readTaskFile(
  bytes: Uint8Array<ArrayBuffer>,
  { name, seed, steps }: ReadOptions,
): Promise<{ readonly kind: string; readonly model?: OwnModel } | undefined> {
  if (!("task" in readTraining(bytes, name).metadata)) return undefined;
  const kind = kindOfFile(bytes, name);
  const runtime = await Runtime.open({ backend: "cpu" });
  try {
    const Rows = readsRows[kind as keyof typeof readsRows];
    if (!Rows) {
      await others[kind as keyof typeof others]?.load(runtime, bytes);
      return { kind };
    }
    const { columns } = await Rows.load(runtime, bytes);
    const madeUp = new MadeUp(seed);
    const inputs: Record<string, TensorData> = { lengths: { shape: [1], data: Int32Array.of(steps) } };
    for (const { name: column, tokens, numbers } of columns.sizes)
      inputs[`column ${column}`] =
        tokens === undefined ? madeUp.numbers(steps, 1, numbers!) : madeUp.tokens(tokens, steps, 1);
    const open = async (on: Runtime): Promise<Module> => (await Rows.load(on, bytes)).model;
    return { kind, model: { inputs, open } };
  } finally {
    runtime.dispose();
  }
}
