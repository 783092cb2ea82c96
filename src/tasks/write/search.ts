import {
  checkCount,
  checkNumber,
  DataError,
  OptionError,
  RandomStream,
  type Runtime,
  type StateDict,
  type TensorData,
  type Vocabulary,
} from "../../index.ts";
import type { Decoder } from "./decoder.ts";
import { CHUNK, NEVER, SearchChunk } from "./search-chunk.ts";

/** How the likeliest text is looked for. */
export interface SearchOptions {
  /** Hypotheses that are kept at each step; default 1: greedy search. */
  readonly beam?: number;
  /** Units of a text, at most; default twice as many as the longest text of the training has. */
  readonly length?: number;
  /** Texts to give back, at most `beam`; default 1. */
  readonly nBest?: number;
  /** Above 0 favours long texts, from -5 to 5: texts are ranked by log P / units^lengthPenalty, the end counted; default 1. */
  readonly lengthPenalty?: number;
}

export const searchNames = ["beam", "length", "nBest", "lengthPenalty"] as const;

/** How texts are drawn. */
export interface SampleOptions {
  /** Texts to draw. */
  readonly samples: number;
  /** Below 1 likely units are drawn more often, above 1 less often; default 1. */
  readonly temperature?: number;
  /** The same seed draws the same texts; default 0. */
  readonly seed?: number;
  /** Units of a text, at most; default twice as many as the longest text of the training has. */
  readonly length?: number;
}

export const sampleNames = ["samples", "temperature", "seed", "length"] as const;

/** What a search is to do, checked. */
export interface SearchSettings {
  /** Hypotheses of each sequence. */
  readonly width: number;
  readonly nBest: number;
  readonly length: number;
  readonly lengthPenalty: number;
  /** Where texts are drawn. */
  readonly temperature: number;
  readonly seed?: number;
}

/** @param length the default @throws OptionError */
export function searchSettings(who: string, options: SearchOptions, longest: number): SearchSettings {
  const { beam = 1, length = longest, nBest = 1, lengthPenalty = 1 } = options;
  checkCount(who, "beam", beam);
  checkCount(who, "length", length);
  checkCount(who, "nBest", nBest);
  checkNumber(who, "lengthPenalty", lengthPenalty, -5, 5);
  if (nBest > beam)
    throw new OptionError(
      `${who}: nBest is ${nBest}, only ${beam} hypotheses are kept; choose a beam of at least ${nBest}`,
    );
  return { width: beam, nBest, length, lengthPenalty, temperature: 1 };
}

/** @param length the default @throws OptionError */
export function sampleSettings(who: string, options: SampleOptions, longest: number): SearchSettings {
  const { samples, temperature = 1, seed = 0, length = longest } = options;
  checkCount(who, "samples", samples);
  checkNumber(who, "temperature", temperature, 0.01, 100);
  checkCount(who, "seed", seed, 0, 2 ** 32 - 1);
  checkCount(who, "length", length);
  return { width: samples, nBest: samples, length, lengthPenalty: 0, temperature, seed };
}

/** A sequence that was found. */
export interface Found {
  /** With the end token, where it ended. */
  readonly tokens: readonly number[];
  readonly logProbability: number;
  /** For each token the weights of attention `[S]`, where there is attention. */
  readonly weights?: readonly Float32Array[];
}

/** What calls of a chunk gave. */
type Chunk = Readonly<Record<"written" | "parents", TensorData>> & { readonly weights?: TensorData };

/** Looks for texts in a decoder: chunks of steps on the device, until all hypotheses have ended. */
export class Search {
  readonly #runtime: Runtime;
  readonly #chunk: SearchChunk;
  readonly #begin: number;

  constructor(runtime: Runtime, decoder: Decoder, { special }: Vocabulary) {
    const { padding, unknown, begin, end } = special;
    this.#runtime = runtime;
    this.#chunk = new SearchChunk(decoder, { end: end!, forbidden: [padding!, unknown!, begin!] });
    this.#begin = begin!;
  }

