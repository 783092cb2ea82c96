/** Lets a model write, and measures it on text that it has not seen. */
import type { Batch, CharModel, Runtime, Vocabulary, Windows } from "../src/index.ts";
import type { SampleReport, Sampling } from "./messages.ts";

/** Whole chunks of `generate`, so that nothing is computed in vain. */
export const sampleLength = 128;
/** Batches that a held-out measurement looks at, at most. */
const heldOutBatches = 8;

export interface SampleOrder {
  readonly model: CharModel;
  readonly vocabulary: Vocabulary;
  readonly sampling: Sampling;
  readonly seed: number;
  readonly step: number;
  /** A text whose first character is the prompt where none is given and the model knows no line end. */
  readonly start: string;
}

export async function drawSample(
  runtime: Runtime,
  { model, vocabulary, sampling, seed, step, start }: SampleOrder,
): Promise<SampleReport> {
  const known = new Set(vocabulary.symbols);
  const wished = [...sampling.prompt];
  const usable = wished.filter((character) => known.has(character));
  const fallback = known.has("\n") ? "\n" : ([...start.slice(0, 2)][0] ?? vocabulary.symbols[0]!);
  const prompt = usable.length > 0 ? usable : [fallback];
  const written: string[] = [];
  const traces = new Map<string, { layers: number; units: number; parts: Float32Array[] }>();
  for await (const { tokens, trace = {} } of runtime.generate(model, {
    prompt: vocabulary.encode(prompt.join("")),
    length: sampleLength,
    temperature: sampling.temperature,
    seed,
    trace: true,
  })) {
    for (const token of tokens) written.push(vocabulary.symbols[token]!);
    for (const [name, { shape, data }] of Object.entries(trace)) {
      const [, layers, units] = shape as [number, number, number];
      const known = traces.get(name) ?? { layers, units, parts: [] };
      known.parts.push(data);
      traces.set(name, known);
    }
  }
  const { layers, units } = [...traces.values()][0]!;
  return {
    step,
    temperature: sampling.temperature,
    prompt: usable.join(""),
    skipped: [...new Set(wished.filter((character) => !known.has(character)))].join(" "),
    written,
    // The state of row k is the one that wrote character k: it had just read the character before.
    read: [prompt.at(-1)!, ...written.slice(0, -1)],
    layers,
    units,
    states: [...traces].map(([name, { parts }]) => ({ name, values: concatenate(parts) })),
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/** Bits per character on the start of the held-out text; undefined where there is none. */
export async function heldOutBits(
  runtime: Runtime,
  model: CharModel,
  windows: Windows | undefined,
): Promise<number | undefined> {
  if (!windows) return undefined;
  const { loss } = await runtime.evaluate(model, firstOf(windows, heldOutBatches));
  return loss / Math.LN2;
}

function* firstOf(windows: Windows, count: number): Generator<Batch> {
  for (let step = 0; step < Math.min(count, windows.stepsPerEpoch); step++) yield windows.at(step);
}
