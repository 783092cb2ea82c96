/** Weights as a format of fewer bits has them. */
import type { StateDict } from "../../src/index.ts";
import { halfBits, halfOf } from "../../src/kernels/packed-weights-twins.ts";

/** A number as a format has it; of int8 the numbers of a row. */
const rounded: Record<"f16" | "int8", (row: readonly number[]) => number[]> = {
  f16: (row) => row.map((w) => halfOf(halfBits(w))),
  int8: (row) => {
    const scale = Math.fround(Math.max(...row.map(Math.abs)) * Math.fround(1 / 127));
    return row.map((w) => scale * Math.round(w / scale));
  },
};

/** Weights of which those of R are as a format has them. */
export const withRounded = (dict: StateDict, dtype: "f16" | "int8"): StateDict =>
  Object.fromEntries(
    Object.entries(dict).map(([name, { shape, data }]) => {
      if (!name.includes("weight_hh")) return [name, { shape, data }];
      const columns = shape[1]!;
      const rows = Array.from({ length: shape[0]! }, (_, i) => Array.from(data.slice(i * columns, (i + 1) * columns)));
      return [name, { shape, data: Float64Array.from(rows.flatMap(rounded[dtype])) }];
    }),
  );
