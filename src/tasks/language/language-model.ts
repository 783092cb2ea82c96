import {
  type AnyBatch,
  checkOptions,
  crossEntropy,
  DataError,
  OptionError,
  perplexity,
  type Runtime,
  type SavedTraining,
  type Signal,
  shown,
  type TensorData,
  Vocabulary,
} from "../../index.ts";
import { type Numbered, numbered } from "../rows.ts";
import {
  type Divide,
  divided,
  fitNew,
  fromFile,
  type LearningOptions,
  learningNames,
  openTask,
  picked,
  type RowParts,
  Task,
  type TaskBatches,
  type TaskFitOptions,
} from "../task.ts";
import type { TaskFit, Validation } from "../task-fit.ts";
import { TextBuilder, type TextUnit } from "../text-units.ts";
import { type CompleteOptions, type Completions, complete } from "./language-completion.ts";
import { LanguageNetwork, LanguageReader, LanguageStates, LanguageWriter } from "./language-network.ts";
import { checkSetting, type LanguageModelOptions, type LanguageSetting, settingOf } from "./language-options.ts";
import { readText, statesAfter } from "./language-reading.ts";
import {
  dividedStream,
  type EncodedText,
  encodedText,
  inTurn,
  SILENT,
  sentenceBatches,
  specialOf,
  streamBatches,
  unitsBefore,
  unitsOfText,
  vocabularyOf,
} from "./language-texts.ts";

/** What errors and files call it. */
const KIND = "language model";

export interface WriteOptions {
  /** What the text begins with; default nothing. */
  readonly prompt?: string;
  /** Units to write, at most; default 200. */
  readonly length?: number;
  /** Above 1 wilder, below 1 tamer, 0 always takes the likeliest; default 1. */
  readonly temperature?: number;
  /** Draw from the K likeliest units only; default: from all. */
  readonly topK?: number;
  /** Draw from the smallest set of units that reaches this probability; default: from all. */
  readonly topP?: number;
  /** The same seed writes the same text; default 0. */
  readonly seed?: number;
  /** Ends the text when it is aborted. */
  readonly signal?: Signal;
}

/** The probability of a text. */
export interface TextProbability {
  /** The natural logarithm: the sum over its units. */
  readonly logProbability: number;
  /** Each unit given all before it; "<unk>" is one that the model does not know, "</s>" the end of a sentence. */
  readonly units: readonly { readonly unit: string; readonly probability: number }[];
}

/** How well a model foretells texts. */
export interface TextReport {
  /** Units of the texts, and ends of sentences. */
  readonly units: number;
  /** Code points of the texts, and ends of sentences. */
  readonly characters: number;
  /** The share of the texts' units that the model does not know. Each counts with the probability of the unknown token. */
  readonly unknown: number;
  /** Natural logarithm, of all texts together. */
  readonly logProbability: number;
  /** exp of the mean of -ln P over the units. */
  readonly perplexity: number;
  /** -log2 P over the characters. */
  readonly bitsPerCharacter: number;
}

/** States after each unit of a text. */
export interface TextStates {
  readonly units: readonly string[];
  /** By name, `h`, and of an LSTM `c`: `[T,L,H]` for T units and L layers. */
  readonly states: Readonly<Record<string, TensorData>>;
}

/** Tokens that are read together where a text is measured; as few windows as possible, because its rows are one. */
const MEASURED = { rows: 1, window: 256 };
/** Sentences that are measured together. */
const TOGETHER = 32;

/**
 * A language model: the probability of each unit of a text given all before it. It learns from one text, as a stream whose state is
 * carried on, or from a list of sentences, names or lines, each with a begin and an end. What the vocabulary does not have is the
 * unknown token "<unk>".
 */
export class LanguageModel extends Task<string, LanguageNetwork> {
  readonly vocabulary: Vocabulary;
  protected readonly kind = KIND;
  protected readonly metrics = { perplexity: perplexity() };
  readonly #setting: LanguageSetting;
  readonly #writer: LanguageWriter;
  readonly #reader: LanguageReader;
  readonly #states: LanguageStates;

  private constructor(
    runtime: Runtime,
    vocabulary: Vocabulary,
    setting: LanguageSetting,
    from: LearningOptions | SavedTraining,
  ) {
    super(runtime, { model: new LanguageNetwork(vocabulary.size, setting), loss: crossEntropy(), from });
    this.vocabulary = vocabulary;
    this.#setting = setting;
    this.#writer = new LanguageWriter(this.model, SILENT);
    this.#reader = new LanguageReader(this.#writer);
    this.#states = new LanguageStates(this.model);
  }

