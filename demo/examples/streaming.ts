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
const T = 40;
function makeRecord() {
  const begins = chance(0.5) ? below(T) : T;
  const knock = (t: number) => (t >= begins && (t - begins) % 5 === 0 ? 2 : 0);
  const values = Array.from({ length: T }, (_, t) => [
    100 + 15 * (Math.sin(t / 3) + knock(t) + 0.3 * normal()),
    3 * normal(),
  ]);
  return { values, knocks: values.map((_, t) => [Number(t >= begins)]) };
}
const { training, validation } = split(Array.from({ length: 600 }, makeRecord), 1 / 6);
const scale = normalizer(training, field.series("values"));

class Detector extends Module {
  rnn = new GRU({ inputSize: 2, hiddenSize: 16 });
  head = new Linear({ inFeatures: 16, outFeatures: 1 });
  forward(x: Tensor, before?: GRUState) {
    const { output, state } = this.rnn.forward(x, before);
    const score = this.head.forward(output);
    return { score, probability: score.sigmoid(), state };
  }
}
type Outputs = ReturnType<Detector["forward"]>;

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const fields = { x: field.series("values", { normalizer: scale }), target: field.series("knocks"), batch: 25 };
  const runtime = await Runtime.open();
  const model = new Detector();
  const loss = ({ score }: Outputs, target: Tensor) => bceWithLogits().apply(score, target);
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), loss, clipNorm: 1 });
  const { epochs } = await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 6,
    validation: batches(validation, fields),
    metrics: { accuracy: ({ score }: Outputs, target: Tensor) => accuracy().apply(score, target) },
  });
  const right = epochs.at(-1)!.validation!.metrics.accuracy;
  print(`trained: ${right.toFixed(3)} of all steps are right`);

  const session = await runtime.session(model, { inputs: { x: [1, 4, 2] }, streams: 4 });
  const machines = Array.from({ length: 4 }, makeRecord);
  for (let t = 0; t < T; t++) {
    const data = Float32Array.from(machines.flatMap(({ values }) => scale.apply(values[t]!)));
    const { probability } = await session.run({ x: { shape: [1, 4, 2], data } });
    if (t % 10 === 9)
      print(
        `step ${t}: ${Array.from(probability!.data, (p) => p.toFixed(2)).join(" ")} (${machines.map(({ knocks }) => knocks[t]).join(" ")})`,
      );
  }
  runtime.dispose();
  return right;
}
