import { adam, CharModel, type CharModelCell, countPlan, type Runtime, Windows } from "../src/node.ts";

export interface TrainingTiming {
  readonly name: string;
  readonly dispatches: number;
  readonly medianMs: number;
  readonly tokensPerSecond: number;
}

/** Whole training steps of the character model on made-up tokens: median over the steps after the first three. */
export async function timeTraining(
  runtime: Runtime,
  cell: CharModelCell,
  { window = 64, batch = 32, hiddenSize = 128, steps = 12 } = {},
): Promise<TrainingTiming> {
  const vocabSize = 96;
  const model = new CharModel({ vocabSize, cell, hiddenSize });
  const trainer = runtime.trainer(model, { optimizer: adam(), clipNorm: 1 });
  const tokens = Int32Array.from({ length: window * batch * 4 + 1 }, (_, i) => (i * i + 7 * i) % vocabSize);
  const times: number[] = [];
  let last = performance.now();
  for await (const { step } of trainer.fit(new Windows(tokens, { window, batch }).from(0), { steps })) {
    const now = performance.now();
    if (step > 3 && step < steps - 3) times.push(now - last);
    last = now;
  }
  const { dispatches } = countPlan(trainer.plan({ T: window, B: batch }));
  trainer.dispose();
  times.sort((a, b) => a - b);
  const medianMs = times[times.length >> 1]!;
  return {
    name: `train ${cell} T=${window} B=${batch} H=${hiddenSize}`,
    dispatches,
    medianMs,
    tokensPerSecond: (window * batch * 1000) / medianMs,
  };
}
