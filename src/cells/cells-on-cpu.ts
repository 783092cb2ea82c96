import { provideMaths } from "./cell.ts";
import { lstmMaths } from "./lstm-maths.ts";

/** Brings the maths of the cells whose definition is without it: for whoever computes on the CPU. */
export function provideCellMaths(): void {
  provideMaths("lstm", lstmMaths);
}
