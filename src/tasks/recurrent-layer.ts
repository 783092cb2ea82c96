import {
  checkCount,
  checkNumber,
  GRU,
  LSTM,
  type Module,
  OptionError,
  type RealSteps,
  RNN,
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

export interface RecurrentSizes {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
}

export type RecurrentMaker = (sizes: RecurrentSizes) => object;

const makers: Readonly<Record<string, RecurrentMaker>> = {
  lstm: (sizes) => new LSTM(sizes),
  gru: (sizes) => new GRU(sizes),
  rnn: (sizes) => new RNN(sizes),
  rnn_relu: (sizes) => new RNN({ ...sizes, nonlinearity: "relu" }),
};

const rareCells = ["indrnn", "mgu", "sru", "slstm", "mingru", "minlstm"] as const;
export type RareCell = (typeof rareCells)[number];
let rareMakers: Readonly<Record<string, RecurrentMaker>> = {};

const oneWayCells: readonly string[] = ["mingru", "minlstm"];

/** Cells that a task can have, by name. */
export const taskCells: readonly string[] = [...Object.keys(makers), ...rareCells];

/** Loads the layers of a cell that few tasks have, before one is made. What is no name of a cell is refused later. */
export async function loadCell(cell: unknown): Promise<void> {
  if (rareCells.some((rare) => rare === cell)) ({ rareMakers } = await import("./rare-cells.ts"));
}

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
  if (!taskCells.includes(cell))
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
  return (makers[cell] ?? rareMakers[cell])!(sizes) as RecurrentLayer;
}
