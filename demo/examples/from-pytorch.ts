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

const { below } = dice("sentiment");
const records = Array.from({ length: 64 }, () => ({ words: Array.from({ length: 2 + below(5) }, () => below(50)) }));
const tokens = field.tokens("words", 50, { batchFirst: true });
const x = { tokens, lengths: field.lengths(tokens) };
const target = field.label(({ words }: { words: number[] }) => Number(words[0]! < 25), 2);
const fetched = async () => (await fetch(new URL("./sentiment.safetensors", import.meta.url))).arrayBuffer();

/** @param file what sentiment.py wrote: in Node `await readFile("sentiment.safetensors")` */
export async function main(print: (line: string) => void = console.log, file?: Uint8Array): Promise<number> {
  const { expected, ...tensors } = readSafetensors(file ?? (await fetched())).tensors;
  const { tokens, lengths, ...weights } = tensors;
  const runtime = await Runtime.open();
  const model = new Sentiment();
  runtime.loadStateDict(model, weights);
  const { logits } = await runtime.predict(model, { tokens: tokens!, lengths: lengths! });
  const worst = Math.max(...logits.data.map((value, i) => Math.abs(value - expected!.data[i]!)));
  print(`largest difference from PyTorch: ${worst.toExponential(1)}`);

  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 5e-3 }) });
  const data = batches(records, { x, target, batch: 16, padTo: [6], shuffle: true });
  const { epochs } = await trainer.fit(data, { epochs: 20 });
  const bytes = writeSafetensors(await runtime.stateDict(model)); // for PyTorch: model.load_state_dict(load_file(path))
  print(`trained further: loss ${epochs.at(-1)!.loss.toFixed(3)}; ${bytes.length} bytes to be saved`);
  runtime.dispose();
  return worst;
}
