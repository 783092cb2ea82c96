import {
  type Bytes,
  checkCount,
  checkNumber,
  checkOptions,
  checkSwitch,
  FileFormatError,
  RandomStream,
  Vocabulary,
} from "../../index.ts";
import { type TextUnit, textOf } from "../text-units.ts";
import { NGramCounts } from "./ngram-counts.ts";
import {
  checkNGramOptions,
  type NGramOptions,
  type NGramParts,
  type NGramSmoothing,
  readJsonFile,
  writeJsonFile,
} from "./ngram-options.ts";
import { addK, kneserNey, type Smoothing } from "./ngram-smoothing.ts";
import {
  cutContext,
  cutText,
  cutTexts,
  type NGramText,
  specialOf,
  streamOf,
  tokensOf,
  vocabularyOf,
} from "./ngram-text.ts";

/** A probability, and the counts behind it. */
export interface NGramProbability {
  /** The unit asked for; `<unk>` for one that the vocabulary does not have. */
  readonly unit: string;
  /** The part of the context that was looked at, at most n-1 units. */
  readonly context: readonly string[];
  /** P(unit given context). */
  readonly probability: number;
  /** How often the training texts have the context with the unit behind it. */
  readonly count: number;
  /** How often they have the context with anything behind it; 0 for one that was never seen. */
  readonly contextCount: number;
  /** How many different units they have behind it. */
  readonly continuations: number;
}

/** How much of texts the n-grams of one order do not know. */
export interface NGramSparsity {
  /** The order: contexts of n-1 units. */
  readonly n: number;
  /** How many units of the texts were looked at: those that have n-1 units or begin tokens before them. */
  readonly count: number;
  /** The share of them whose context was never seen in training; 0 to 1. */
  readonly unseenContexts: number;
  /** The share of them that were never seen in training behind their context; 0 to 1. */
  readonly unseenNGrams: number;
}

export interface NGramGenerateOptions {
  /** What the text begins with; default nothing. */
  readonly prompt?: NGramText;
  /** How many units to draw at most; default 100. */
  readonly length?: number;
  /** Above 1 wilder, below 1 tamer, 0 always takes the likeliest; default 1. */
  readonly temperature?: number;
  /** The same seed draws the same text; default 0. */
  readonly seed?: number;
}

const FILE = { task: "n-gram model", version: 1 } as const;

/**
 * The statistical language model: how often each unit came after the n-1 units before it. Of sentences each begins with n-1 begin
 * tokens, `<s>`, and ends with `</s>`, which is predicted as any unit is. What the vocabulary does not have is the unknown token
 * `<unk>`, one of the V outcomes: it has a probability as every other one, and counts where `minCount` left units out.
 */
export class NGramModel {
  readonly n: number;
  readonly of: TextUnit;
  readonly smoothing: NGramSmoothing;
  /** Whether it was trained on sentences, not on one stream. */
  readonly sentences: boolean;
  readonly vocabulary: Vocabulary;
  readonly #parts: NGramParts;
  readonly #counts: NGramCounts;
  readonly #smoothed: Smoothing;

  private constructor(parts: NGramParts, counts: NGramCounts) {
    const { n, of, smoothing, sentences, vocabulary, k, discount } = parts;
    this.n = n;
    this.of = of;
    this.smoothing = smoothing;
    this.sentences = sentences;
    this.vocabulary = vocabulary;
    this.#parts = parts;
    this.#counts = counts;
    const { padding, begin, end } = vocabulary.special;
    const excluded = [padding, begin, sentences ? undefined : end].filter((token) => token !== undefined);
    const outcomes = { size: vocabulary.size, excluded };
    this.#smoothed =
      smoothing === "kneserNey"
        ? kneserNey(counts, outcomes, discount)
        : addK(counts, outcomes, smoothing === "none" ? 0 : k);
  }

  /**
   * Counts texts.
   * @param texts sentences, or one text as a stream without begin and end
   * @throws OptionError; DataError for no texts, and naming the row that is no text or has no unit
   */
  static fit(texts: string | readonly NGramText[], options: NGramOptions = {}): NGramModel {
    const who = "NGramModel.fit";
    const { minCount, maxSize, vocabulary: given, ...checked } = checkNGramOptions(who, options);
    const sentences = typeof texts !== "string";
    const rows = cutTexts(who, texts, checked.of);
    const vocabulary = given ?? vocabularyOf(rows, { minCount, maxSize, sentences });
    const { begin, end } = specialOf(who, vocabulary, sentences);
    const tokens = rows.map((units) => tokensOf(who, vocabulary, units));
    const stream = streamOf(tokens, checked.n, vocabulary, sentences);
    const counts = NGramCounts.of(stream, { n: checked.n, size: vocabulary.size, begin, end });
    return new NGramModel({ ...checked, sentences, vocabulary }, counts);
  }

  /** D of each order from 1 to n; none but with Kneser-Ney smoothing. */
  get discounts(): readonly number[] {
    return this.#smoothed.discounts;
  }

