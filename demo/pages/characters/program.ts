/** A character model: it learns to predict the next character of a text, and writes. */
import type { CharModel, CharModelCell, CharText, CharTraining, Runtime, Vocabulary, Windows } from "webgpu-rnn";
import { prepareText, startTraining } from "webgpu-rnn";

export interface Network {
  readonly cell: CharModelCell;
  readonly units: number;
  readonly layers: number;
  readonly embedding: number;
  readonly window: number; // characters between two updates
  readonly batch: number; // rows that the text is cut into
  readonly rate: number;
  readonly clip: number; // of the gradient's norm; 0: no limit
  readonly seed: number;
}

/** Cuts a text, its last tenth being kept apart, and makes a network for its characters. */
export function begin(runtime: Runtime, whole: string, { window, batch, rate, clip, seed, ...network }: Network) {
  const validationFraction = 0.1;
  const text = prepareText(whole, { window, batch, validationFraction });
  const optimizer = { name: "adam", lr: rate } as const;
  const training = startTraining(runtime, {
    config: {
      cell: network.cell,
      hiddenSize: network.units,
      numLayers: network.layers,
      embeddingDim: network.embedding,
    },
    vocabulary: text.vocabulary,
    training: {
      ...{ window, batch, optimizer, seed, validationFraction, text: text.fingerprint },
      ...(clip > 0 && { clipNorm: clip }),
    },
  });
  return { text, training };
}

/** Bits per character on the text that is kept apart, or on its beginning. */
export async function measure(runtime: Runtime, model: CharModel, kept: Windows) {
  const batches = Array.from({ length: Math.min(4, kept.stepsPerEpoch) }, (_, i) => kept.at(i));
  return (await runtime.evaluate(model, batches)).loss / Math.LN2;
}

/** Trains, and measures every 20 steps. */
export async function* train(runtime: Runtime, { model, trainer }: CharTraining, text: CharText, steps: number) {
  for await (const { step, loss, gradNorm } of trainer.fit(text.training.from(trainer.steps), { steps })) {
    const heldOut = step % 20 === 0 && text.validation && (await measure(runtime, model, text.validation));
    yield { step, bits: loss / Math.LN2, gradNorm, ...(heldOut && { heldOut }) };
  }
}

/** Draws characters, each by its probability after those before it, with the states that they were drawn from. */
export async function* write(runtime: Runtime, model: CharModel, vocabulary: Vocabulary, prompt: string, how: object) {
  const options = { length: 256, ...how, prompt: vocabulary.encode(prompt), trace: true };
  for await (const { tokens, trace } of runtime.generate(model, options))
    yield { characters: Array.from(tokens, (token) => vocabulary.symbols[token]!), states: trace! }; // [K, layers, units]
}

/** The hidden state of the last layer after each character of a text: `[T, 1, units]`. */
export async function statesOver(runtime: Runtime, model: CharModel, tokens: Int32Array) {
  const shape = [tokens.length, 1];
  const reading = await runtime.compile(model, {
    inputs: { tokens: { shape, dtype: "i32" } },
    forward: ({ tokens }) => ({ h: model.rnn.forward(model.embedding.forward(tokens)).output }),
  });
  const { h } = await reading.run({ tokens: { shape, data: tokens } });
  reading.dispose();
  return h.data;
}
