/** Beam search against plain searches on the host: step by step, and through all sequences that there are. */
import { describe, expect, test } from "vitest";
import { constantTensor } from "../../src/graph/tensor.ts";
import * as api from "../../src/node.ts";
import { sizeOf } from "../../src/tensor-data.ts";
import { Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import {
  type AnyModel,
  allSequences,
  type Options,
  plainBeamSearch,
  type Sequence,
} from "../support/plain-beam-search.ts";

const { CharModel, Embedding, functional, GRU, Linear, LSTM, MinGRU, Module, SLSTM } = api;
type Tensor = api.Tensor;

const { onEach, runtimes } = await runtimesForTests();
const exact = runtimes.cpu;

const V = 7;

type Layer = api.Module & { forward(x: Tensor, state?: never): { output: Tensor; state: object } };

/** A recurrent layer over embedded tokens. */
class Around extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  readonly head: api.Linear;
  readonly rnn: Layer;
  constructor(rnn: Layer, outputs = 5) {
    super();
    this.rnn = rnn;
    this.head = new Linear({ inFeatures: outputs, outFeatures: V });
  }
  forward(tokens: Tensor, state?: never) {
    const { output, state: next } = this.rnn.forward(this.embedding.forward(tokens), state);
    return { logits: this.head.forward(output), state: next };
  }
}
const sizes = { inputSize: 4, hiddenSize: 5 };

/** Its state is one tensor that no layer made, which keeps h of two layers. */
class Stacked extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 5 });
  readonly layers = [new GRU({ inputSize: 5, hiddenSize: 5 }), new GRU({ inputSize: 5, hiddenSize: 5 })];
  readonly head = new Linear({ inFeatures: 5, outFeatures: V });
  forward(tokens: Tensor, state?: { both: Tensor }) {
    let x = this.embedding.forward(tokens);
    const after = this.layers.map((layer, l) => {
      const { output, state: next } = layer.forward(x, state && { h: functional.slice(state.both, l, 1, 0) });
      x = output;
      return next.h;
    });
    return { logits: this.head.forward(x), state: { both: functional.tanh(functional.concat(after, 0)) } };
  }
}

/** Its state is the last token but one, and a number that never changes. */
class Trigram extends Module {
  readonly before = new Embedding({ numEmbeddings: V, embeddingDim: 5 });
  readonly last = new Embedding({ numEmbeddings: V, embeddingDim: 5 });
  readonly head = new Linear({ inFeatures: 5, outFeatures: V });
  forward(tokens: Tensor, state?: { previous: Tensor; fixed: Tensor }) {
    const zeros = new Array<number>(tokens.size).fill(0);
    const previous = state?.previous ?? constantTensor("zeros", zeros, tokens.shape, "i32");
    const last = this.last.forward(tokens);
    const fixed = state?.fixed ?? constantTensor("fixed", new Array<number>(last.size).fill(0), last.shape);
    const sum = functional.add(this.before.forward(previous), functional.add(last, fixed));
    return { logits: this.head.forward(functional.tanh(sum)), state: { previous: tokens, fixed } };
  }
}

/** Its state counts steps and does not look at the tokens. */
class Clock extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 5 });
  readonly tick = new Linear({ inFeatures: 5, outFeatures: 5 });
  readonly head = new Linear({ inFeatures: 5, outFeatures: V });
  forward(tokens: Tensor, state?: { time: Tensor }) {
    const x = this.embedding.forward(tokens);
    const before = state?.time ?? constantTensor("zeros", new Array<number>(x.size).fill(0), x.shape);
    const time = functional.tanh(this.tick.forward(before));
    return { logits: this.head.forward(functional.add(x, time)), state: { time } };
  }
}

/** Probabilities of the next token by the one before it. No state. */
class Bigram extends Module {
  readonly table: api.Embedding;
  constructor(size: number) {
    super();
    this.table = new Embedding({ numEmbeddings: size, embeddingDim: size });
  }
  forward(tokens: Tensor) {
    return { logits: this.table.forward(tokens) };
  }
}

/** Weights that make a model prefer some sequences clearly. */
async function weigh(model: AnyModel, ...on: api.Runtime[]): Promise<void> {
  const numbers = new Numbers("weights");
  const dict = Object.entries(await exact.stateDict(model)).map(([name, { shape }]) => {
    return [name, { shape, data: numbers.floats(sizeOf(shape), 1.2) }] as const;
  });
  for (const runtime of [exact, ...on]) runtime.loadStateDict(model, Object.fromEntries(dict));
}

function expectSame(got: readonly api.Hypothesis[], expected: readonly Sequence[], digits: number): void {
  expect(got.map(({ tokens }) => [...tokens])).toEqual(expected.map(({ tokens }) => tokens));
  got.forEach(({ logProbability, score }, i) => {
    expect(logProbability).toBeCloseTo(expected[i]!.logProbability, digits);
    expect(score).toBeCloseTo(expected[i]!.score, digits);
  });
}

