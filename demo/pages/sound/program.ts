/** A small network that says of every frequency of a frame of sound how much of it is voice, and takes out the rest. */
import { adam, GRU, type GRUState, Linear, Module, mse, type Runtime, type Session, type Tensor } from "webgpu-rnn";
import { magnitudes, masked, ShortTimeFourier } from "webgpu-rnn/sound";
import { joined } from "../../shell/joined.ts";
import { mixtures } from "./mixtures.ts";

/** Frequencies of a frame of 512 samples, one every 8 ms, and numbers that the network reads of each. */
const [BINS, READ] = [257, 6];
const [STEPS, T, B] = [100, 64, 2];

/** Of each frequency the logarithm of its magnitude, those of two neighbours on either side, and the mean of all. */
function read(frame: Float32Array): Float32Array {
  const logs = frame.map((x) => Math.log10(x + 1e-3));
  const x = new Float32Array(BINS * READ).fill(logs.reduce((sum, log) => sum + log, 0) / BINS);
  for (let k = 0; k < BINS; k++) for (let d = 0; d < 5; d++) x[k * READ + d] = logs[k + d - 2] ?? -3;
  return x;
}

/** The same weights for every frequency, and for each a state of its own. */
export class Masker extends Module {
  readonly rnn = new GRU({ inputSize: READ, hiddenSize: 16 });
  readonly head = new Linear({ inFeatures: 16, outFeatures: 1 });
  forward(x: Tensor, before?: GRUState) {
    const { output, state } = this.rnn.forward(x, before);
    return { mask: this.head.forward(output).sigmoid(), state }; // from 0 to 1
  }
}

/** The magnitudes of the mixture, times the mask, are to be those of the voice. */
const loss = ({ mask }: { mask: Tensor }, { noisy, clean }: { noisy: Tensor; clean: Tensor }) =>
  mse().apply(mask.mul(noisy), clean);

export async function* train(runtime: Runtime, model: Masker, seed: number) {
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.02 }), loss, clipNorm: 1, seed });
  const data = mixtures(seed, T, B);
  for (let step = 1; step <= STEPS; step++) {
    const { noisy, clean } = data.next().value;
    const tensor = (parts: readonly Float32Array[], size = 1) => ({ shape: [T, B * BINS, size], data: joined(parts) });
    const x = tensor(noisy.map(read), READ);
    const { loss } = await trainer.step({ x, target: { noisy: tensor(noisy), clean: tensor(clean) } });
    yield { step, steps: STEPS, loss };
  }
}

/** Takes the noise out of sound as it comes. The session keeps the states from frame to frame. */
export class Cleaner {
  readonly #fourier = new ShortTimeFourier({ frameLength: 512, hopLength: 128 });
  readonly #session: Session;
  constructor(session: Session) {
    this.#session = session;
  }
  static async open(runtime: Runtime, model: Masker) {
    return new Cleaner(await runtime.session(model, { inputs: { x: [1, BINS, READ] }, streams: BINS, on: "wasm" }));
  }
  async process(samples: Float32Array): Promise<Float32Array<ArrayBuffer>> {
    const done: Float32Array[] = [];
    for (const spectrum of this.#fourier.analyze(samples)) {
      const x = { shape: [1, BINS, READ], data: read(magnitudes(spectrum)) };
      const { mask } = await this.#session.run({ x });
      done.push(this.#fourier.synthesize(masked(spectrum, mask!.data)));
    }
    return joined(done);
  }
  /** The rest of a recording. */
  async flush() {
    const { pending, delay, hopLength } = this.#fourier;
    return (await this.process(new Float32Array(delay + hopLength))).subarray(0, pending);
  }
  dispose() {
    this.#session.dispose();
  }
}
