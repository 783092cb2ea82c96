/** A task's file to look into. */
import type { Runtime } from "webgpu-rnn";
import { SequenceTagger } from "webgpu-rnn/tasks";
import { readingFrames } from "webgpu-rnn/tasks/data";
import type { Making } from "./examples.ts";

/** Learns where reading frames are, and saves everything that the task is. */
export async function* makeTask(runtime: Runtime, seed: number): Making {
  const fit = SequenceTagger.fit(runtime, readingFrames({ count: 600, length: 30, seed }), {
    ...{ label: "labels", columns: { sequence: "characters" }, cell: "gru", embeddingDim: 8, hiddenSize: 16 },
    ...{ epochs: 5, batch: 16, optimizer: { name: "adam", lr: 0.02 }, seed },
  });
  for await (const { step, steps, loss } of fit) yield { step, steps, values: { loss } };
  const tagger = await fit;
  try {
    return { name: "frames.safetensors", bytes: await tagger.save() };
  } finally {
    tagger.dispose();
  }
}
