import { DataError } from "../errors.ts";
import type { TensorData } from "../tensor-data.ts";
import { nodesBefore } from "./dependencies.ts";
import type { InputRange, KnownNumbers, Stretch } from "./op.ts";
import type { Node, Tensor } from "./tensor.ts";

/** Some numbers that lie side by side in an input or a constant; without a source they are computed on the device. */
interface Piece {
  readonly source?: { readonly name: string; readonly values?: readonly number[] };
  readonly offset: number;
  readonly length: number;
}

/** What a stretch of an input must be. */
interface Required extends Omit<InputRange, "input" | "taker">, Omit<Piece, "source"> {
  /** The input. */
  readonly name: string;
  /** Who asks for it. */
  readonly where: string;
}

/** Which numbers the i32 inputs of a graph may hold. */
export interface InputRanges {
  readonly required: readonly Required[];
  /** Nodes that check numbers of several inputs together, with what these are made of. */
  readonly together: readonly { readonly node: Node; readonly inputs: readonly (readonly Piece[] | undefined)[] }[];
}

/** What the ops of a graph require of the inputs that they read, directly or through ops that only move numbers. */
export function inputRanges(ends: Iterable<Tensor>): InputRanges {
  const required = new Map<string, Required>();
  const together: InputRanges["together"][number][] = [];
  const piecesOf = pieceFinder();
  for (const node of nodesBefore(ends)) {
    const { op, inputs, label } = node;
    const where = `"${label}"`;
    for (const { input, kind, below, also, taker } of op.takes?.(node) ?? []) {
      for (const { source, offset, length } of piecesOf(inputs[input]!)) {
        if (!source || source.values) continue;
        const { name } = source;
        // Every layer over the same sequences asks the same.
        const key = [name, offset, length, kind.one, below, also].join("/");
        if (!required.has(key)) required.set(key, { name, where: taker ?? where, offset, length, kind, below, also });
      }
    }
    if (op.check) together.push({ node, inputs: inputs.map((input) => input && piecesOf(input)) });
  }
  // The narrowest first, so that a number that several ops refuse is reported with what it has to be for all of them.
  return { required: [...required.values()].sort((a, b) => a.below - b.below), together };
}

/** Follows tensors to the inputs and constants that they are stretches of. */
function pieceFinder(): (tensor: Tensor) => readonly Piece[] {
  const known = new Map<Tensor, readonly Piece[]>();
  const find = (tensor: Tensor): readonly Piece[] => {
    const { node, source, size } = tensor;
    const whole = { offset: 0, length: size };
    if (source?.kind === "input") return [{ source: { name: source.name }, ...whole }];
    if (source?.kind === "constant") return [{ source, ...whole }];
    const stretches = node?.op.stretches?.(node);
    if (!node || !stretches) return [whole];
    return stretches.flatMap((stretch) => cut(piecesOf(node.inputs[stretch.input]!), stretch));
  };
  const piecesOf = (tensor: Tensor): readonly Piece[] => {
    const pieces = known.get(tensor) ?? find(tensor);
    known.set(tensor, pieces);
    return pieces;
  };
  return piecesOf;
}

/** The part of a row of pieces that a stretch takes. */
function cut(pieces: readonly Piece[], { offset, length }: Stretch): Piece[] {
  const found: Piece[] = [];
  let start = 0;
  for (const piece of pieces) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + length, start + piece.length);
    if (from < to) found.push({ ...piece, offset: piece.offset + from - start, length: to - from });
    start += piece.length;
  }
  return found;
}

type Given = Readonly<Record<string, TensorData | undefined>>;

/**
 * Checks the numbers of the inputs that are given against what the graph requires of them.
 * @throws DataError naming the number, its place and what is expected
 */
export function checkInputs({ required, together }: InputRanges, given: Given): void {
  for (const one of required) {
    const tensor = given[one.name];
    if (tensor) checkRange(tensor, one);
  }
  for (const { node, inputs } of together) {
    const numbers = inputs.map((pieces) => pieces && numbersOf(pieces, given));
    node.op.check!(node, numbers);
  }
}

function checkRange({ data }: TensorData, { name, where, offset, length, kind, below, also }: Required): void {
  for (let i = offset; i < offset + length; i++) {
    const value = data[i]!;
    if ((value < 0 || value >= below) && value !== also) {
      const ignored = also === undefined ? "" : ` (or ${also}, ignored)`;
      throw new DataError(
        `${name}[${i}] is ${kind.one} ${value}, ${where} takes ${kind.many} 0 to ${below - 1}${ignored}; ${kind.advice}`,
      );
    }
  }
}

function numbersOf(pieces: readonly Piece[], given: Given): KnownNumbers {
  const placeOf = (i: number): { piece: Piece | undefined; at: number } => {
    let at = i;
    for (const piece of pieces) {
      if (at < piece.length) return { piece, at: piece.offset + at };
      at -= piece.length;
    }
    return { piece: undefined, at };
  };
  return {
    length: pieces.reduce((sum, { length }) => sum + length, 0),
    at(i) {
      const { piece, at } = placeOf(i);
      if (!piece?.source) return undefined;
      const { name, values = given[name]?.data } = piece.source;
      return values?.[at];
    },
    nameOf(i) {
      const { piece, at } = placeOf(i);
      return `${piece?.source?.name ?? "computed"}[${at}]`;
    },
  };
}
