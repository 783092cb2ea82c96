import { Dropout, Embedding, functional, Module, type RealSteps, type Tensor } from "../index.ts";
import { type ColumnSize, inputOf } from "./columns.ts";
import { type RecurrentLayer, type RecurrentOptionsOfTask, recurrentLayer } from "./recurrent-layer.ts";

/** Inputs of a batch: each column by `inputOf`, i32 `[T,B]` or f32 `[T,B,C]`, and how many steps are real, i32 `[B]`. */
export type StepInputs = Readonly<Record<string, Tensor>> & { readonly lengths: Tensor };

/** Columns as one sequence of vectors: what models of rows with steps begin with. */
export abstract class StepEmbedding extends Module {
  readonly embeddings: Readonly<Record<string, Embedding>>;
  /** C: how many numbers a step is. */
  readonly inputSize: number;
  readonly #columns: readonly ColumnSize[];

  constructor(columns: readonly ColumnSize[], embeddingDim: number) {
    super();
    const sizeOf = ({ tokens, numbers, isPart }: ColumnSize) => {
      if (tokens === undefined) return numbers!;
      // A category has few values, and needs few numbers.
      return Math.min(isPart ? Math.ceil(embeddingDim / 4) : embeddingDim, Math.ceil(tokens / 2));
    };
    const embedded = columns.flatMap((column) => {
      const { name, tokens } = column;
      if (tokens === undefined) return [];
      return [[name, new Embedding({ numEmbeddings: tokens, embeddingDim: sizeOf(column) })] as const];
    });
    this.embeddings = Object.fromEntries(embedded);
    this.inputSize = columns.reduce((sum, column) => sum + sizeOf(column), 0);
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
}

/** Columns as one sequence of vectors, and what a recurrent layer makes of it. */
export class StepEncoder extends StepEmbedding {
  readonly rnn: RecurrentLayer;
  readonly dropout: Dropout;
  /** What comes out of the recurrent layer. */
  readonly outputSize: number;

  constructor(columns: readonly ColumnSize[], embeddingDim: number, options: Required<RecurrentOptionsOfTask>) {
    super(columns, embeddingDim);
    this.rnn = recurrentLayer(this.inputSize, options);
    this.outputSize = options.hiddenSize * (options.bidirectional ? 2 : 1);
    this.dropout = new Dropout({ p: options.dropout });
  }

  /** @param embedded `[T,B,C]` */
  forward(embedded: Tensor, state?: Readonly<Record<string, Tensor>>, real?: RealSteps) {
    const { output, state: after } = this.rnn.forward(this.dropout.forward(embedded), state, real);
    return { output: this.dropout.forward(output), state: after };
  }
}