  /** How many different n-grams of 1 to n units were seen. */
  get ngrams(): readonly number[] {
    return this.#counts.followers.map(({ types }) => types.reduce((sum, count) => sum + count, 0));
  }

  /**
   * P(unit given context), with the counts that it comes from.
   * @param unit as texts are cut; `</s>` for the end of a sentence
   * @param context what stands before it, a text or units, of which the last n-1 count. A shorter one is taken as it is, an empty one
   *   asks for P(unit); units that begin with `<s>` are the beginning of a sentence
   */
  probability(unit: string, context: NGramText): NGramProbability {
    const who = "NGramModel.probability";
    const [token] = tokensOf(who, this.vocabulary, cutContext(who, "the unit", [unit], this.of));
    const before = this.#contextOf(who, context);
    const { node, contextCount, continuations } = this.#look(before);
    const { symbols } = this.vocabulary;
    return {
      unit: symbols[token!]!,
      context: Array.from(before, (each) => symbols[each]!),
      probability: this.#smoothed.probability(token!, before),
      count: this.#count(before.length, node, token!),
      contextCount,
      continuations,
    };
  }

  /**
   * The likeliest next units, the likeliest first.
   * @param context as in {@link probability}
   * @param options `k`: how many, default 5
   */
  next(context: NGramText, options: { readonly k?: number } = {}) {
    const who = "NGramModel.next";
    checkOptions(who, options, ["k"]);
    const k = checkCount(who, "k", options.k ?? 5);
    const before = this.#contextOf(who, context);
    const all = this.#smoothed.distribution(before);
    const { node } = this.#look(before);
    const order = Array.from(all.keys()).sort((a, b) => all[b]! - all[a]! || a - b);
    return order.slice(0, k).flatMap((token) => {
      const probability = all[token]!;
      const count = this.#count(before.length, node, token);
      return probability > 0 ? [{ unit: this.vocabulary.symbols[token]!, probability, count }] : [];
    });
  }

  /** The natural logarithm of a text's probability, of a sentence with its end; -Infinity where an n-gram has none. */
  logProbability(text: NGramText): number {
    return this.#measure("NGramModel.logProbability", [text]).logProbability;
  }

  /**
   * exp of the mean of -log P over all units of the texts, and the ends of sentences: what a neural model's mean cross-entropy comes to
   * with the same units and vocabulary. V is what guessing has.
   */
  perplexity(texts: string | readonly NGramText[]): number {
    const { logProbability, units } = this.#measure("NGramModel.perplexity", texts);
    return Math.exp(-logProbability / units);
  }

  /** -log2 P of the texts over their number of characters (code points), where a sentence's end is one, as a line break is. */
  bitsPerCharacter(texts: string | readonly NGramText[]): number {
    const { logProbability, characters } = this.#measure("NGramModel.bitsPerCharacter", texts);
    return -logProbability / Math.LN2 / characters;
  }

