/** One word that means two things: a network that says which one, and its state at that word. */
import {
  adam,
  batches,
  collate,
  Embedding,
  field,
  Linear,
  LSTM,
  Module,
  type Runtime,
  type Tensor,
  Vocabulary,
} from "webgpu-rnn";
import { type AmbiguousWord, ambiguousWords, type Language } from "webgpu-rnn/tasks/data";

interface Fields {
  readonly tokens: Tensor;
  readonly lengths: Tensor;
}

class Reader extends Module {
  readonly embedding: Embedding;
  readonly rnn = new LSTM({ inputSize: 24, hiddenSize: 12, bidirectional: true });
  readonly head: Linear;
  constructor(words: number, meanings: number) {
    super();
    this.embedding = new Embedding({ numEmbeddings: words, embeddingDim: 24 });
    this.head = new Linear({ inFeatures: 24, outFeatures: meanings });
  }
  forward({ tokens, lengths }: Fields) {
    const { output } = this.rnn.forward(this.embedding.forward(tokens), undefined, { lengths });
    return { logits: this.head.forward(output), states: output }; // [T,B,meanings] and [T,B,24], both directions
  }
}

/** Trains on made-up sentences. At each word the class is its meaning; most words have the class "–". */
export async function learnMeanings(
  runtime: Runtime,
  { language, seed }: { readonly language: Language; readonly seed: number },
) {
  const rows = ambiguousWords({ count: 600, language, seed });
  const meanings = ["–", ...new Set(rows.map(({ meaning }) => meaning))].sort();
  const vocabulary = Vocabulary.fromTexts(rows.map(({ words }) => words));
  const classes = ({ words, position, meaning }: AmbiguousWord) =>
    words.map((_, t) => meanings.indexOf(t === position ? meaning : "–"));
  const tokens = field.tokens("words", vocabulary);
  const x = { tokens, lengths: field.lengths(tokens) };
  const reader = new Reader(vocabulary.size, meanings.length);
  const trainer = runtime.trainer(reader, { optimizer: adam({ lr: 0.01 }), clipNorm: 1, seed });
  const data = batches(rows, { x, target: field.labels(classes, meanings.length), batch: 32, shuffle: true, seed });
  await trainer.fit(data, { epochs: 12 });

  return {
    /** The likeliest meaning of a word of a sentence, how likely it is, and the state there. */
    async read(words: readonly string[], position: number) {
      const batch = collate([{ words }], x);
      const { logits, states } = await runtime.predict(reader, batch);
      const at = <V>({ shape, data }: { shape: readonly number[]; data: ArrayLike<V> }) =>
        Array.from({ length: shape.at(-1)! }, (_, i) => data[position * shape.at(-1)! + i]!);
      const scores = at<number>(logits);
      const most = Math.max(...scores);
      const sum = scores.reduce((total, score) => total + Math.exp(score - most), 0);
      return { meaning: meanings[scores.indexOf(most)]!, probability: 1 / sum, state: at<number>(states) };
    },
    dispose: () => runtime.release(reader),
  };
}
