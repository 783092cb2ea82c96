/** A PyTorch model brought over (sentiment.py): its weights, compared with its own outputs, trained further, and sent back. */
import {
  adam,
  batches,
  Embedding,
  field,
  Linear,
  LSTM,
  Module,
  Runtime,
  readSafetensors,
  type Tensor,
  writeSafetensors,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

class Sentiment extends Module {
  embedding = new Embedding({ numEmbeddings: 50, embeddingDim: 8 });
  lstm = new LSTM({ inputSize: 8, hiddenSize: 12, numLayers: 2, batchFirst: true });
  head = new Linear({ inFeatures: 12, outFeatures: 2 });
  forward({ tokens, lengths }: { tokens: Tensor; lengths: Tensor }) {
    const { state } = this.lstm.forward(this.embedding.forward(tokens), undefined, { lengths });
    return { logits: this.head.forward(state.h.select(-1)) }; // from the last layer
  }
}

/** Sentences of the reader's own: token numbers and a class. */
const { below } = dice("sentiment");
const records = Array.from({ length: 64 }, () => {
  const words = Array.from({ length: 2 + below(5) }, () => below(50));
  return { words, label: Number(words[0]! < 25) };
});

const fetched = async () => (await fetch(new URL("./sentiment.safetensors", import.meta.url))).arrayBuffer();

/** @param file what sentiment.py wrote: in Node `await readFile("sentiment.safetensors")` */
export async function main(print: (line: string) => void = console.log, file?: Uint8Array): Promise<number> {
  const {
    "case.tokens": tokens,
    "case.lengths": lengths,
    "case.logits": logits,
    ...weights
  } = readSafetensors(file ?? (await fetched())).tensors;
  const runtime = await Runtime.open();
  const model = new Sentiment();
  runtime.loadStateDict(model, weights);

  const inputs = { tokens: { shape: [4, 6], dtype: "i32" }, lengths: { shape: [4], dtype: "i32" } } as const;
  const program = await runtime.compile(model, { inputs, forward: (given) => model.forward(given) });
  const ours = await program.run({ tokens: tokens!, lengths: lengths! });
  const worst = Math.max(...ours.logits.data.map((value, i) => Math.abs(value - logits!.data[i]!)));
  print(`largest difference from PyTorch: ${worst.toExponential(1)}`);

  const words = field.tokens("words", 50, { batchFirst: true });
  const data = batches(records, {
    x: { tokens: words, lengths: field.lengths(words) },
    target: field.label("label"),
    batch: 16,
    padTo: [6],
    shuffle: true,
  });
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 5e-3 }) });
  await trainer.fit(data, {
    epochs: 20,
    onEpoch: ({ epoch, loss }) => epoch % 5 === 0 && print(`epoch ${epoch}: loss ${loss.toFixed(3)}`),
  });
  const bytes = writeSafetensors(await runtime.stateDict(model)); // for PyTorch: model.load_state_dict(load_file(path))
  print(`${bytes.length} bytes to be saved`);
  runtime.dispose();
  return worst;
}
