import type { Runtime, TensorData } from "../../index.ts";
import { lengthsToPadTo } from "../columns.ts";
import type { LanguageReader, LanguageStates } from "./language-network.ts";
import type { EncodedText } from "./language-texts.ts";

/** Tokens that are read at a time. */
const MANY = 64;
const FEW = 8;

/** The steps of a call for so many tokens: few different ones, as each is compiled. */
const stepsFor = (count: number, most: number): number =>
  Math.min(most, lengthsToPadTo.find((length) => length >= count) ?? most);

/** Tokens from `from` on, padded. */
function piece(tokens: Int32Array, from: number, T: number): TensorData {
  const data = new Int32Array(T);
  data.set(tokens.subarray(from, from + T));
  return { shape: [T, 1], data };
}

/** What a model says of a text. */
export interface ReadText {
  /** Of each target, given all that stands before it. */
  readonly logProbabilities: readonly number[];
  /** Of each token that may be written behind the last input. */
  readonly next: readonly number[];
}

/** Reads a text of any length, in pieces. */
export async function readText(
  runtime: Runtime,
  reader: LanguageReader,
  { inputs, targets }: EncodedText,
): Promise<ReadText> {
  const T = stepsFor(inputs.length, MANY);
  const shape = { shape: [T, 1], dtype: "i32" } as const;
  const session = await runtime.session(reader, {
    inputs: { tokens: shape, targets: shape, lengths: { shape: [1], dtype: "i32" } },
  });
  try {
    const logProbabilities: number[] = [];
    for (let at = 0; ; at += T) {
      const count = Math.min(T, inputs.length - at);
      const x = { tokens: piece(inputs, at, T), targets: piece(targets, at, T) };
      const read = await session.run({ ...x, lengths: { shape: [1], data: Int32Array.of(count) } });
      logProbabilities.push(...read.logProbabilities!.data.subarray(0, count));
      if (at + T >= inputs.length) return { logProbabilities, next: [...read.next!.data] };
    }
  } finally {
    session.dispose();
  }
}

/** Each state after each token, `[T,L,H]`, by name. */
export async function statesAfter(
  runtime: Runtime,
  states: LanguageStates,
  tokens: Int32Array,
): Promise<Record<string, TensorData>> {
  const T = stepsFor(tokens.length, FEW);
  const session = await runtime.session(states, { inputs: { x: { shape: [T, 1], dtype: "i32" } } });
  try {
    const all: Record<string, { shape: number[]; data: Float32Array }> = {};
    for (let at = 0; at < tokens.length; at += T) {
      const read = await session.run({ x: piece(tokens, at, T) });
      for (const [name, { shape, data }] of Object.entries(read)) {
        const [, L, H] = shape as [number, number, number];
        all[name] ??= { shape: [tokens.length, L, H], data: new Float32Array(tokens.length * L * H) };
        all[name].data.set(data.subarray(0, (tokens.length - at) * L * H), at * L * H);
      }
    }
    return all;
  } finally {
    session.dispose();
  }
}
