/** Small character models and windows of a text, for tests of training. */
import { type Batch, CharModel, type CharModelCell, type StepReport, type Trainer } from "../../src/index.ts";

const V = 7;
export const modelOf = (cell: CharModelCell = "lstm", numLayers = 1) =>
  new CharModel({ vocabSize: V, cell, embeddingDim: 5, hiddenSize: 8, numLayers });

/** `count` windows of one text, T steps of B rows each, which carry their state. */
export function windows(
  count: number,
  T: number,
  B: number,
  more: (step: number) => Partial<Batch> = () => ({}),
): Batch[] {
  const token = (t: number, row: number) => (t * t + 3 * row + Math.floor(t / 4)) % V;
  return Array.from({ length: count }, (_, step) => {
    const from = (shift: number) => ({
      shape: [T, B],
      data: Int32Array.from({ length: T * B }, (__, i) => token(step * T + Math.floor(i / B) + shift, i % B)),
    });
    return { x: from(0), target: from(1), resetState: false, ...more(step) };
  });
}

export async function reportsOf(work: AsyncIterable<StepReport>): Promise<StepReport[]> {
  const reports = [];
  for await (const report of work) reports.push(report);
  return reports;
}
export const lossesOf = async (trainer: Trainer, batches: Iterable<Batch>, options = {}): Promise<number[]> =>
  (await reportsOf(trainer.fit(batches, options))).map(({ loss }) => loss);
