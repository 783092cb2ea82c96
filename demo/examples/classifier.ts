/** Is the speaker content? Sentences of made-up words, of several lengths, one class each: many to one. */
import {
  accuracy,
  adam,
  batches,
  Embedding,
  field,
  functional,
  Linear,
  LSTM,
  Module,
  Runtime,
  split,
  type Tensor,
  Vocabulary,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { pick, chance, below } = dice("sentences");
function makeRecord() {
  const [isGood, isNot] = [chance(0.5), chance(0.4)];
  const filler = Array.from({ length: below(5) }, () => pick(["the", "day", "was", "very"]));
  const adjective = pick(isGood ? ["warm", "bright", "kind"] : ["cold", "grey", "cruel"]);
  return { words: [...filler, ...(isNot ? ["not"] : []), adjective], label: Number(isGood !== isNot) };
}
const { training, validation } = split(Array.from({ length: 1000 }, makeRecord), 0.2);
const vocabulary = Vocabulary.fromTexts(training.map(({ words }) => words));
const tokens = field.tokens("words", vocabulary);
const fields = {
  x: { tokens, lengths: field.lengths(tokens) },
  target: field.label("label", 2),
  batch: 32,
  padTo: [8],
};

class Classifier extends Module {
  embedding = new Embedding({ numEmbeddings: vocabulary.size, embeddingDim: 16 });
  rnn = new LSTM({ inputSize: 16, hiddenSize: 24, bidirectional: true });
  head = new Linear({ inFeatures: 48, outFeatures: 2 });
  forward({ tokens, lengths }: { tokens: Tensor; lengths: Tensor }) {
    const { output } = this.rnn.forward(this.embedding.forward(tokens), undefined, { lengths });
    return { logits: this.head.forward(functional.meanPool(output, { lengths })) };
  }
}

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const runtime = await Runtime.open();
  const trainer = runtime.trainer(new Classifier(), { optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
  const history = await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 10,
    validation: batches(validation, fields),
    metrics: { accuracy: accuracy() },
    patience: 3,
    restoreBest: true,
    onEpoch: ({ epoch, validation: held }) =>
      print(`epoch ${epoch}: loss ${held!.loss.toFixed(3)}, accuracy ${held!.metrics.accuracy.toFixed(3)}`),
  });
  runtime.dispose();
  return history.epochs.at(-1)!.validation!.metrics.accuracy;
}
