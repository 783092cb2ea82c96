/** A series with two seasons and a trend: the next 6 values from the last 24, with an interval of 80 %. */
import {
  adam,
  batches,
  field,
  functional,
  GRU,
  Linear,
  Module,
  mae,
  normalizer,
  quantile,
  Runtime,
  type Tensor,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { normal } = dice("series");
const series = Array.from(
  { length: 1200 },
  (_, t) => 20 + 0.01 * t + 5 * Math.sin(t / 4) + 2 * Math.sin(t / 11) + normal(),
);
const windows = (from: number, to: number) =>
  Array.from({ length: to - from - 30 }, (_, i) => ({
    past: series.slice(from + i, from + i + 24),
    next: series.slice(from + i + 24, from + i + 30),
  }));
const [training, held] = [windows(0, 1000), windows(1000, 1200)];
const scale = normalizer(training, field.series("past"));
const QUANTILES = [0.1, 0.5, 0.9];

class Forecaster extends Module {
  rnn = new GRU({ inputSize: 1, hiddenSize: 32 });
  head = new Linear({ inFeatures: 32, outFeatures: 6 * QUANTILES.length });
  forward(x: Tensor) {
    const last = functional.lastPool(this.rnn.forward(x).output);
    return { y: this.head.forward(last).reshape([-1, 6, QUANTILES.length]) }; // [B,6,3]
  }
}
type Outputs = ReturnType<Forecaster["forward"]>;

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const next = (record: (typeof held)[number]) => scale.apply(record.next.map((v) => [v])).flat();
  const fields = { x: field.series("past", { normalizer: scale }), target: field.numbers(next), batch: 32 };
  const runtime = await Runtime.open();
  const model = new Forecaster();
  const loss = ({ y }: Outputs, target: Tensor) => quantile({ quantiles: QUANTILES }).apply(y, target);
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.005 }), loss, clipNorm: 1 });
  const { epochs } = await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 8,
    validation: batches(held, fields),
    metrics: {
      mae: ({ y }: Outputs, target: Tensor) => mae().apply(y.select(1, -1), target),
      outside: ({ y }: Outputs, target: Tensor) =>
        mae().apply(
          functional.logicalOr(target.lt(y.select(0, -1)), target.gt(y.select(2, -1))).toFloat(),
          target.mul(0),
        ),
    },
    onEpoch: ({ epoch, validation }) =>
      print(
        `epoch ${epoch}: loss ${validation!.loss.toFixed(3)}, MAE ${validation!.metrics.mae.toFixed(2)}, inside ${(1 - validation!.metrics.outside).toFixed(2)}`,
      ),
  });
  runtime.dispose();
  return epochs.at(-1)!.validation!.metrics.mae;
}
