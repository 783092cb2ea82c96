import { Embedding, functional, Linear, Module, type Tensor } from "../../index.ts";
import type { ColumnSize } from "../columns.ts";
import { type RecurrentLayer, type RecurrentOptionsOfTask, recurrentLayer } from "../recurrent-layer.ts";
import { StepEncoder, type StepInputs } from "../step-encoder.ts";

export interface AutoencoderSizes extends Required<RecurrentOptionsOfTask> {
  readonly vectorSize: number;
  readonly embeddingDim: number;
}

/** A padding token is never written: to the decoder it is the token before the first one, and the one behind the last. */
export const BOUNDARY = 0;

/**
 * What the model computes is said by what it is given:
 * - a column and `lengths`: `vector [B,E]`
 * - also `before`: what the decoder says of the whole sequence, `logits [T,B,V]` of symbols or `y [T,B,C]` of numbers
 * - also `target`: of each sequence the `error [B]` and, of symbols, how many are the likeliest ones, `right [B]`
 * - `vector` and `before`: of numbers `y`; of symbols the likeliest one of each step, `next [T,B]`, and the decoder's `state` behind
 *   it, which begins with `h`, … of a state, if they are given
 */
export interface AutoencoderInputs extends StepInputs {
  /** Symbols one step late i32 `[T,B]`; for numbers the share of the sequence that is done, f32 `[T,B,1]`. */
  readonly before: Tensor;
  readonly target: Tensor;
  readonly vector: Tensor;
}

/** The decoder: what a step gets is the vector, and the symbol before it or its place in the sequence. */
class SequenceDecoder extends Module {
  readonly embedding: Embedding | undefined;
  readonly start: Linear;
  readonly rnn: RecurrentLayer;
  readonly head: Linear;
  readonly #sizes: AutoencoderSizes;

  /** @param embeddingDim as the encoder's */
  constructor({ tokens, numbers }: ColumnSize, embeddingDim: number, sizes: AutoencoderSizes) {
    super();
    const { vectorSize, hiddenSize, numLayers } = sizes;
    if (tokens) this.embedding = new Embedding({ numEmbeddings: tokens, embeddingDim });
    this.start = new Linear({ inFeatures: vectorSize, outFeatures: numLayers * hiddenSize });
    const inputSize = vectorSize + (tokens ? embeddingDim : 1);
    this.rnn = recurrentLayer(inputSize, { ...sizes, bidirectional: false });
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: tokens ?? numbers! });
    this.#sizes = sizes;
  }

  /** @param state as this gives it back; without one it begins with h of the vector, and zeros for what else a cell keeps */
  forward(vector: Tensor, before: Tensor, state: Readonly<Record<string, Tensor>>) {
    const [T, B] = before.shape as [number, number];
    const { vectorSize, numLayers, hiddenSize } = this.#sizes;
    const own = this.embedding?.forward(before) ?? before;
    const steps = functional.concat([vector.unsqueeze(0).expand([T, B, vectorSize]), own]);
    const from = () => {
      const h = this.start.forward(vector).tanh().reshape([B, numLayers, hiddenSize]).transpose(0, 1);
      // The layer itself knows which states it has.
      const others = Object.entries(this.rnn.forward(steps).state).map(([name, { shape }]) => {
        const zeros = new Array<number>(shape.reduce((product, n) => product * n, 1)).fill(0);
        return [name, functional.constant(zeros, { shape })] as const;
      });
      return { ...Object.fromEntries(others), h };
    };
    const { output, state: after } = this.rnn.forward(steps, "h" in state ? state : from());
    return { scores: this.head.forward(output), state: after };
  }
}

export class AutoencoderModel extends Module {
  readonly encoder: StepEncoder;
  readonly bottleneck: Linear;
  readonly decoder: SequenceDecoder;
  readonly #column: ColumnSize;
  readonly #sizes: AutoencoderSizes;

  constructor(column: ColumnSize, sizes: AutoencoderSizes) {
    super();
    this.encoder = new StepEncoder([column], sizes.embeddingDim, sizes);
    this.bottleneck = new Linear({ inFeatures: this.encoder.outputSize, outFeatures: sizes.vectorSize });
    this.decoder = new SequenceDecoder(column, this.encoder.inputSize, sizes);
    this.#column = column;
    this.#sizes = sizes;
  }

  forward({ before, target, vector: given, ...x }: AutoencoderInputs): Readonly<Record<string, unknown>> {
    const vector = given ?? this.#encode(x as StepInputs);
    if (!before) return { vector };
    const { scores, state } = this.decoder.forward(vector, before, x);
    if (given && this.#column.tokens) return { next: scores.argmax(-1), state };
    if (target) return this.#column.tokens ? symbolErrors(scores, target) : numberErrors(scores, target, x.lengths!);
    return this.#column.tokens ? { logits: scores } : { y: scores };
  }

  #encode(x: StepInputs): Tensor {
    const { state } = this.encoder.forward(this.encoder.embed(x), undefined, { lengths: x.lengths });
    const h = state.h!;
    const last = h.select(-1, 0);
    // The last states of both directions: the backward one has read the whole sequence at its first step.
    return this.bottleneck.forward(this.#sizes.bidirectional ? functional.concat([h.select(-2, 0), last]) : last);
  }
}

/** Nats for each symbol, the end among them. @param target i32 `[T,B]`, below 0 where there is none */
function symbolErrors(logits: Tensor, target: Tensor) {
  const isReal = target.ge(0);
  const own = logits.logSoftmax().gather(target.maximum(0).unsqueeze(-1)).squeeze(-1); // [T,B]
  return {
    error: functional.where(isReal, own.neg(), 0).sum(0).div(isReal.toFloat().sum(0)),
    // No class is below 0.
    right: logits.argmax(-1).eq(target).toFloat().sum(0),
  };
}

/** Mean squared error of each sequence. @param target f32 `[T,B,C]` */
function numberErrors(y: Tensor, target: Tensor, lengths: Tensor) {
  const C = target.shape[2]!;
  const squares = y.sub(target).pow(2).sum(-1); // [T,B]
  const isReal = realSteps(lengths, target.shape[0]!);
  return { error: functional.where(isReal, squares, 0).sum(0).div(lengths.toFloat().mul(C)) };
}

/** Which of T steps are real, i32 `[T,B]`. */
export function realSteps(lengths: Tensor, T: number): Tensor {
  const steps = functional.constant(Array.from({ length: T }, (_, t) => t)).reshape([T, 1]);
  return steps.lt(lengths.toFloat().reshape([1, lengths.shape[0]!]));
}
