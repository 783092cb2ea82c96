import { checkCount, checkOptions, type Runtime, type Signal, type Vocabulary } from "../../index.ts";
import { TextBuilder, type TextUnit, textOf, unitsOf } from "../text-units.ts";
import type { LanguageReader } from "./language-network.ts";
import { readText } from "./language-reading.ts";
import { unitsBefore } from "./language-texts.ts";

export interface CompleteOptions {
  /** How many next units, and how many continuations; default 5. */
  readonly k?: number;
  /** Units of a continuation, at most; 0 searches for none. Default 5 words, or 20 characters or letters. */
  readonly length?: number;
  readonly signal?: Signal;
}

/** What may follow a text. */
export interface Completions {
  /**
   * The likeliest next units, the likeliest first; "</s>" is the end of a sentence. Where a text of words ends within one, these are
   * those that begin with what is typed, with their probabilities among all words.
   */
  readonly next: readonly { readonly unit: string; readonly probability: number }[];
  /** Texts that go on from it, and it in front of them, the best first: by the mean of the log probabilities of their units. */
  readonly continuations: readonly { readonly text: string; readonly logProbability: number }[];
}

/** What completing asks of a model. */
export interface Completing {
  readonly runtime: Runtime;
  readonly reader: LanguageReader;
  readonly vocabulary: Vocabulary;
  readonly of: TextUnit;
  /** The tokens of a text's units, with the begin token. @throws DataError where none of them is known */
  promptOf(units: readonly string[]): Int32Array;
}

/** Hypotheses of the search, at least. */
const WIDTH = 8;

/** @throws OptionError, DataError */
export async function complete(model: Completing, prefix: string, options: CompleteOptions): Promise<Completions> {
  const { runtime, reader, vocabulary, of } = model;
  const { symbols, size } = vocabulary;
  checkOptions("complete", options, ["k", "length", "signal"]);
  const { k = 5, length = of === "words" ? 5 : 20, signal } = options;
  checkCount("complete", "k", k);
  checkCount("complete", "length", length, 0);
  const { before, typed } = typedPart(prefix, of);
  const prompt = model.promptOf(before);
  const { next } = await readText(runtime, reader, { inputs: prompt, targets: new Int32Array(prompt.length) });
  const likeliest = likeliestOf(symbols, next, typed).slice(0, k);
  const search = async (from: Int32Array, most: number, nBest: number) => {
    const found = await runtime.beamSearch(reader.writer, {
      ...{ prompt: from, length: most, nBest, width: Math.min(size, Math.max(k, WIDTH)), chunk: Math.min(most, 32) },
      ...(vocabulary.special.end !== undefined && { endToken: vocabulary.special.end }),
      ...(signal && { signal }),
    });
    // Where there are fewer than it looks for, the search goes on with what is never written.
    const possible = found.filter(({ logProbability }) => logProbability > UNWRITTEN);
    return possible.map(({ tokens, logProbability }) => ({ tokens: [...tokens], logProbability }));
  };
  const found: { tokens: readonly number[]; logProbability: number }[] = [];
  if (typed === "" && length > 0) found.push(...(await search(prompt, length, Math.min(k, size))));
  else if (length > 0)
    for (const token of likeliest) {
      const rest = length > 1 ? await search(Int32Array.of(...prompt, token), length - 1, 1) : [];
      const [{ tokens, logProbability } = { tokens: [], logProbability: 0 }] = rest;
      found.push({ tokens: [token, ...tokens], logProbability: next[token]! + logProbability });
    }
  const score = ({ tokens, logProbability }: (typeof found)[number]) => logProbability / tokens.length;
  const start = prefix.slice(0, prefix.length - typed.length);
  return {
    next: likeliest.map((token) => ({ unit: symbols[token]!, probability: Math.exp(next[token]!) })),
    continuations: found
      .sort((a, b) => score(b) - score(a))
      .map(({ tokens, logProbability }) => {
        const written = tokens.filter((token) => token !== vocabulary.special.end).map((token) => symbols[token]!);
        return { text: joined(start, before, written, of), logProbability };
      }),
  };
}

/** Tokens that may be written, and begin with what is typed, the likeliest first. */
function likeliestOf(symbols: readonly string[], logProbabilities: readonly number[], typed: string): number[] {
  // Letters of a syllable that is not whole yet are those that it will have.
  const letters = typed.normalize("NFKD");
  const fits = (token: number) =>
    logProbabilities[token]! > UNWRITTEN && (typed === "" || symbols[token]!.normalize("NFKD").startsWith(letters));
  const all = [...symbols.keys()].filter(fits);
  return all.sort((a, b) => logProbabilities[b]! - logProbabilities[a]!);
}

/** Below it is what has no probability. */
const UNWRITTEN = -1e8;

/** Where a text ends within a word, that, and the units before it. */
function typedPart(prefix: string, of: TextUnit): { readonly before: readonly string[]; readonly typed: string } {
  const all = unitsBefore("complete: the text", prefix, of);
  if (of !== "words") return { before: all, typed: "" };
  // The first consonant of a syllable that is being typed is a word by itself for Intl.Segmenter.
  const letter = /[\u3131-\u3163]$/u.exec(prefix)?.[0] ?? "";
  const rest = prefix.slice(0, prefix.length - letter.length);
  const units = unitsOf(rest, of);
  const isWithin = /[\p{L}\p{M}\p{N}]$/u.test(rest);
  return { before: isWithin ? units.slice(0, -1) : units, typed: (isWithin ? units.at(-1)! : "") + letter };
}

/** A text with units behind it. */
function joined(text: string, units: readonly string[], written: readonly string[], of: TextUnit): string {
  return of === "words" ? text + new TextBuilder(of, text).add(written) : textOf([...units, ...written], of);
}
