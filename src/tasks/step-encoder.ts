import { Dropout, Embedding, functional, Module, type RealSteps, type Tensor } from "../index.ts";
import { type ColumnSize, inputOf } from "./columns.ts";
import { type RecurrentLayer, type RecurrentOptionsOfTask, recurrentLayer } from "./recurrent-layer.ts";

/** Inputs of a batch: each column by `inputOf`, i32 `[T,B]` or f32 `[T,B,C]`, and how many steps are real, i32 `[B]`. */
export type StepInputs = Readonly<Record<string, Tensor>> & { readonly lengths: Tensor };

/** Columns as one sequence of vectors, and what a recurrent layer makes of it: what models of rows with steps begin with. */
export class StepEncoder extends Module {
  readonly embeddings: Readonly<Record<string, Embedding>>;
  readonly rnn: RecurrentLayer;
  readonly dropout: Dropout;
  /** C: what goes into the recurrent layer at each step. */
  readonly inputSize: number;
  /** What comes out of it. */
  readonly outputSize: number;
  readonly #columns: readonly ColumnSize[];

  constructor(columns: readonly ColumnSize[], embeddingDim: number, options: Required<RecurrentOptionsOfTask>) {
    super();
    // A category has few values, and needs few numbers.
    const widthOf = (tokens: number) => Math.min(embeddingDim, Math.ceil(tokens / 2));
    const embedded = columns.flatMap(({ name, tokens }) =>
      tokens === undefined
        ? []
        : [[name, new Embedding({ numEmbeddings: tokens, embeddingDim: widthOf(tokens) })] as const],
    );
    this.embeddings = Object.fromEntries(embedded);
    this.inputSize = columns.reduce((sum, { tokens, numbers }) => sum + (tokens ? widthOf(tokens) : numbers!), 0);
    this.rnn = recurrentLayer(this.inputSize, options);
    this.outputSize = options.hiddenSize * (options.bidirectional ? 2 : 1);
    this.dropout = new Dropout({ p: options.dropout });
    this.#columns = columns;
  }

  /** Columns side by side, `[T,B,C]`. */
  embed(x: StepInputs): Tensor {
    const parts = this.#columns.map(({ name }) => {
      const input = x[inputOf(name)]!;
      return this.embeddings[name]?.forward(input) ?? input;
    });
    return parts.length === 1 ? parts[0]! : functional.concat(parts);
  }

  /** @param embedded `[T,B,C]` */
  forward(embedded: Tensor, state?: Readonly<Record<string, Tensor>>, real?: RealSteps) {
    const { output, state: after } = this.rnn.forward(this.dropout.forward(embedded), state, real);
    return { output: this.dropout.forward(output), state: after };
  }
}
