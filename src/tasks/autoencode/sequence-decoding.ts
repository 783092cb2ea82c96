import { collate, field, type Runtime, type TensorData } from "../../index.ts";
import { lengthsToPadTo } from "../columns.ts";
import { type AutoencoderModel, BOUNDARY } from "./autoencoder-model.ts";

/** What is decoded, and to how many steps (of symbols: at most). */
export interface Code {
  readonly vector: Float32Array;
  readonly length: number;
}

/** Where each step stands in its sequence, from 0 to below 1: `[T,1]`. */
export const places = (length: number): number[][] => Array.from({ length }, (_, t) => [t / length]);

/** `[B,E]` */
const vectorsOf = (codes: readonly Code[]): TensorData => ({
  shape: [codes.length, codes[0]!.vector.length],
  data: Float32Array.from(codes.flatMap(({ vector }) => [...vector])),
});

/** What a state is called among the outputs of a model. */
const STATE = "state.";

/** The likeliest symbol at each step, each time given those before it, until the end. */
export async function symbolsOf(
  runtime: Runtime,
  model: AutoencoderModel,
  codes: readonly Code[],
): Promise<number[][]> {
  const vector = vectorsOf(codes);
  const written = codes.map((): number[] => []);
  const going = new Set(codes.keys());
  let before = new Int32Array(codes.length).fill(BOUNDARY);
  let state: Record<string, TensorData> = {};
  while (going.size > 0) {
    const x = { vector, before: { shape: [1, codes.length], data: before }, ...state };
    const said: Record<string, TensorData> = await runtime.predict(model, x);
    before = Int32Array.from(said.next!.data);
    const states = Object.entries(said).filter(([name]) => name.startsWith(STATE));
    state = Object.fromEntries(states.map(([name, one]) => [name.slice(STATE.length), one]));
    for (const b of going) {
      const isEnd = before[b] === BOUNDARY;
      if (!isEnd) written[b]!.push(before[b]!);
      if (isEnd || written[b]!.length === codes[b]!.length) going.delete(b);
    }
  }
  return written;
}

/** Scaled vectors, of all steps at once. */
export async function numbersOf(
  runtime: Runtime,
  model: AutoencoderModel,
  codes: readonly Code[],
): Promise<number[][][]> {
  const B = codes.length;
  const before = field.series(({ length }: Code) => places(length));
  const x = { vector: vectorsOf(codes), ...collate(codes, { before }, { padTo: lengthsToPadTo }) };
  const { y }: Record<string, TensorData> = await runtime.predict(model, x);
  const C = y!.shape[2]!;
  return codes.map(({ length }, b) =>
    Array.from({ length }, (_, t) => Array.from(y!.data.subarray((t * B + b) * C, (t * B + b + 1) * C))),
  );
}