  /**
   * Trains a language model.
   * @param texts one text, whose last part is kept apart to measure on, or a list of sentences
   * @throws OptionError; DataError naming the row that is no text or has no unit, before training begins
   */
  static fit(
    runtime: Runtime,
    texts: string | readonly string[],
    options: LanguageModelOptions & TaskFitOptions<string> = {},
  ): TaskFit<LanguageModel> {
    const sentences = typeof texts !== "string";
    const make = ({ training }: RowParts<string>) => {
      const setting = settingOf(KIND, options, sentences);
      const limits = picked(options, ["minCount", "maxVocabulary"]);
      const vocabulary = vocabularyOf(training, setting.of, { sentences, ...limits });
      return new LanguageModel(runtime, vocabulary, setting, picked(options, learningNames));
    };
    return fitNew(KIND, listOf(texts), options, make, sentences ? divided : dividedStream);
  }

  /** @throws FileFormatError for what is no file of a language model */
  static async load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<LanguageModel> {
    const saved = await openTask(bytes, KIND);
    return fromFile(KIND, () => {
      const setting = checkSetting("setting", saved.metadata.setting as LanguageSetting);
      const vocabulary = Vocabulary.fromJSON(saved.metadata.vocabulary);
      const [has, needs] = [Object.keys(vocabulary.special), specialOf(setting.sentences)];
      if (has.join() !== needs.join())
        throw new OptionError(`the vocabulary has the special tokens ${shown(has)}, expected ${shown(needs)}`);
      return new LanguageModel(runtime, vocabulary, setting, saved);
    });
  }

  protected description() {
    return { vocabulary: this.vocabulary, setting: this.#setting };
  }

  /** What texts are cut into. */
  get of(): TextUnit {
    return this.#setting.of;
  }

  /** Whether it was trained on a list of sentences, not on one text. */
  get sentences(): boolean {
    return this.#setting.sentences;
  }

  /**
   * Trains on.
   * @param texts one text or a list, as it was trained on before
   */
  override fit(texts: string | readonly string[], options: TaskFitOptions<string> = {}): TaskFit<this> {
    const { sentences, rows } = this.#setting;
    if ((typeof texts === "string") === sentences)
      throw new OptionError(
        `${KIND}: fit: it was trained on ${sentences ? "a list of texts, each with an end; give a list" : "one text; give one string"}`,
      );
    return super.fit(listOf(texts), sentences ? options : { batch: rows, ...options });
  }

  protected override divide(...given: Parameters<Divide<string>>): RowParts<string> {
    return (this.sentences ? divided : dividedStream)(...given);
  }

  #encoded(texts: readonly Numbered<string>[]): EncodedText[] {
    return texts.map((text) => encodedText(unitsOfText(text, this.of), this.vocabulary));
  }

  protected batches(texts: readonly Numbered<string>[], batch: number, seed: number | undefined): TaskBatches {
    const { of, sentences, window, rows } = this.#setting;
    const encoded = this.#encoded(texts);
    if (sentences) return sentenceBatches(encoded, batch, seed);
    if (batch !== rows)
      throw new OptionError(`${KIND}: batch is ${batch}, and the states of ${rows} rows go on; give batch ${rows}`);
    const { length } = encoded[0]!.targets;
    if (seed !== undefined && length < batch)
      throw new DataError(
        `${texts[0]!.at} has ${length} ${of}, and is cut into ${batch} rows (batch); give more text, or a smaller batch`,
      );
    return inTurn(encoded.map((text) => streamBatches(text, { rows, window })));
  }

  protected monitor({ loss }: Validation): number {
    return loss;
  }

  /**
   * How well it foretells texts, each read from its beginning.
   * @throws DataError for a text that is none, or has no unit
   */
  async evaluate(texts: string | readonly string[]): Promise<TextReport> {
    const { sentences, vocabulary } = this;
    const rows = numbered(`${KIND}: evaluate`, listOf(texts), "text");
    const encoded = this.#encoded(rows);
    const data = sentences
      ? sentenceBatches(encoded, TOGETHER, undefined)
      : inTurn(encoded.map((text) => streamBatches(text, MEASURED)));
    const { loss } = await this.runtime.evaluate(this.model, data.epoch(0) as Iterable<AnyBatch>);
    const ends = sentences ? rows.length : 0;
    const units = encoded.reduce((sum, { targets }) => sum + targets.length, 0);
    const characters = rows.reduce((sum, { row }) => sum + [...row].length, ends);
    const isUnknown = (token: number) => token === vocabulary.special.unknown;
    const unknown = encoded.reduce((sum, { targets }) => sum + targets.filter(isUnknown).length, 0);
    return {
      units,
      characters,
      unknown: unknown / (units - ends),
      logProbability: -loss * units,
      perplexity: Math.exp(loss),
      bitsPerCharacter: (loss * units) / Math.LN2 / characters,
    };
  }

