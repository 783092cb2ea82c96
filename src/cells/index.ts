// The table of built-in cells: one line each. Importing this module makes them known to the engine.
export { type Cell, cellNamed, cellNames, cellPrelude, defineCell, type Values, workOf } from "./cell.ts";
export { gru } from "./gru.ts";
export { lstm } from "./lstm.ts";
export { rnnRelu, rnnTanh } from "./rnn.ts";
