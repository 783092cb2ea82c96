/** A language model of words: it learns the sentences of a small grammar, writes some, and finishes one in the likeliest ways. */
import {
  adam,
  Embedding,
  GRU,
  type GRUState,
  Linear,
  Module,
  Runtime,
  type Tensor,
  Vocabulary,
  Windows,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { pick, chance } = dice("grammar");
const animals = ["cat", "dog", "fox", "owl"];
const phrase = () => ["the", ...(chance(0.4) ? [pick(["old", "young"])] : []), pick(animals)];
const sentence = () => [...phrase(), pick(["sees", "hears", "follows"]), ...phrase(), "."];
const text = Array.from({ length: 800 }, sentence).flat();
const vocabulary = Vocabulary.fromTexts([text]);

class Writer extends Module {
  embedding = new Embedding({ numEmbeddings: vocabulary.size, embeddingDim: 12 });
  rnn = new GRU({ inputSize: 12, hiddenSize: 32 });
  head = new Linear({ inFeatures: 32, outFeatures: vocabulary.size });
  forward(tokens: Tensor, before?: GRUState) {
    const { output, state } = this.rnn.forward(this.embedding.forward(tokens), before);
    return { logits: this.head.forward(output), state };
  }
}

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const windows = new Windows(vocabulary.encode(text), { window: 20, batch: 10 });
  const runtime = await Runtime.open();
  const model = new Writer();
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
  const { epochs } = await trainer.fit(() => windows.epoch(), { epochs: 8 }); // a window goes on from the state of the one before
  print(`loss ${epochs.at(-1)!.loss.toFixed(3)} nats a word`);

  const prompt = vocabulary.encode(["."]);
  const written: string[] = [];
  for await (const { tokens } of runtime.generate(model, { prompt, length: 24, temperature: 0.8, seed: 1 }))
    written.push(vocabulary.decode(tokens));
  print(written.join(" "));
  const endToken = vocabulary.encode(["."])[0]!;
  const found = await runtime.beamSearch(model, {
    prompt: vocabulary.encode(["the", "old"]),
    length: 8,
    width: 4,
    nBest: 3,
    endToken,
  });
  for (const { tokens, logProbability } of found)
    print(`the old ${vocabulary.decode(tokens)} (${Math.exp(logProbability).toFixed(3)})`);
  runtime.dispose();
  return epochs.at(-1)!.loss;
}
