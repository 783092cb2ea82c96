import { DataError } from "../errors.ts";
import type { TensorData } from "../tensor-data.ts";
import { nodesBefore } from "./build-plan.ts";
import type { InputRange } from "./op.ts";
import type { Tensor } from "./tensor.ts";

/** Which numbers an input may hold. */
export interface Range extends Omit<InputRange, "input" | "until" | "labels"> {
  /** Who asks for it. */
  readonly where: string;
  /** For labels: the input that says how many count (undefined: all of them), and the class that none of these may be. */
  readonly labels?: { readonly lengths: string | undefined; readonly blank: number };
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
    for (const { input, until, labels, ...range } of node.op.takes?.(node) ?? []) {
      const name = nameOf(input);
      if (name === undefined) continue;
      const known = ranges.get(name);
      const lengths = until && nameOf(until.lengths);
      const agreed = lengths === undefined ? known?.until : { lengths, batchFirst: until!.batchFirst };
      const narrowest = known && known.below <= range.below ? known : { ...range, where: node.label };
      // What only one of several readers takes is not allowed.
      const { also: _, ...without } = narrowest;
      // Lengths that the graph computes are not known here.
      const isKnown = labels && ["input", "constant"].includes(node.inputs[labels.lengths]?.source?.kind ?? "");
      const counted = isKnown ? { lengths: nameOf(labels.lengths), blank: labels.blank } : known?.labels;
      ranges.set(name, {
        ...(known && known.also !== range.also ? without : narrowest),
        ...(counted && { labels: counted }),
        ...(agreed && { until: agreed }),
      });
    }
  }
  return ranges;
}

const advice = {
  token: "encode the text with the model's own vocabulary",
  label: "a label is the number of a class, of which there are as many as logits",
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
  for (const [name, { until, labels }] of ranges) {
    const tensor = inputs[name];
    const lengths = until && inputs[until.lengths];
    if (tensor && lengths) checkAgreement(name, tensor, until, lengths);
    if (tensor && labels) checkLabels(name, tensor, labels, inputs);
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

function checkLabels(
  name: string,
  { data, shape }: TensorData,
  { lengths, blank }: NonNullable<Range["labels"]>,
  inputs: Readonly<Record<string, TensorData | undefined>>,
): void {
  const S = shape[1]!;
  for (let i = 0; i < data.length; i++) {
    const [b, s] = [Math.floor(i / S), i % S];
    const count = lengths === undefined ? S : inputs[lengths]?.data[b];
    if (count === undefined || s >= count || (data[i] !== blank && data[i]! >= 0)) continue;
    const what = data[i] === blank ? `${blank}, the blank` : `${data[i]}, no class`;
    const counted =
      lengths === undefined ? `all ${S} count, because no lengths say otherwise` : `${lengths}[${b}] is ${count}`;
    throw new DataError(
      `${name}[${i}] is ${what}: label ${s} of sequence ${b}, of which ${counted}; give the number of labels of each sequence`,
    );
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
