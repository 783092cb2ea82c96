import { checkCount, checkOptions, checkSwitch, OptionError, shown } from "../../index.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults } from "../recurrent-layer.ts";
import { fitNames, type LearningOptions, learningNames, picked, type TaskFitOptions } from "../task.ts";
import { type TextUnit, textUnits } from "../text-units.ts";
import type { LanguageSizes } from "./language-network.ts";

export interface LanguageModelOptions extends Omit<RecurrentOptionsOfTask, "bidirectional">, LearningOptions {
  /** What texts are cut into; default "characters". */
  readonly of?: TextUnit;
  /** Of one text, the units that back-propagation goes through at a time; default 64. The texts of a list are gone through whole. */
  readonly window?: number;
  /** Default 64, and `hiddenSize` with `tieWeights`. */
  readonly embeddingDim?: number;
  /** Default 128. */
  readonly hiddenSize?: number;
  /**
   * The weights that score the next unit are those of the embedding (Press and Wolf 2017, "Using the Output Embedding to Improve
   * Language Models"), which needs an `embeddingDim` that equals `hiddenSize`; default false.
   */
  readonly tieWeights?: boolean;
  /** What the texts have less often is unknown; default 1, and 2 for words of texts with at least 10,000 of them. */
  readonly minCount?: number;
  /** The largest vocabulary, special tokens included; default 20,000. */
  readonly maxVocabulary?: number;
}

const sizeNames = ["embeddingDim", "tieWeights", "cell", "hiddenSize", "numLayers", "dropout"] as const;

/** What a model is, besides its vocabulary and weights; a file holds it. */
export interface LanguageSetting extends LanguageSizes {
  readonly of: TextUnit;
  /** It was trained on a list of texts, not on one. */
  readonly sentences: boolean;
  readonly window: number;
  /** Of one text: how many rows it is cut into, whose states go on from batch to batch. */
  readonly rows: number;
}

const DEFAULT_ROWS = 32;

/** @throws OptionError */
export function settingOf(
  who: string,
  options: LanguageModelOptions & TaskFitOptions<string>,
  sentences: boolean,
): LanguageSetting {
  checkOptions(who, options, [
    "of",
    "window",
    "minCount",
    "maxVocabulary",
    ...sizeNames,
    ...learningNames,
    ...fitNames,
  ]);
  if (sentences && options.window !== undefined)
    throw new OptionError(`${who}: window is of one text, and these are a list, whose texts are gone through whole`);
  const { of = "characters", window = 64, batch = DEFAULT_ROWS } = options;
  return checkSetting(who, { of, sentences, window, rows: batch, ...picked(options, sizeNames) });
}

/** Fills in what is left out. @throws OptionError for what is no setting, as a file may hold it */
export function checkSetting(
  who: string,
  setting: Partial<LanguageSetting> & Pick<LanguageSetting, "of" | "sentences" | "window" | "rows">,
): LanguageSetting {
  checkOptions(who, setting, ["of", "sentences", "window", "rows", "bidirectional", ...sizeNames]);
  const { of, sentences, window, rows, embeddingDim, tieWeights = false, bidirectional = false, ...others } = setting;
  if (bidirectional) throw new OptionError(`${who}: bidirectional is ${shown(bidirectional)}, expected false`);
  if (!textUnits.includes(of))
    throw new OptionError(`${who}: of is ${shown(of)}, expected ${textUnits.map(shown).join(", ")}`);
  checkSwitch(who, "sentences", sentences);
  checkCount(who, "window", window);
  checkCount(who, "batch", rows);
  checkSwitch(who, "tieWeights", tieWeights);
  const { hiddenSize = 128, ...recurrent } = others;
  const sizes = recurrentDefaults(who, { ...recurrent, hiddenSize }, { bidirectional: false });
  const width = checkCount(who, "embeddingDim", embeddingDim ?? (tieWeights ? hiddenSize : 64));
  if (tieWeights && width !== hiddenSize)
    throw new OptionError(
      `${who}: tieWeights needs an embeddingDim that equals hiddenSize, and they are ${width} and ${hiddenSize}; leave embeddingDim out`,
    );
  return { ...sizes, of, sentences, window, rows, embeddingDim: width, tieWeights };
}
