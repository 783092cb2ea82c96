/** Cells of every kind, with and without options: what tests of the engine go through. */
import {
  type FullCell,
  gruCell,
  indRNNCell,
  lstmCell,
  mguCell,
  rnnCell,
  slstmCell,
  sruCell,
} from "../../src/cells/index.ts";

export const testCells: readonly FullCell[] = [
  lstmCell("LSTM"),
  gruCell("GRU"),
  rnnCell("RNN"),
  rnnCell("RNN", { nonlinearity: "relu" }),
  lstmCell("LSTM", { peepholes: true, layerNorm: true }),
  lstmCell("LSTM", {
    peepholes: true,
    coupledGates: true,
    clip: 0.8,
    cellClip: 0.15,
    activations: {
      gate: ["HardSigmoid", "Sigmoid"],
      cell: "Softsign",
      hidden: { name: "ScaledTanh", alpha: 1.5, beta: 0.7 },
    },
  }),
  gruCell("GRU", { layerNorm: true }),
  gruCell("GRU", { resetAfter: false }),
  gruCell("GRU", {
    resetAfter: false,
    layerNorm: true,
    activations: { gate: "Sigmoid", candidate: ["Elu", "Softplus"] },
  }),
  indRNNCell("IndRNN"),
  indRNNCell("IndRNN", { activation: ["Tanh", "Elu"] }),
  mguCell(),
  sruCell(),
  slstmCell(),
  slstmCell({ forgetGate: "exponential" }),
];
