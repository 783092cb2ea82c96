/** Which tracks were drawn by the same hand? Two encoders of gestures learn to agree, by a contrastive loss. */
import {
  adam,
  batches,
  Conv1d,
  contrastive,
  field,
  functional,
  GRU,
  Linear,
  Module,
  Runtime,
  split,
  type Tensor,
} from "webgpu-rnn";
import { dice } from "./dice.ts";

const { normal } = dice("hands");
const T = 24;
function makeRecord() {
  const [size, slant, speed] = [1 + 0.3 * normal(), 0.5 * normal(), 0.5 + 0.1 * normal()];
  const track = () =>
    Array.from({ length: T }, (_, t) => {
      const y = size * Math.sin(speed * t) + 0.1 * normal();
      return [0.1 * t + slant * y + 0.1 * normal(), y];
    });
  return { first: track(), second: track() };
}
const { training, validation } = split(Array.from({ length: 640 }, makeRecord), 0.1);

class Hands extends Module {
  look = new Conv1d({ inChannels: 2, outChannels: 12, kernelSize: 5, padding: "same" });
  rnn = new GRU({ inputSize: 12, hiddenSize: 24 });
  head = new Linear({ inFeatures: 24, outFeatures: 8 });
  encode(track: Tensor) {
    return this.head.forward(functional.meanPool(this.rnn.forward(this.look.forward(track).relu()).output));
  }
  forward({ first, second }: { first: Tensor; second: Tensor }) {
    return { a: this.encode(first), b: this.encode(second) }; // [B,8] each
  }
}
type Outputs = ReturnType<Hands["forward"]>;

export async function main(print: (line: string) => void = console.log): Promise<number> {
  const x = { first: field.series("first"), second: field.series("second") };
  const fields = { x, target: field.numbers(() => 0), batch: 64 };
  const runtime = await Runtime.open();
  const model = new Hands();
  const loss = ({ a, b }: Outputs) => contrastive({ temperature: 0.1 }).apply(a, b);
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), loss, clipNorm: 1 });
  await trainer.fit(batches(training, { ...fields, shuffle: true }), {
    epochs: 12,
    onEpoch: ({ epoch, loss: mean }) => epoch % 4 === 0 && print(`epoch ${epoch}: loss ${mean.toFixed(3)}`),
  });

  const [held] = batches(validation, fields);
  const program = await runtime.compile(model, {
    inputs: { first: { shape: [T, 64, 2] }, second: { shape: [T, 64, 2] } },
    forward(given) {
      const { a, b } = model.forward(given);
      const unit = (v: Tensor) => v.div(v.mul(v).sum(-1, { keepdim: true }).sqrt());
      return { ranked: unit(a).matmul(unit(b).transpose()).topK(5).indices }; // the five of the others that are most alike
    },
  });
  const { ranked } = await program.run(held!.x);
  const found = Array.from({ length: 64 }, (_, row) => ranked.data.slice(5 * row, 5 * row + 5).includes(row as never));
  const share = found.filter(Boolean).length / 64;
  print(`the other track of a hand is among the five most alike of 64: ${share.toFixed(2)}`);
  runtime.dispose();
  return share;
}
