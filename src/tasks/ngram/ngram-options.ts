import {
  type Bytes,
  checkCount,
  checkNumber,
  checkOptions,
  FileFormatError,
  OptionError,
  shown,
  type Vocabulary,
} from "../../index.ts";
import { type TextUnit, textUnits } from "../text-units.ts";

export const ngramSmoothings = ["kneserNey", "addK", "none"] as const;
export type NGramSmoothing = (typeof ngramSmoothings)[number];

export interface NGramOptions {
  /** How many units an n-gram has: each is predicted from the n-1 before it; 1 to 32, default 3. */
  readonly n?: number;
  /** Default "words". */
  readonly of?: TextUnit;
  /** "kneserNey" (default): interpolated Kneser-Ney; "addK": k is added to every count; "none": maximum likelihood. */
  readonly smoothing?: NGramSmoothing;
  /** Of "addK", at least 0; default 1. */
  readonly k?: number;
  /** Of "kneserNey", D of every order, from 0 to 1. Default: n1 / (n1 + 2 n2) of each order. */
  readonly discount?: number;
  /** What the texts have less often than this is the unknown token; default 1. */
  readonly minCount?: number;
  /** The largest V, special tokens included. Default: no limit. */
  readonly maxSize?: number;
  /** In place of one that is made of the texts, so that models compare. Of sentences it needs a begin and an end token. */
  readonly vocabulary?: Vocabulary;
}

export const ngramOptionNames = ["n", "of", "smoothing", "k", "discount", "minCount", "maxSize", "vocabulary"] as const;

/** What a model is made of, besides its counts. */
export interface NGramParts {
  readonly n: number;
  readonly of: TextUnit;
  readonly smoothing: NGramSmoothing;
  readonly k: number;
  readonly discount: number | undefined;
  /** Trained on sentences, not on one stream. */
  readonly sentences: boolean;
  readonly vocabulary: Vocabulary;
}

/** Of an n-gram: each order takes memory in proportion to the text. */
const MOST_UNITS = 32;

/** @throws OptionError for an unknown option, or one that another one leaves no meaning */
export function checkNGramOptions(who: string, options: NGramOptions) {
  checkOptions(who, options, ngramOptionNames);
  const { n = 3, of = "words", smoothing = "kneserNey", k = 1, discount, minCount = 1, maxSize, vocabulary } = options;
  checkCount(who, "n", n, 1, MOST_UNITS);
  if (!textUnits.includes(of))
    throw new OptionError(`${who}: of is ${shown(of)}, expected ${textUnits.map(shown).join(", ")}`);
  if (!ngramSmoothings.includes(smoothing))
    throw new OptionError(
      `${who}: smoothing is ${shown(smoothing)}, expected ${ngramSmoothings.map(shown).join(", ")}`,
    );
  checkNumber(who, "k", k, 0);
  if (discount !== undefined) checkNumber(who, "discount", discount, 0, 1);
  checkCount(who, "minCount", minCount);
  const idle =
    options.k !== undefined && smoothing !== "addK"
      ? 'k is of smoothing "addK"'
      : discount !== undefined && smoothing !== "kneserNey"
        ? 'discount is of smoothing "kneserNey"'
        : vocabulary && (options.minCount !== undefined || maxSize !== undefined)
          ? "minCount and maxSize make a vocabulary, and one is given"
          : undefined;
  if (idle !== undefined) throw new OptionError(`${who}: ${idle}; leave one out`);
  return { n, of, smoothing, k, discount, minCount, maxSize, vocabulary };
}

/** A file of JSON that says which task it is of. */
export interface JsonFile {
  readonly task: string;
  readonly version: number;
}

export const writeJsonFile = (file: JsonFile, content: object): Bytes =>
  new TextEncoder().encode(JSON.stringify({ ...file, ...content }));

/** @throws FileFormatError for what is no JSON, or the file of another task or version */
export function readJsonFile(bytes: Uint8Array | ArrayBuffer, { task, version }: JsonFile): Record<string, unknown> {
  let content: Record<string, unknown> | null;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FileFormatError(`the file is no JSON, expected what save of an ${task} wrote`, { cause });
  }
  if (content?.task !== task)
    throw new FileFormatError(`the file has task ${shown(content?.task)}, expected what save of an ${task} wrote`);
  if (content.version !== version)
    throw new FileFormatError(
      `the file has version ${shown(content.version)}, and this one reads ${version}; use the webgpu-rnn that wrote it`,
    );
  return content;
}
