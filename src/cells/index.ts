// Importing this module makes the built-in cells known to the engine: one line each, in the form without options.
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
  cellNames,
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

lstmCell("LSTM");
gruCell("GRU");
rnnCell("RNN");
rnnCell("RNN", { nonlinearity: "relu" });
indRNNCell("IndRNN");
mguCell();
sruCell();
slstmCell();