const expected = new Map<string, Promise<Sequence[]>>();
/** Both backends are compared with the same sequences, which take a while. */
const once = (key: string, compute: () => Promise<Sequence[]>): Promise<Sequence[]> => {
  const known = expected.get(key) ?? compute();
  expected.set(key, known);
  return known;
};

const models: Readonly<Record<string, () => AnyModel>> = {
  "an LSTM of two layers": () =>
    new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 4, hiddenSize: 5, numLayers: 2 }),
  "a GRU": () => new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 6 }),
  "an sLSTM": () => new Around(new SLSTM(sizes)),
  "a minGRU": () => new Around(new MinGRU(sizes)),
  "learned initial states": () => new Around(new LSTM({ ...sizes, hiddenSize: [3, 5], learnedInitialState: true })),
  "a state that joins no layers": () => new Stacked(),
  "a state of tokens": () => new Trigram(),
  "a state without tokens": () => new Clock(),
  "no state": () => new Bigram(V),
};

const stepwise = new Set(["a state that joins no layers", "a state of tokens", "a state without tokens"]);

onEach(({ kind }) => {
  const runtime = runtimes[kind];
  const digits = kind === "cpu" ? 9 : 4;

  const searches: readonly (Options & { readonly chunk: number })[] = [
    { prompt: [3], length: 6, width: 1, chunk: 4 },
    { prompt: [1, 5, 2], length: 5, width: 2, nBest: 2, chunk: 5 },
    { prompt: [0, 6], length: 9, width: 5, nBest: 5, endToken: 2, chunk: 4 },
    { prompt: [4, 4, 4, 1], length: 7, width: 7, nBest: 3, endToken: 5, lengthPenalty: 0, chunk: 32 },
    { prompt: [2, 0], length: 8, width: 3, nBest: 3, endToken: 0, lengthPenalty: 2, chunk: 1 },
    { prompt: [5], length: 8, width: 6, nBest: 6, endToken: 1, lengthPenalty: -0.5, chunk: 3 },
  ];

  describe.each(Object.entries(models))("with %s", (name, make) => {
    test("finds what a plain search finds", async () => {
      const model = make();
      await weigh(model, runtime);
      for (const { chunk, ...options } of searches) {
        const key = `${name} ${JSON.stringify(options)}`;
        const plain = await once(key, () =>
          plainBeamSearch(exact, model, { ...options, stepwise: stepwise.has(name) }),
        );
        expectSame(await runtime.beamSearch(model, { ...options, chunk }), plain, digits);
      }
    });
  });

  test("finds the best of all sequences where it is as wide as what can come before the last token", async () => {
    const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 6 });
    await weigh(model, runtime);
    for (const lengthPenalty of [0, 0.5, 1, 3, -1]) {
      for (const endToken of [undefined, 0, 4]) {
        const options = { prompt: [2, 6], length: 2, width: V, nBest: V, lengthPenalty };
        const given = endToken === undefined ? options : { ...options, endToken };
        const all = await once(JSON.stringify(given), () => allSequences(exact, model, given));
        expectSame(await runtime.beamSearch(model, given), all.slice(0, V), digits);
      }
    }
  });

  describe("by hand", () => {
    const model = new Bigram(4);
    /** Rows: the next token after each one. */
    const become = (...rows: readonly number[][]) =>
      runtime.loadStateDict(model, {
        "table.weight": { shape: [4, 4], data: Float32Array.from(rows.flat().map((p) => Math.log(p))) },
      });
    const search = async (options: Partial<api.BeamSearchOptions>) => {
      const found = await runtime.beamSearch(model, { prompt: [0], length: 2, nBest: options.width ?? 4, ...options });
      return found.map(({ tokens, logProbability }) => [[...tokens], Number(Math.exp(logProbability).toFixed(4))]);
    };
    const uniform = [0.25, 0.25, 0.25, 0.25];

    test("a wider search finds what greedy search passes by", async () => {
      become([0, 0.6, 0.4, 0], [0.5, 0.5, 0, 0], [0, 0, 0.1, 0.9], uniform);
      expect(await search({ width: 1 })).toEqual([[[1, 0], 0.3]]);
      expect(await search({ width: 2, length: 2 })).toEqual([
        [[2, 3], 0.36],
        [[1, 0], 0.3],
      ]);
      // Of equal ones the lower token; 1 and then 2 were the hypotheses.
      expect(await search({ width: 4 })).toEqual([
        [[2, 3], 0.36],
        [[1, 0], 0.3],
        [[1, 1], 0.3],
        [[2, 2], 0.04],
      ]);
    });

    test("equal ones come in the order of hypotheses and of tokens", async () => {
      become(uniform, uniform, uniform, uniform);
      const found = await search({ width: 4, length: 3 });
      expect(found.map(([tokens]) => tokens)).toEqual([
        [0, 0, 0],
        [0, 0, 1],
        [0, 0, 2],
        [0, 0, 3],
      ]);
    });

    test("the end token is the last one of its sequence, which keeps its score", async () => {
      become([0, 0.5, 0.25, 0.25], [0, 0.6, 0, 0.4], uniform, uniform);
      const ends = { width: 4, length: 3, nBest: 3, endToken: 3 };
      // The sum only ever falls: without a penalty the short ones win.
      expect(await search({ ...ends, lengthPenalty: 0 })).toEqual([
        [[3], 0.25],
        [[1, 3], 0.2],
        [[1, 1, 1], 0.18],
      ]);
      expect(await search(ends)).toEqual([
        [[1, 1, 1], 0.18],
        [[1, 1, 3], 0.12],
        [[1, 3], 0.2],
      ]);
      const [best] = await runtime.beamSearch(model, { ...ends, prompt: [0], lengthPenalty: 2 });
      expect(best!.score).toBeCloseTo(Math.log(0.18) / 9, 5);
    });

    test("a search ends with the chunk in which all its hypotheses are finished", async () => {
      become([0, 0, 0, 1], uniform, uniform, uniform);
      expect(await search({ width: 2, length: 2 ** 31 - 1, endToken: 3, chunk: 2 })).toEqual([[[3], 1]]);
    });

    test("what has no probability is not returned, and nothing but that is an error", async () => {
      become([0, 1, 0, 0], [Number.NaN, 0, 1, 0], uniform, uniform);
      expect(await search({ width: 4, length: 2 })).toEqual([[[1, 2], 1]]);
      become([0, 1, 0, 0], [0, Number.NaN, 0, 0], uniform, uniform);
      const error = await errorOf(() => search({ length: 5, chunk: 2 }));
      expect(error).toBeInstanceOf(api.DataError);
      expect(String(error)).toMatch(/no continuation .* above 0; the logits of Bigram are NaN or -Infinity/);
    });
  });

  test.each(Object.entries(models))(
    "of width 1 draws what generate draws at temperature 0, with %s",
    async (_, make) => {
      const model = make();
      await weigh(model, runtime);
      const options = { prompt: [1, 2, 3], length: 20, chunk: 7 };
      const drawn: number[] = [];
      for await (const { tokens } of runtime.generate(model, { ...options, temperature: 0 })) drawn.push(...tokens);
      const [best] = await runtime.beamSearch(model, { ...options, width: 1 });
      expect([...best!.tokens]).toEqual(drawn);
    },
  );

  test("searches that run at once do not disturb each other, nor does one disturb the next", async () => {
    const model = new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 4, hiddenSize: 5 });
    await weigh(model, runtime);
    const all = searches.map((options) => ({ ...options, chunk: 2, width: 5, nBest: 5 }));
    const alone: (readonly api.Hypothesis[])[] = [];
    for (const options of all) alone.push(await runtime.beamSearch(model, options));
    const together = await Promise.all([...all, ...all].map((options) => runtime.beamSearch(model, options)));
    expect(together).toEqual([...alone, ...alone]);
  });

  test("is refused when the weights change before it is done, and begins anew with the others", async () => {
    const model = new Around(new LSTM({ ...sizes, learnedInitialState: true }));
    await weigh(model, runtime);
    const options = { prompt: [1, 2], length: 6, chunk: 2 };
    const before = await runtime.beamSearch(model, options);
    // Long enough that other things get their turn before it is done, however fast the backend is.
    const search = runtime.beamSearch(model, { ...options, length: 5000 });
    runtime.initialize(model, { seed: 3 });
    const change = setTimeout(() => runtime.initialize(model, { seed: 4 }));
    const error = await errorOf(() => search);
    clearTimeout(change);
    expect(error).toBeInstanceOf(api.BusyError);
    expect(String(error)).toMatch(/beamSearch: the weights changed while it ran, .* wait for it before training/);
    await weigh(model, runtime);
    expect(await runtime.beamSearch(model, options)).toEqual(before);
  });

  test("stops at a signal, and the next search is not disturbed by it", async () => {
    const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 5 });
    const options = { prompt: [1], length: 400, chunk: 1 };
    const reason = new Error("enough");
    expect(await errorOf(() => runtime.beamSearch(model, { ...options, signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
    const controller = new AbortController();
    const search = runtime.beamSearch(model, { ...options, length: 20_000, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    expect(await errorOf(() => search)).toBe(reason);
    const short = { ...options, length: 3 };
    expect(await runtime.beamSearch(model, short)).toEqual(await runtime.beamSearch(model, short));
  });
});