  /** How much of these texts was never seen in training, for each order from 1 to n. */
  sparsity(texts: string | readonly NGramText[]): NGramSparsity[] {
    const who = "NGramModel.sparsity";
    const rows = cutTexts(who, texts, this.of).map((units) => this.#padded(who, units));
    return Array.from({ length: this.n }, (_, length) => {
      let [count, contexts, ngrams] = [0, 0, 0];
      for (const { tokens, from } of rows) {
        for (let i = Math.max(from, length); i < tokens.length; i++) {
          const { node, contextCount } = this.#look(tokens.subarray(i - length, i));
          count++;
          if (contextCount === 0) contexts++;
          if (this.#count(length, node, tokens[i]!) === 0) ngrams++;
        }
      }
      const share = (part: number) => (count === 0 ? 0 : part / count);
      return { n: length + 1, count, unseenContexts: share(contexts), unseenNGrams: share(ngrams) };
    });
  }

  /**
   * Writes a text, unit by unit, until the end of a sentence is drawn. Unknown units are never drawn.
   * @returns the text with its prompt; shorter where nothing but unknown units has a probability
   */
  generate(options: NGramGenerateOptions = {}): string {
    const who = "NGramModel.generate";
    checkOptions(who, options, ["prompt", "length", "temperature", "seed"]);
    const prompt = cutContext(who, "the prompt", options.prompt ?? [], this.of);
    const length = checkCount(who, "length", options.length ?? 100);
    const temperature = checkNumber(who, "temperature", options.temperature ?? 1, 0);
    const random = new RandomStream(options.seed ?? 0, "generate");
    const units = prompt.length === 0 ? [] : [...cutText(who, "the prompt", prompt, this.of)];
    const { tokens } = this.#padded(who, units, false);
    const history = [...tokens];
    const { unknown, end } = this.vocabulary.special;
    for (let i = 0; i < length; i++) {
      const all = this.#smoothed.distribution(history.slice(Math.max(0, history.length - this.n + 1)));
      if (unknown !== undefined) all[unknown] = 0;
      const token = draw(all, temperature, random.next());
      if (token === undefined || (this.sentences && token === end)) break;
      history.push(token);
      units.push(this.vocabulary.symbols[token]!);
    }
    return textOf(units, this.of);
  }

  /** The model as the bytes of a file: JSON, UTF-8. */
  save(): Bytes {
    return writeJsonFile(FILE, this.toJSON());
  }

  /** The inverse of `save`: the same probabilities. @throws FileFormatError for any other file */
  static load(bytes: Uint8Array | ArrayBuffer): NGramModel {
    return NGramModel.fromJSON(readJsonFile(bytes, FILE));
  }

  /** The model as plain data; JSON.stringify calls this. */
  toJSON(): Record<string, unknown> {
    const { n, of, smoothing, k, discount, sentences, vocabulary } = this.#parts;
    return {
      ...{ n, of, smoothing, k, discount, sentences },
      vocabulary: vocabulary.toJSON(),
      orders: this.#counts.toJSON(),
    };
  }

  /** The inverse of `toJSON`. @throws FileFormatError when it is not such data */
  static fromJSON(json: unknown): NGramModel {
    try {
      const { n, of, smoothing, k, discount, sentences, vocabulary, orders } = (json ?? {}) as Record<string, unknown>;
      const given = Vocabulary.fromJSON(vocabulary);
      const options = { n, of, smoothing, discount, vocabulary: given, ...(smoothing === "addK" && { k }) };
      const { minCount, maxSize, ...parts } = checkNGramOptions("its options", options as NGramOptions);
      checkSwitch("its options", "sentences", sentences);
      const { begin } = specialOf("its options", given, sentences as boolean);
      const counts = NGramCounts.fromJSON(orders, { n: parts.n, size: given.size, begin });
      return new NGramModel({ ...parts, sentences: sentences as boolean, vocabulary: given }, counts);
    } catch (cause) {
      throw new FileFormatError(`the file of an n-gram model is damaged: ${(cause as Error).message}`, { cause });
    }
  }

  /** A text's tokens with begin tokens in front, and from where on they are predicted. */
  #padded(who: string, units: readonly string[], withEnd = true): { tokens: Int32Array; from: number } {
    const tokens = streamOf([tokensOf(who, this.vocabulary, units)], this.n, this.vocabulary, this.sentences);
    const length = this.sentences && !withEnd ? tokens.length - 1 : tokens.length;
    return { tokens: tokens.subarray(0, length), from: this.sentences ? this.n - 1 : 0 };
  }

  /** The last n-1 tokens of a context. */
  #contextOf(who: string, context: NGramText): Int32Array {
    const tokens = tokensOf(who, this.vocabulary, cutContext(who, "the context", context, this.of));
    // Before a sentence there is nothing but begin tokens.
    const { begin } = this.vocabulary.special;
    const all = tokens.length > 0 && tokens[0] === begin ? [...new Array(this.n).fill(begin), ...tokens] : tokens;
    return Int32Array.from(all.slice(Math.max(0, all.length - this.n + 1)));
  }

  /** What was counted after a context. */
  #look(context: Int32Array): { node: number; contextCount: number; continuations: number } {
    const node = this.#counts.node(context);
    if (node < 0) return { node, contextCount: 0, continuations: 0 };
    const { total, types } = this.#counts.followers[context.length]!;
    return { node, contextCount: total[node]!, continuations: types[node]! };
  }

  /** How often a token was counted after the context that is `node` of `length` tokens. */
  #count(length: number, node: number, token: number): number {
    const child = node < 0 ? -1 : this.#counts.child(length, node, token);
    return child < 0 ? 0 : this.#counts.orders[length]!.counts[child]!;
  }

  #measure(who: string, texts: string | readonly NGramText[]) {
    let [logProbability, units, characters] = [0, 0, 0];
    for (const [row, cut] of cutTexts(who, texts, this.of).entries()) {
      const { tokens, from } = this.#padded(who, cut);
      for (let i = from; i < tokens.length; i++) {
        const context = tokens.subarray(Math.max(0, i - this.n + 1), i);
        logProbability += Math.log(this.#smoothed.probability(tokens[i]!, context));
      }
      units += tokens.length - from;
      const text = typeof texts === "string" ? texts : texts[row]!;
      const length = [...(typeof text === "string" ? text : textOf(text, this.of))].length;
      characters += length + (this.sentences ? 1 : 0);
    }
    return { logProbability, units, characters };
  }
}

/** A token by its weight, p^(1/temperature); undefined where all weights are 0. @param u in [0, 1) */
function draw(probabilities: Float64Array, temperature: number, u: number): number | undefined {
  const most = probabilities.reduce((a, b) => Math.max(a, b), 0);
  if (most === 0) return undefined;
  if (temperature === 0) return probabilities.indexOf(most);
  const weights = temperature === 1 ? probabilities : probabilities.map((p) => (p / most) ** (1 / temperature));
  let left = u * weights.reduce((sum, weight) => sum + weight, 0);
  let last: number | undefined;
  for (let token = 0; token < weights.length; token++) {
    if (weights[token]! === 0) continue;
    last = token;
    left -= weights[token]!;
    if (left < 0) break;
  }
  return last;
}
