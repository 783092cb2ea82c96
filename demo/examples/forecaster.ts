/** A series with two seasons and a trend: the next 6 values from the last 24, with an interval of 80 %. */
import { adam, batches, field, GRU, Linear, Module, mae, normalizer, quantile, Runtime, type Tensor } from "webgpu-rnn";
import { dice } from "./dice.ts";

const { normal } = dice("series");
const value = (_: unknown, t: number) => 20 + 0.01 * t + 5 * Math.sin(t / 4) + 2 * Math.sin(t / 11) + normal();
const series = Array.from({ length: 1200 }, value);
const windows = (from: number, to: number) =>
  Array.from({ length: to - from - 30 }, (_, i) => ({
    past: series.slice(from + i, from + i + 24),
    at: from + i + 24,
  }));
const [training, held] = [windows(0, 1000), windows(1000, 1200)];
const scale = normalizer(training, field.series("past"));
const next = ({ at }: { at: number }) => scale.apply(series.slice(at, at + 6).map((v) => [v])).flat();
const fields = { x: field.series("past", { normalizer: scale }), target: field.numbers(next), batch: 32 };
const quantiles = [0.1, 0.5, 0.9];

class Forecaster extends Module {
  rnn = new GRU({ inputSize: 1, hiddenSize: 32 });
  head = new Linear({ inFeatures: 32, outFeatures: 6 * 3 });
  forward(x: Tensor) {
    return { y: this.head.forward(this.rnn.forward(x).output.select(-1)).reshape([-1, 6, 3]) }; // [B,6,3]
  }
}

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const runtime = await Runtime.open();
  const model = new Forecaster();
  const trainer = runtime.trainer(model, {
    optimizer: adam({ lr: 0.005 }),
    loss: ({ y }, target) => quantile({ quantiles }).apply(y, target),
    clipNorm: 1,
  });
  const { epochs } = await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 8,
    validation: batches(held, fields),
    metrics: { mae: ({ y }: { y: Tensor }, target: Tensor) => mae().apply(y.select(1, -1), target) },
    onEpoch: ({ epoch, validation }) => print(`epoch ${epoch}: MAE ${validation!.metrics.mae.toFixed(3)}`),
  });
  const all = [...batches(held, { ...fields, batch: held.length })][0]!;
  const { y } = await runtime.predict(model, all.x);
  const inside = all.target.data.filter((v, i) => y.data[3 * i]! <= v && v <= y.data[3 * i + 2]!);
  print(`inside the interval: ${(inside.length / all.target.data.length).toFixed(2)}`);
  runtime.dispose();
  return epochs.at(-1)!.validation!.metrics.mae;
}
