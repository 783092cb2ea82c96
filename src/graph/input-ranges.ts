import { DataError } from "../errors.ts";
import type { TensorData } from "../tensor-data.ts";
import { nodesBefore } from "./build-plan.ts";
import type { InputRange } from "./op.ts";
import type { Tensor } from "./tensor.ts";

/** Which numbers an input may hold. */
export interface Range extends Omit<InputRange, "input" | "until"> {
  /** Who asks for it. */
  readonly where: string;
  /** For a mask: the input of lengths that it has to agree with. */
  readonly until?: { readonly lengths: string; readonly batchFirst: boolean };
}

/** What the ops of a graph require of the i32 inputs that they read, by input name: the narrowest of each. */
export function inputRanges(ends: Iterable<Tensor>): Map<string, Range> {
  const ranges = new Map<string, Range>();
  for (const node of nodesBefore(ends)) {
    const nameOf = (input: number) => {
      const source = node.inputs[input]?.source;
      return source?.kind === "input" ? source.name : undefined;
    };
    for (const { input, until, ...range } of node.op.takes?.(node) ?? []) {
      const name = nameOf(input);
      if (name === undefined) continue;
      const known = ranges.get(name);
      const lengths = until && nameOf(until.lengths);
      const agreed = lengths === undefined ? known?.until : { lengths, batchFirst: until!.batchFirst };
      const narrowest = known && known.below <= range.below ? known : { ...range, where: node.label };
      ranges.set(name, { ...narrowest, ...(agreed && { until: agreed }) });
    }
  }
  return ranges;
}

const advice = {
  token: "encode the text with the model's own vocabulary",
  length: "a length counts the real steps of a sequence, at most its T",
  "mask entry": "1 is a real step, 0 one to pass over",
} as const;

/**
 * Checks the numbers of the inputs that are given against what the graph requires of them.
 * @throws DataError naming the number, its place and what is expected
 */
export function checkInputs(
  ranges: ReadonlyMap<string, Range>,
  inputs: Readonly<Record<string, TensorData | undefined>>,
): void {
  for (const [name, range] of ranges) {
    const tensor = inputs[name];
    if (tensor) checkRange(name, tensor, range);
  }
  for (const [name, { until }] of ranges) {
    const [mask, lengths] = [inputs[name], until && inputs[until.lengths]];
    if (mask && lengths) checkAgreement(name, mask, until!, lengths);
  }
}

function checkRange(name: string, { data }: TensorData, { what, below, also, where }: Range): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if ((value < 0 || value >= below) && value !== also) {
      throw new DataError(
        `${name}[${i}] is ${what} ${value}, "${where}" takes 0 to ${below - 1}${also === undefined ? "" : ` (or ${also}, ignored)`}; ${advice[what]}`,
      );
    }
  }
}

function checkAgreement(name: string, mask: TensorData, until: NonNullable<Range["until"]>, lengths: TensorData): void {
  const B = lengths.data.length;
  const T = mask.data.length / B;
  for (let i = 0; i < mask.data.length; i++) {
    const [t, b] = until.batchFirst ? [i % T, Math.floor(i / T)] : [Math.floor(i / B), i % B];
    const length = lengths.data[b]!;
    if (mask.data[i] !== 0 && t >= length) {
      throw new DataError(
        `${name}[${i}] is 1, a real step: step ${t} of sequence ${b}, but ${until.lengths}[${b}] is ${length}; give only one of the two, or set the mask to 0 beyond each length`,
      );
    }
  }
}
