// All cells: for the package's face and for tests. Modules import the file of their own cell, so that a bundle has no others.
import { type FullCell, knownCells } from "./cell.ts";
import { gruCell } from "./gru.ts";
import { indRNNCell } from "./indrnn.ts";
import { lstmCell } from "./lstm.ts";
import { mguCell } from "./mgu.ts";
import { rnnCell } from "./rnn.ts";
import { slstmCell } from "./slstm.ts";
import { sruCell } from "./sru.ts";

export {
  type Activation,
  type ActivationName,
  type Activations,
  activationNames,
} from "./activations.ts";
export {
  type Cell,
  type CellGradient,
  type CellParameter,
  cellNamed,
  defineCell,
  type FullCell,
  type IntermediateProduct,
  savedNames,
  type Unit,
  type Values,
} from "./cell.ts";
export { type GRUCellOptions, gruCell } from "./gru.ts";
export { type IndRNNCellOptions, indRNNCell } from "./indrnn.ts";
export { type LSTMCellOptions, lstmCell } from "./lstm.ts";
export { mguCell } from "./mgu.ts";
export { cellPrelude } from "./prelude.ts";
export { type RNNCellOptions, rnnCell } from "./rnn.ts";
export { type SLSTMCellOptions, slstmCell } from "./slstm.ts";
export { sruCell } from "./sru.ts";

/** The cells of the package, in the form without options: one line each. */
export const builtInCells = (): FullCell[] => [
  lstmCell("LSTM"),
  gruCell("GRU"),
  rnnCell("RNN"),
  rnnCell("RNN", { nonlinearity: "relu" }),
  indRNNCell("IndRNN"),
  mguCell(),
  sruCell(),
  slstmCell(),
];

/** The names of the package's cells, and of those that were made since. */
export const cellNames = (): string[] => [...new Set([...builtInCells().map(({ name }) => name), ...knownCells()])];
