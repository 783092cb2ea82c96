/** What the page of checkpoint-store.test.ts can do; the test calls it by name. */
import {
  adam,
  checkpointStore,
  Dropout,
  Embedding,
  GRU,
  Linear,
  loadTraining,
  Module,
  makeTraining,
  Runtime,
  readTraining,
  saveTraining,
  type Tensor,
} from "../../src/index.ts";

import { keepTable, keptTable } from "../../src/tuning/table-store.ts";

type Kind = Parameters<typeof checkpointStore>[0];

class Model extends Module {
  readonly embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 4 });
  readonly dropout = new Dropout({ p: 0.3 });
  readonly rnn = new GRU({ inputSize: 4, hiddenSize: 6 });
  readonly head = new Linear({ inFeatures: 6, outFeatures: 5 });
  forward(x: Tensor, state?: { readonly h: Tensor }) {
    const { output, state: next } = this.rnn.forward(this.dropout.forward(this.embedding.forward(x)), state);
    return { logits: this.head.forward(output), state: next };
  }
}

/** Trains a model from the start, or from what is stored under a name, and saves it under one; gives the losses. */
async function train(kind: Kind, steps: number, from?: string, to?: string): Promise<number[]> {
  const runtime = await Runtime.open({ backend: "cpu" });
  const { lr } = adam({ lr: 0.05 });
  const spec = { optimizer: { name: "adam", lr }, seed: 4, carryState: true } as const;
  const bytes = from === undefined ? undefined : await checkpointStore(kind).load(from);
  const training = bytes
    ? loadTraining(runtime, new Model(), readTraining(bytes))
    : makeTraining(runtime, new Model(), spec);
  const tokens = (shift: number) => ({
    shape: [6, 2],
    data: Int32Array.from({ length: 12 }, (_, i) => (i * i + shift) % 5),
  });
  const losses: number[] = [];
  const batches = Array.from({ length: steps }, () => ({ x: tokens(0), target: tokens(1) }));
  for await (const { loss } of training.trainer.fit(batches)) losses.push(loss);
  if (to !== undefined) await checkpointStore(kind).save(to, await saveTraining(training, { by: "page" }));
  runtime.dispose();
  return losses;
}

const save = (kind: Kind, name: string, length: number, value: number) =>
  checkpointStore(kind).save(name, new Uint8Array(length).fill(value));

/** How many bytes there are, and which values. */
async function stored(kind: Kind, name: string): Promise<{ length: number; values: number[] } | undefined> {
  const bytes = await checkpointStore(kind).load(name);
  return bytes && { length: bytes.length, values: [...new Set(bytes)] };
}

/** What an error says. */
const refusal = (work: () => Promise<unknown>) =>
  work().then(
    () => "none",
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );

Object.assign(globalThis, { checkpointStore, train, save, stored, refusal, keepTable, keptTable });