  /**
   * @param encoded what the encoder gave for B sequences, with `lengths` where there are any
   * @returns for each sequence what was found, best first; texts that are drawn in their order
   * @throws DataError where weights are NaN, so that nothing has a probability
   */
  async run(encoded: StateDict, B: number, settings: SearchSettings): Promise<Found[][]> {
    const { width: W, length, lengthPenalty, temperature, seed } = settings;
    const isDrawn = seed !== undefined;
    const random = isDrawn ? new RandomStream(seed, "samples") : undefined;
    const { given, state } = divided(encoded);
    let next: StateDict = {
      token: { shape: [W, B], data: new Int32Array(W * B).fill(this.#begin) },
      // A beam search begins with one hypothesis.
      total: { shape: [W, B], data: Float32Array.from({ length: W * B }, (_, i) => (isDrawn || i < B ? 0 : NEVER)) },
      length: { shape: [W, B], data: new Float32Array(W * B) },
      isEnded: { shape: [W, B], data: new Int32Array(W * B) },
      ...Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, repeated(tensor, W)])),
    };
    const fixed = {
      ...given,
      settings: { shape: [3], data: Float32Array.of(length, lengthPenalty, temperature) },
    };
    const chunks: Chunk[] = [];
    for (let steps = 0; steps < length; steps += CHUNK) {
      const uniform = random && { uniform: { shape: [CHUNK, W, B], data: drawn(random, CHUNK * W, B) } };
      const { written, parents, weights, ...after } = (await this.#runtime.predict(this.#chunk, {
        ...next,
        ...fixed,
        ...uniform,
      })) as StateDict;
      chunks.push({ written: written!, parents: parents!, ...(weights && { weights }) });
      next = after;
      const lengths = after.length!.data;
      if (after.isEnded!.data.every((isEnded, i) => isEnded !== 0 || lengths[i]! >= length)) break;
    }
    return Array.from({ length: B }, (_, b) => this.#foundIn(chunks, next, b, settings));
  }

  #foundIn(chunks: readonly Chunk[], end: StateDict, b: number, { nBest, lengthPenalty, seed }: SearchSettings) {
    const [W, B] = end.total!.shape as [number, number];
    const all = Array.from({ length: W }, (_, w) => {
      const [total, length] = [end.total!.data[w * B + b]!, end.length!.data[w * B + b]!];
      return { w, total, length, score: total / Math.max(1, length) ** lengthPenalty };
    }).filter(({ total }) => total > NEVER / 2);
    if (all.length === 0)
      throw new DataError(
        "no text has a probability above 0: the model's weights are not finite numbers; train it anew, with a smaller learning rate or a clipNorm",
      );
    if (seed === undefined) all.sort((one, other) => other.score - one.score);
    return all
      .slice(0, nBest)
      .map(({ w, total, length }) => ({ ...followed(chunks, w, b, length), logProbability: total }));
  }

  /** Frees what the search has on the device, but not the decoder. */
  dispose(): void {
    this.#runtime.release(this.#chunk);
  }
}

/** Follows a hypothesis back from its place after the last step. */
function followed(chunks: readonly Chunk[], place: number, b: number, length: number): Omit<Found, "logProbability"> {
  const [, W, B] = chunks[0]!.written.shape as [number, number, number];
  const tokens: number[] = [];
  const weights: Float32Array[] = [];
  for (let step = chunks.length * CHUNK - 1, w = place; step >= 0; step--) {
    const chunk = chunks[Math.floor(step / CHUNK)]!;
    const row = (step % CHUNK) * W;
    const at = (row + w) * B + b;
    w = chunk.parents.data[at]!;
    if (step >= length) continue;
    tokens[step] = chunk.written.data[at]!;
    if (!chunk.weights) continue;
    const S = chunk.weights.shape[3]!;
    const from = ((row + w) * B + b) * S;
    weights[step] = (chunk.weights.data as Float32Array).slice(from, from + S);
  }
  return { tokens, ...(chunks[0]!.weights && { weights }) };
}

/** Random numbers, the same ones for each sequence: so what is drawn for one does not depend on the others. */
function drawn(random: RandomStream, count: number, B: number): Float32Array {
  const numbers = Array.from({ length: count }, () => random.next());
  return Float32Array.from({ length: count * B }, (_, i) => numbers[Math.floor(i / B)]!);
}

/** What does not change from step to step, and what does. */
function divided(encoded: StateDict): { given: StateDict; state: StateDict } {
  const entries = Object.entries(encoded);
  const isState = ([name]: readonly [string, unknown]) => name.startsWith("state.");
  return {
    given: Object.fromEntries(entries.filter((entry) => !isState(entry))),
    state: Object.fromEntries(entries.filter(isState)),
  };
}

/** States `[L,B,H]` of B sequences as those of W hypotheses of each, `[L,W*B,H]`. */
function repeated({ shape, data }: TensorData, W: number): TensorData {
  const [L, B, H] = shape as [number, number, number];
  const copy = new Float32Array(L * W * B * H);
  for (let l = 0; l < L; l++)
    for (let w = 0; w < W; w++)
      copy.set((data as Float32Array).subarray(l * B * H, (l + 1) * B * H), (l * W + w) * B * H);
  return { shape: [L, W * B, H], data: copy };
}
