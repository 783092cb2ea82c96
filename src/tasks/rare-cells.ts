import { IndRNN, MGU, MinGRU, MinLSTM, SLSTM, SRU } from "../index.ts";
import type { RareCell, RecurrentMaker, RecurrentSizes } from "./recurrent-layer.ts";

/** Layers that run in one direction, and do not know of another. */
const oneWay = ({ bidirectional: _, ...sizes }: RecurrentSizes) => sizes;

/** Layers of cells that few tasks have: loaded when one asks for them. */
export const rareMakers: Readonly<Record<RareCell, RecurrentMaker>> = {
  indrnn: (sizes) => new IndRNN(sizes),
  mgu: (sizes) => new MGU(sizes),
  sru: (sizes) => new SRU(sizes),
  slstm: (sizes) => new SLSTM(sizes),
  mingru: (sizes) => new MinGRU(oneWay(sizes)),
  minlstm: (sizes) => new MinLSTM(oneWay(sizes)),
};
