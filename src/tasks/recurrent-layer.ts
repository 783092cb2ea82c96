import {
  checkCount,
  checkNumber,
  GRU,
  IndRNN,
  LSTM,
  MGU,
  MinGRU,
  MinLSTM,
  type Module,
  OptionError,
  type RealSteps,
  RNN,
  SLSTM,
  SRU,
  shown,
  type Tensor,
} from "../index.ts";

/** A recurrent layer as tasks use it: `[T,B,C]` to `[T,B,D*H]`. */
export type RecurrentLayer = Module & {
  forward(
    x: Tensor,
    state?: Readonly<Record<string, Tensor>>,
    real?: RealSteps,
  ): { readonly output: Tensor; readonly state: Readonly<Record<string, Tensor>> };
};

interface Sizes {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
}

/** Layers that run in one direction, and do not know of another. */
const oneWay = ({ bidirectional: _, ...sizes }: Sizes) => sizes;

const makers: Readonly<Record<string, (sizes: Sizes) => object>> = {
  lstm: (sizes) => new LSTM(sizes),
  gru: (sizes) => new GRU(sizes),
  rnn: (sizes) => new RNN(sizes),
  rnn_relu: (sizes) => new RNN({ ...sizes, nonlinearity: "relu" }),
  indrnn: (sizes) => new IndRNN(sizes),
  mgu: (sizes) => new MGU(sizes),
  sru: (sizes) => new SRU(sizes),
  slstm: (sizes) => new SLSTM(sizes),
  mingru: (sizes) => new MinGRU(oneWay(sizes)),
  minlstm: (sizes) => new MinLSTM(oneWay(sizes)),
};

const oneWayCells: readonly string[] = ["mingru", "minlstm"];

/** Cells that a task can have, by name. */
export const taskCells = Object.keys(makers);

/** The recurrent part of a task's model. */
export interface RecurrentOptionsOfTask {
  /** One of {@link taskCells}; default "lstm". */
  readonly cell?: string;
  /** Units of a layer and direction; default 64. */
  readonly hiddenSize?: number;
  /** Default 1. */
  readonly numLayers?: number;
  /** Default as the task says; false of mingru and minlstm, which run in one direction. */
  readonly bidirectional?: boolean;
  /** Of what goes into the recurrent layers, between them, and of what comes out; default 0.2. */
  readonly dropout?: number;
}

export const recurrentNames = ["cell", "hiddenSize", "numLayers", "bidirectional", "dropout"] as const;

/** The options with their defaults. @throws OptionError */
export function recurrentDefaults(
  who: string,
  options: RecurrentOptionsOfTask,
  { bidirectional: both }: { readonly bidirectional: boolean },
): Required<RecurrentOptionsOfTask> {
  const { cell = "lstm", hiddenSize = 64, numLayers = 1, dropout = 0.2 } = options;
  if (!Object.hasOwn(makers, cell))
    throw new OptionError(`${who}: cell is ${shown(cell)}, expected one of ${taskCells.join(", ")}`);
  const isOneWay = oneWayCells.includes(cell);
  const { bidirectional = both && !isOneWay } = options;
  if (bidirectional && isOneWay)
    throw new OptionError(`${who}: cell ${cell} runs in one direction; leave bidirectional out, or take another cell`);
  checkCount(who, "hiddenSize", hiddenSize);
  checkCount(who, "numLayers", numLayers);
  checkNumber(who, "dropout", dropout, 0, 0.95);
  return { cell, hiddenSize, numLayers, bidirectional, dropout };
}

/** @param options with their defaults */
export function recurrentLayer(inputSize: number, options: Required<RecurrentOptionsOfTask>): RecurrentLayer {
  const { cell, hiddenSize, numLayers, bidirectional, dropout } = options;
  const sizes = { inputSize, hiddenSize, numLayers, bidirectional, dropout: numLayers > 1 ? dropout : 0 };
  return makers[cell]!(sizes) as RecurrentLayer;
}
