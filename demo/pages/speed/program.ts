/** How this page measures networks: what they compute is compared with float64 first, and what is not right is not timed. */
import { adam, GRU, Linear, LSTM, Module, mse, type RecurrentState, RNN, type Runtime, type Tensor } from "webgpu-rnn";
import { roundsOf, type Times, timesOf } from "../../../bench/rounds.ts";
import type { Cell, NetworkTask } from "./tasks.ts";

export class Network extends Module {
  layer: LSTM | GRU | RNN;
  head: Linear;
  constructor(cell: Cell, H: number) {
    super();
    this.layer = new { lstm: LSTM, gru: GRU, rnn: RNN }[cell]({ inputSize: H, hiddenSize: H });
    this.head = new Linear({ inFeatures: H, outFeatures: 8 });
  }
  forward(x: Tensor, before?: RecurrentState) {
    const { output, state } = this.layer.forward(x, before as never);
    return { y: this.head.forward(output.select(-1)), state }; // of the last step
  }
}

/** Something that can be run again and again, and the model whose memory goes when that is over. */
export interface Prepared {
  run(): Promise<ArrayLike<number>>;
  readonly model: Module;
}

/** All rows of a batch are alike, so that one row in float64 says what each has to come to. */
export const sequences = ({ T, B, H }: NetworkTask) => ({
  shape: [T, B, H],
  data: Float32Array.from({ length: T * B * H }, (_, i) => Math.sin(Math.floor(i / (B * H)) + (i % H))),
});

export async function prepareNetwork(runtime: Runtime, task: NetworkTask): Promise<Prepared> {
  const model = new Network(task.cell, task.H);
  const x = sequences(task);
  if (task.kind === "forward") {
    const program = await runtime.compile(model, { inputs: { x }, forward: ({ x }) => ({ y: model.forward(x).y }) });
    return { model, run: async () => (await program.run({ x })).y.data };
  }
  if (task.kind === "stream") {
    const session = await runtime.session(model, { inputs: { x: x.shape }, streams: task.B });
    return { model, run: async () => (await session.run({ x })).y!.data }; // the state goes on from call to call
  }
  const loss = ({ y }: { y: Tensor }, target: Tensor) => mse().apply(y, target);
  const trainer = runtime.trainer(model, { optimizer: adam(), clipNorm: 1, loss });
  const batch = { x, target: { shape: [task.B, 8], data: new Float32Array(task.B * 8).fill(1) } };
  const run = async () => {
    const { loss, gradNorm } = await trainer.step(batch);
    return [loss, gradNorm];
  };
  return { model, run };
}

export interface Measured {
  /** Largest difference from what is right, as a share of the largest number. */
  readonly error: number;
  /** Of one run, until its result is here; none where that is wrong. */
  readonly times?: Times;
}

const wrong = 1e-4;
const rounds = { usually: 7, least: 3, milliseconds: 250 };

/** @param expected what the first runs have to come to */
export async function measure({ run }: Prepared, expected: readonly ArrayLike<number>[]): Promise<Measured> {
  let error = 0;
  for (const known of expected) {
    const most = Math.max(...Array.from(known, Math.abs));
    for (const [i, x] of Array.from(await run()).entries())
      error = Math.max(error, Math.abs(x - known[i % known.length]!) / most);
  }
  if (!(error < wrong)) return { error };
  const units = async (count: number) => {
    for (let i = 0; i < count; i++) await run();
  };
  // The clock of a page is coarse: each round is many runs, where these are short.
  const round = await roundsOf(units, { milliseconds: 8, least: 1, most: 2000 });
  const times: number[] = [];
  const end = performance.now() + rounds.milliseconds;
  while (times.length < rounds.least || (times.length < rounds.usually && performance.now() < end))
    times.push(await round());
  return { error, times: timesOf(times) };
}
