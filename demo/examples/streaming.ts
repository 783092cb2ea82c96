/** Is the machine knocking? Trained on windows of a sensor, then run step by step on four machines at once. */
import {
  accuracy,
  adam,
  batches,
  bceWithLogits,
  field,
  GRU,
  type GRUState,
  Linear,
  Module,
  normalizer,
  Runtime,
  split,
  type Tensor,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { below, chance, normal } = dice("sensor");
function makeRecord() {
  const begins = chance(0.5) ? below(40) : 40;
  const knock = (t: number) => (t >= begins && (t - begins) % 5 === 0 ? 2 : 0);
  const reading = (_: unknown, t: number) => [100 + 15 * (Math.sin(t / 3) + knock(t) + 0.3 * normal()), 3 * normal()];
  const values = Array.from({ length: 40 }, reading);
  return { values, knocks: values.map((_, t) => Number(t >= begins)) };
}
const { training, validation } = split(Array.from({ length: 600 }, makeRecord), 1 / 6);
const scale = normalizer(training, field.series("values"));
const fields = { x: field.series("values", { normalizer: scale }), target: field.series("knocks"), batch: 25 };

class Detector extends Module {
  rnn = new GRU({ inputSize: 2, hiddenSize: 16 });
  head = new Linear({ inFeatures: 16, outFeatures: 1 });
  forward(x: Tensor, before?: GRUState) {
    const { output, state } = this.rnn.forward(x, before);
    const score = this.head.forward(output);
    return { score, probability: score.sigmoid(), state };
  }
}

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const runtime = await Runtime.open();
  const model = new Detector();
  const loss = ({ score }: { score: Tensor }, target: Tensor) => bceWithLogits().apply(score, target);
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), loss, clipNorm: 1 });
  const { epochs } = await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 6,
    validation: batches(validation, fields),
    metrics: { accuracy: ({ score }: { score: Tensor }, target: Tensor) => accuracy().apply(score, target) },
    onEpoch: (report) => print(`epoch ${report.epoch}: accuracy ${report.validation!.metrics.accuracy.toFixed(3)}`),
  });

  const session = await runtime.session(model, { inputs: { x: [1, 4, 2] }, streams: 4 });
  const machines = Array.from({ length: 4 }, makeRecord);
  for (let t = 0; t < 40; t++) {
    const data = Float32Array.from(machines.flatMap(({ values }) => scale.apply(values[t]!)));
    const { probability } = await session.run({ x: { shape: [1, 4, 2], data } });
    const says = Array.from(probability!.data, (p, b) => `${p.toFixed(2)} (${machines[b]!.knocks[t]})`);
    if (t % 10 === 9) print(`step ${t}: ${says.join(" ")}`);
  }
  runtime.dispose();
  return epochs.at(-1)!.validation!.metrics.accuracy;
}
