/** Dates: "May 3, 2021" to "2021-05-03", by an encoder, a decoder and attention between them: many to many, unaligned. */
import {
  AdditiveAttention,
  accuracy,
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

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const { below } = dice("dates");
function makeRecord() {
  const [year, month, day] = [1950 + below(100), below(12), 1 + below(28)];
  const two = (n: number) => String(n).padStart(2, "0");
  const source = below(2) ? `${months[month]} ${day}, ${year}` : `${day} ${months[month]} ${year}`;
  return { source, target: `${year}-${two(month + 1)}-${two(day)}` };
}
const { training, validation } = split(Array.from({ length: 3000 }, makeRecord), 1 / 30);
const sources = Vocabulary.fromTexts(
  training.map(({ source }) => source),
  { of: "characters" },
);
const special = ["padding", "begin"] as const;
const targets = Vocabulary.fromTexts(
  training.map(({ target }) => target),
  { of: "characters", special },
);
const T = 10;

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
  forward({ source, lengths, before }: Record<"source" | "lengths" | "before", Tensor>) {
    const encoded = this.encode(source, lengths);
    const { output } = this.decoder.forward(this.targetEmbedding.forward(before));
    const { context } = this.attention.forward(output, encoded, { lengths });
    return { logits: this.head.forward(functional.concat([output, context])) };
  }
  /** Step by step, each from the likeliest character of the one before: the loop stays on the device. */
  translate({ source, lengths }: Record<"source" | "lengths", Tensor>) {
    const encoded = this.encode(source, lengths);
    let before = functional.constant(new Array(lengths.size).fill(targets.special.begin), {
      shape: [1, lengths.size],
      dtype: "i32",
    });
    let state: { h: Tensor } | undefined;
    const said: Tensor[] = [];
    for (let t = 0; t < T; t++) {
      const step = this.decoder.forward(this.targetEmbedding.forward(before), state);
      const { context } = this.attention.forward(step.output, encoded, { lengths });
      before = this.head.forward(functional.concat([step.output, context])).argmax(-1);
      said.push(before);
      state = step.state;
    }
    return { tokens: functional.concat(said, 0) }; // i32 [T,B]
  }
}

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const source = field.tokens("source", sources, { axis: "source" });
  const before = ({ target }: ReturnType<typeof makeRecord>) => target.slice(0, -1);
  const fields = {
    x: { source, lengths: field.lengths(source), before: field.tokens(before, targets, { begin: true }) },
    target: field.labels("target", targets),
    batch: 50,
    padTo: [T, 20],
  };
  const runtime = await Runtime.open();
  const model = new Translator();
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.005 }), clipNorm: 1 });
  const held = [...batches(validation, fields)];
  await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 3,
    validation: held,
    metrics: { accuracy: accuracy() },
    onEpoch: ({ epoch, validation: now }) => print(`epoch ${epoch}: characters ${now!.metrics.accuracy.toFixed(3)}`),
  });
  const { x } = held[0]!;
  const inputs = {
    source: { shape: x.source.shape, dtype: "i32" },
    lengths: { shape: x.lengths.shape, dtype: "i32" },
  } as const;
  const program = await runtime.compile(model, { inputs, forward: (given) => model.translate(given) });
  const { tokens } = await program.run({ source: x.source, lengths: x.lengths });
  const B = x.lengths.data.length;
  const texts = Array.from({ length: B }, (_, b) => targets.decode(tokens.data.filter((__, i) => i % B === b)));
  print(`${validation[0]!.source} -> ${texts[0]}`);
  runtime.dispose();
  return texts.filter((text, b) => text === validation[b]!.target).length / B;
}
