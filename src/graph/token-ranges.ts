import { DataError } from "../errors.ts";
import type { TensorData } from "../tensor-data.ts";
import { nodesBefore } from "./build-plan.ts";
import type { Tensor } from "./tensor.ts";

/** Which tokens an input may hold. */
export interface TokenRange {
  /** Tokens are at least 0 and below this. */
  readonly below: number;
  /** One more that is allowed: the ignored target. */
  readonly also: number | undefined;
  /** Who asks for it. */
  readonly where: string;
}

/** What the ops of a graph require of the token inputs that they read, by input name. */
export function tokenRanges(ends: Iterable<Tensor>): Map<string, TokenRange> {
  const ranges = new Map<string, TokenRange>();
  for (const node of nodesBefore(ends)) {
    const range = node.op.tokens?.(node);
    const source = range && node.inputs[range.input]?.source;
    if (!range || source?.kind !== "input") continue;
    const known = ranges.get(source.name);
    if (!known || range.below < known.below)
      ranges.set(source.name, { below: range.below, also: range.also, where: node.label });
  }
  return ranges;
}

/** @throws DataError naming the token, its place and the range */
export function checkTokens(what: string, { data }: TensorData, { below, also, where }: TokenRange): void {
  for (let i = 0; i < data.length; i++) {
    const token = data[i]!;
    if ((token < 0 || token >= below) && token !== also) {
      throw new DataError(
        `${what}[${i}] is token ${token}, "${where}" takes 0 to ${below - 1}${also === undefined ? "" : ` (or ${also}, ignored)`}; encode the text with the model's own vocabulary`,
      );
    }
  }
}
