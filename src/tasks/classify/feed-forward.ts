import {
  checkCount,
  checkNumber,
  Dropout,
  functional,
  Linear,
  Module,
  type Runtime,
  type SavedTraining,
  type Tensor,
} from "../../index.ts";
import type { ColumnSize, TaskRow } from "../columns.ts";
import { StepEmbedding, type StepInputs } from "../step-encoder.ts";
import type { LearningOptions, TaskFitOptions } from "../task.ts";
import type { TaskFit } from "../task-fit.ts";
import {
  type ClassifierKind,
  type ClassifierOptions,
  type ClassifierParts,
  type ClassifierSetting,
  fitClassifier,
  loadClassifier,
} from "./classifier.ts";
import { byRow } from "./labels.ts";
import { RowClassifier } from "./row-classifier.ts";

export interface FeedForwardOptions extends ClassifierOptions {
  /** The column with the class: a string, a number, true or false; default "label". */
  readonly label?: string;
  /** Steps that the network sees: so many at a row's end; default 8. */
  readonly window?: number;
  /** Units of the hidden layer; default 64. */
  readonly hiddenSize?: number;
  /** Of what goes into the hidden layer, and of what comes out; default 0.2. */
  readonly dropout?: number;
}

/** What errors and files call it. */
const KIND = "feed-forward network";
const OWN = ["window", "hiddenSize", "dropout"] as const;

interface Setting extends ClassifierSetting, Required<Pick<FeedForwardOptions, (typeof OWN)[number]>> {}

/** The last steps of sequences, one after the other, as one vector. */
class WindowEncoder extends StepEmbedding {
  readonly #window: number;

  constructor(columns: readonly ColumnSize[], embeddingDim: number, window: number) {
    super(columns, embeddingDim);
    this.#window = window;
  }

  /** @param embedded `[T,B,C]` @returns `[B,window*C]`, zeros in front of sequences that are shorter */
  forward(embedded: Tensor, lengths: Tensor): Tensor {
    const n = this.#window;
    const [B, C] = [embedded.shape[1]!, embedded.shape[2]!];
    const back = functional.constant(
      Array.from({ length: n }, (_, i) => n - i),
      { shape: [n, 1, 1], dtype: "i32" },
    );
    const steps = lengths.reshape([1, B, 1]).sub(back); // [window,B,1]
    const taken = embedded.gather(steps.clamp({ min: 0 }), 0);
    return functional
      .where(steps.ge(0), taken, 0)
      .transpose(0, 1)
      .reshape([B, n * C]);
  }
}

class FeedForwardModel extends Module {
  readonly encoder: WindowEncoder;
  readonly hidden: Linear;
  readonly head: Linear;
  readonly dropout: Dropout;

  constructor(columns: readonly ColumnSize[], { embeddingDim, window, hiddenSize, dropout, labels }: Setting) {
    super();
    this.encoder = new WindowEncoder(columns, embeddingDim, window);
    this.hidden = new Linear({ inFeatures: window * this.encoder.inputSize, outFeatures: hiddenSize });
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: labels.length });
    this.dropout = new Dropout({ p: dropout });
  }

  forward(x: StepInputs) {
    return { logits: this.classify(this.encoder.embed(x), x.lengths) };
  }

  /** Scores `[B,V]` of embedded steps `[T,B,C]`. */
  classify(embedded: Tensor, lengths: Tensor): Tensor {
    const seen = this.encoder.forward(embedded, lengths);
    return this.head.forward(this.dropout.forward(this.hidden.forward(this.dropout.forward(seen)).tanh()));
  }
}

/**
 * A class for each row by a network without memory: it sees the last steps of the row at once, and nothing of what was before them
 * (Bengio et al. 2003, without the connections past the hidden layer). Rows, columns and metrics are those of SequenceClassifier.
 */
export class FeedForward extends RowClassifier<FeedForwardModel, Setting> {
  protected readonly kind = KIND;

  static readonly #kind: ClassifierKind<FeedForward, Setting, FeedForwardOptions> = {
    name: KIND,
    by: byRow,
    own: OWN,
    ownSetting,
    make: (...made) => new FeedForward(...made),
  };

  private constructor(runtime: Runtime, parts: ClassifierParts<Setting>, from: LearningOptions | SavedTraining) {
    super(runtime, parts, new FeedForwardModel(parts.columns.sizes, parts.setting), from);
  }

  /**
   * Trains a classifier of rows.
   * @param rows plain objects with the same columns
   * @throws OptionError; DataError naming the row, before training begins: a missing column, an empty text, NaN, a class of one row
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: FeedForwardOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<FeedForward> {
    return fitClassifier(FeedForward.#kind, runtime, rows, options);
  }

  /** @throws FileFormatError for what is no file of a feed-forward network */
  static load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<FeedForward> {
    return loadClassifier(FeedForward.#kind, runtime, bytes);
  }
}

/** The options of this task alone. @throws OptionError */
function ownSetting(who: string, { window = 8, hiddenSize = 64, dropout = 0.2 }: FeedForwardOptions) {
  checkCount(who, "window", window);
  checkCount(who, "hiddenSize", hiddenSize);
  checkNumber(who, "dropout", dropout, 0, 0.95);
  return { window, hiddenSize, dropout };
}
