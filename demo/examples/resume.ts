/** A training that is interrupted: saved with all that it needs, resumed elsewhere, and its losses go on bit for bit. */
import {
  batches,
  Dropout,
  field,
  Linear,
  LSTM,
  loadTraining,
  Module,
  makeTraining,
  mse,
  normalizer,
  Runtime,
  readTraining,
  saveTraining,
  type Tensor,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { normal } = dice("sums");
const records = Array.from({ length: 256 }, () => {
  const values = Array.from({ length: 12 }, () => 10 + 3 * normal());
  return { values, total: values.reduce((a, b) => a + b, 0) / 100 };
});
const scale = normalizer(records, field.series("values"));
const fields = { x: field.series("values", { normalizer: scale }), target: field.numbers("total"), batch: 16 };
const data = batches(records, { ...fields, shuffle: true, seed: 1 });

class Adder extends Module {
  rnn = new LSTM({ inputSize: 1, hiddenSize: 16 });
  dropout = new Dropout({ p: 0.1 });
  head = new Linear({ inFeatures: 16, outFeatures: 1 });
  forward(x: Tensor) {
    return { y: this.head.forward(this.dropout.forward(this.rnn.forward(x).output.select(-1))) }; // of the last step
  }
}
const loss = ({ y }: { y: Tensor }, target: Tensor) => mse().apply(y, target);

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const runtime = await Runtime.open();
  const optimizer = { name: "adamW", lr: 0.01 } as const;
  const schedule = { name: "cosine", steps: 96 } as const;
  const first = makeTraining(runtime, new Adder(), { optimizer, schedule, clipNorm: 1, seed: 7 }, { loss });
  await first.trainer.fit(data.from(), { steps: 40 });
  const file = await saveTraining(first, { scale }); // bytes for a file, or for checkpointStore("opfs") in a page
  print(`saved after step ${first.trainer.steps}: ${file.length} bytes`);

  const saved = readTraining(file, "adder.safetensors");
  const second = loadTraining(runtime, new Adder(), saved, { loss });
  const losses: number[][] = [];
  for (const { trainer } of [first, second]) {
    const after: number[] = [];
    await trainer.fit(data.from(trainer.steps), { steps: 56, onStep: (report) => after.push(report.loss) });
    losses.push(after);
  }
  const [went, resumed] = losses as [number[], number[]];
  const different = went.filter((value, i) => value !== resumed[i]).length;
  print(`the last loss is ${went.at(-1)!.toFixed(4)}, and ${different} of ${went.length} differ after the resumption`);
  runtime.dispose();
  return different;
}
