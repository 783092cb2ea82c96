/** Dates: "May 3, 2021" to "2021-05-03", by an encoder, a decoder and attention between them: many to many, unaligned. */
import {
  AdditiveAttention,
  adam,
  batches,
  Embedding,
  field,
  functional,
  GRU,
  Linear,
  Module,
  Runtime,
  split,
  type Tensor,
  Vocabulary,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { below } = dice("dates");
function makeRecord() {
  const date = new Date(Date.UTC(1950 + below(100), below(12), 1 + below(28)));
  const source = date.toLocaleDateString(below(2) ? "en-US" : "en-GB", { dateStyle: "long", timeZone: "UTC" });
  return { source, target: date.toISOString().slice(0, 10), before: date.toISOString().slice(0, 9) };
}
const { training, validation } = split(Array.from({ length: 3000 }, makeRecord), 1 / 30);
const characters = (texts: string[]) =>
  Vocabulary.fromTexts(texts, { of: "characters", special: ["padding", "begin"] });
const sources = characters(training.map(({ source }) => source));
const targets = characters(training.map(({ target }) => target));
const source = field.tokens("source", sources, { axis: "source" });
const x = { source, lengths: field.lengths(source), before: field.tokens("before", targets, { begin: true }) };
const fields = { x, target: field.labels("target", targets), batch: 50, padTo: [10, 20] };

class Translator extends Module {
  sourceEmbedding = new Embedding({ numEmbeddings: sources.size, embeddingDim: 24 });
  encoder = new GRU({ inputSize: 24, hiddenSize: 32, bidirectional: true });
  targetEmbedding = new Embedding({ numEmbeddings: targets.size, embeddingDim: 16 });
  decoder = new GRU({ inputSize: 16, hiddenSize: 64 });
  attention = new AdditiveAttention({ querySize: 64, hiddenSize: 32 });
  head = new Linear({ inFeatures: 128, outFeatures: targets.size });
  encode(source: Tensor, lengths: Tensor) {
    return this.encoder.forward(this.sourceEmbedding.forward(source), undefined, { lengths }).output;
  }
  decode(encoded: Tensor, lengths: Tensor, before: Tensor) {
    const { output } = this.decoder.forward(this.targetEmbedding.forward(before));
    return this.head.forward(functional.concat([output, this.attention.forward(output, encoded, { lengths }).context]));
  }
  forward({ source, lengths, before }: { source: Tensor; lengths: Tensor; before: Tensor }) {
    const encoded = this.encode(source, lengths);
    let written = before.slice(0, 1, 0); // from the begin token on, the likeliest character each time
    for (let t = 0; t < 10; t++)
      written = functional.concat(
        [written, this.decode(encoded, lengths, written).select(-1).argmax(-1).unsqueeze(0)],
        0,
      );
    return { logits: this.decode(encoded, lengths, before), written };
  }
}

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const runtime = await Runtime.open();
  const model = new Translator();
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.005 }), clipNorm: 1 });
  const [held] = batches(validation, { ...fields, batch: validation.length });
  let exact = 0;
  await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 3,
    onEpoch: async ({ epoch, loss }) => {
      const { written } = await runtime.predict(model, held!.x);
      const B = validation.length;
      const texts = validation.map((_, b) => targets.decode(written.data.filter((__, i) => i >= B && i % B === b)));
      exact = texts.filter((text, b) => text === validation[b]!.target).length / B;
      print(
        `epoch ${epoch}: loss ${loss.toFixed(3)}, exact ${exact.toFixed(2)}; ${validation[0]!.source} -> ${texts[0]}`,
      );
    },
  });
  runtime.dispose();
  return exact;
}