  /**
   * exp of the mean of -ln P over all units of the texts, and the ends of sentences: V if all were equally likely, 1 if all were
   * certain. A unit that the model does not know counts with the probability of the unknown token.
   */
  async perplexity(texts: string | readonly string[]): Promise<number> {
    return (await this.evaluate(texts)).perplexity;
  }

  /**
   * -log2 P of the texts over their number of characters (code points), where a sentence's end is one, as a line break is. Models of
   * characters, letters and words compare by it, if the texts have no unknown units.
   */
  async bitsPerCharacter(texts: string | readonly string[]): Promise<number> {
    return (await this.evaluate(texts)).bitsPerCharacter;
  }

  /** The probability of a text, and of each of its units given those before it. @throws DataError for a text without units */
  async probability(text: string): Promise<TextProbability> {
    const [encoded] = this.#encoded([{ row: text, at: "the text" }]);
    const { logProbabilities } = await readText(this.runtime, this.#reader, encoded!);
    return {
      logProbability: logProbabilities.reduce((sum, one) => sum + one, 0),
      units: logProbabilities.map((one, i) => ({
        unit: this.vocabulary.symbols[encoded!.targets[i]!]!,
        probability: Math.exp(one),
      })),
    };
  }

  /** The states of all layers after each unit of a text. @throws DataError for a text without units */
  async states(text: string): Promise<TextStates> {
    const units = unitsOfText({ row: text, at: "the text" }, this.of);
    const tokens = this.#promptOf(units);
    const states = await statesAfter(this.runtime, this.#states, tokens);
    // The first ones are those after the begin token.
    const behind = Object.entries(states).map(([name, { shape, data }]) => {
      const [T, L, H] = shape as [number, number, number];
      return [name, { shape: [T - 1, L, H], data: data.slice(L * H) }] as const;
    });
    return { units, states: Object.fromEntries(behind) };
  }

  /** A text's tokens with the begin token in front. @throws DataError where none of its units is known */
  #promptOf(units: readonly string[]): Int32Array {
    const { begin, unknown } = this.vocabulary.special;
    const tokens = this.vocabulary.encode(units, { begin: true });
    if (units.length > 0 && tokens.every((token) => token === begin || token === unknown))
      throw new DataError(`the model knows none of the ${units.length} ${this.of} of ${shown(units.join(" "))}`);
    return tokens;
  }

  /**
   * Writes a text, piece by piece as it comes, to the end of a sentence or until it has `length` units. Units are drawn on the device.
   * Unknown ones are never drawn. The prompt is not among what is written; where it ends with a syllable that the model goes on
   * with, the text begins with that letter, and `(prompt + text).normalize("NFC")` has the syllable.
   * @throws OptionError, and DataError for a prompt of which the model knows nothing, when the first piece is asked for
   */
  async *generate(options: WriteOptions = {}): AsyncGenerator<string, void, undefined> {
    checkOptions("generate", options, ["prompt", "length", "temperature", "topK", "topP", "seed", "signal"]);
    const { prompt = "", length = 200, ...drawing } = options;
    const { symbols, special } = this.vocabulary;
    const tokens = this.#promptOf(unitsBefore("generate: prompt", prompt, this.of));
    const chunk = Math.max(1, Math.min(length, 32));
    const text = new TextBuilder(this.of, prompt);
    for await (const { tokens: drawn } of this.runtime.generate(this.#writer, {
      ...drawing,
      prompt: tokens,
      length,
      chunk,
    })) {
      const end = special.end === undefined ? -1 : drawn.indexOf(special.end);
      const units = Array.from(end < 0 ? drawn : drawn.subarray(0, end), (token) => symbols[token]!);
      const piece = text.add(units);
      if (piece !== "") yield piece;
      if (end >= 0) break;
    }
    const rest = text.end();
    if (rest !== "") yield rest;
  }

  /**
   * What may follow a text: the likeliest next units, and the likeliest continuations, by beam search. Unknown units are left out; the
   * others have all of the probability.
   * @throws OptionError, and DataError for a text of which the model knows nothing
   */
  complete(prefix: string, options: CompleteOptions = {}): Promise<Completions> {
    const { runtime, vocabulary, of } = this;
    const promptOf = (units: readonly string[]) => this.#promptOf(units);
    return complete({ runtime, reader: this.#reader, vocabulary, of, promptOf }, prefix, options);
  }

  override dispose(): void {
    for (const view of [this.#states, this.#reader, this.#writer]) this.runtime.release(view);
    super.dispose();
  }
}

/** One text is a list of one. */
const listOf = (texts: string | readonly string[]): readonly string[] => (typeof texts === "string" ? [texts] : texts);
