import { DataError } from "../errors.ts";
import type { TensorData } from "../tensor-data.ts";
import { nodesBefore } from "./build-plan.ts";
import type { InputRange } from "./op.ts";
import type { Tensor } from "./tensor.ts";

/** Which numbers an input may hold. */
export interface Range extends Omit<InputRange, "input"> {
  /** Who asks for it. */
  readonly where: string;
}

/** What the ops of a graph require of the i32 inputs that they read, by input name: the narrowest of each. */
export function inputRanges(ends: Iterable<Tensor>): Map<string, Range> {
  const ranges = new Map<string, Range>();
  for (const node of nodesBefore(ends)) {
    for (const { input, ...range } of node.op.takes?.(node) ?? []) {
      const source = node.inputs[input]?.source;
      if (source?.kind !== "input") continue;
      const known = ranges.get(source.name);
      if (!known || range.below < known.below) ranges.set(source.name, { ...range, where: node.label });
    }
  }
  return ranges;
}

const advice = {
  token: "encode the text with the model's own vocabulary",
  length: "a length counts the real steps of a sequence, at most its T",
  "mask entry": "1 is a real step, 0 one to pass over",
} as const;

/** @throws DataError naming the number, its place and the range */
export function checkRange(name: string, { data }: TensorData, { what, below, also, where }: Range): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if ((value < 0 || value >= below) && value !== also) {
      throw new DataError(
        `${name}[${i}] is ${what} ${value}, "${where}" takes 0 to ${below - 1}${also === undefined ? "" : ` (or ${also}, ignored)`}; ${advice[what]}`,
      );
    }
  }
}
