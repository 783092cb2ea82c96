import type { CellParameter } from "./cell.ts";

/** `i` to `I`: gates in the names of their learned vectors. */
export const upper = (gate: string): string => gate[0]!.toUpperCase() + gate.slice(1);

/** The weight and bias of a gate's layer normalisation. */
export const normOf = (gate: string): CellParameter[] => [
  { name: `normWeight${upper(gate)}`, stateName: `norm_weight_${gate}`, initial: 1 },
  { name: `normBias${upper(gate)}`, stateName: `norm_bias_${gate}`, initial: 0 },
];
