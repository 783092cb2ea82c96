import { checkOptions, OptionError, type Runtime, type SessionOptions, shown } from "../index.ts";
import type { OnnxValue } from "../onnx/index.ts";
import { joined } from "./blocks.ts";
import { Queue } from "./queue.ts";
import { magnitudes, masked, ShortTimeFourier } from "./short-time-fourier.ts";
import { StreamedModel, type StreamedShape } from "./streamed-model.ts";

export interface DenoiserOptions {
  /** The file of the first stage, ONNX: magnitudes of a spectrum `[1,1,257]` to a mask. */
  readonly model1: Uint8Array;
  /** The file of the second stage, ONNX: a frame of 512 samples `[1,1,512]` to one. */
  readonly model2: Uint8Array;
  /** Where they compute, as of a session; default where the runtime does. */
  readonly on?: SessionOptions["on"];
}

/** Samples of a frame, and from one frame to the next. */
const [FRAME, SHIFT] = [512, 128];
/** Numbers of a spectrum: half of it, and the middle. */
const BINS = FRAME / 2 + 1;

const stage = (name: string, length: number): StreamedShape => {
  const isFrame = ({ shape }: OnnxValue) => shape?.length === 3 && shape[2] === length;
  return {
    name,
    expected: `the ${name === "model1" ? "first" : "second"} stage of DTLN, [1,1,${length}] and a state to the same`,
    input: [1, 1, length],
    isInput: isFrame,
    isOutput: isFrame,
    isState: ({ shape }) => shape?.length === 4,
  };
};

/**
 * Takes noise out of speech while it comes in, with a network of two stages: one masks the spectrum of a frame, the other the frame
 * in a learned representation (DTLN: Westhausen and Meyer, "Dual-Signal Transformation LSTM Network for Real-Time Noise Suppression",
 * Interspeech 2020). Frames of 512 samples, 128 apart, are added where they overlap, as there. Weights are the user's files.
 */
export class Denoiser {
  /** Samples a second that the models were trained with, Hz. */
  static readonly sampleRate = 16_000;
  /** Samples that have to follow one before it comes out: 24 ms. */
  static readonly delay = FRAME - SHIFT;

  readonly #first: StreamedModel;
  readonly #second: StreamedModel;
  readonly #queue = new Queue();
  readonly #fourier = new ShortTimeFourier({ frameLength: FRAME, hopLength: SHIFT, window: "rectangle" });

  private constructor(first: StreamedModel, second: StreamedModel) {
    this.#first = first;
    this.#second = second;
  }

  /**
   * @throws OptionError for unknown options; FileFormatError for files that are not these models, or have what cannot be imported
   */
  static async open(runtime: Runtime, options: DenoiserOptions): Promise<Denoiser> {
    checkOptions("Denoiser", options, ["model1", "model2", "on"]);
    const { model1, model2, on } = options;
    for (const [name, bytes] of Object.entries({ model1, model2 }))
      if (!(bytes instanceof Uint8Array))
        throw new OptionError(`Denoiser: ${name} is ${shown(bytes)}, expected the bytes of an ONNX file`);
    const first = await StreamedModel.open(runtime, model1, stage("model1", BINS), on);
    try {
      return new Denoiser(first, await StreamedModel.open(runtime, model2, stage("model2", FRAME), on));
    } catch (error) {
      first.dispose();
      throw error;
    }
  }

  /**
   * Takes what comes next. Calls may follow each other without waiting; they are answered in their order.
   * @param samples mono, 16 kHz, from -1 to 1; as many as there are
   * @returns what is done by now: sample by sample what came in, at most `delay` plus 127 samples later
   */
  process(samples: Float32Array): Promise<Float32Array> {
    const given = samples.slice();
    return this.#queue.add(() => this.#process(given));
  }

  /** Ends a recording: gives the rest, so that as many samples came out as in, and begins anew. */
  flush(): Promise<Float32Array> {
    return this.#queue.add(async () => {
      const left = this.#fourier.pending;
      const rest = await this.#process(new Float32Array(Denoiser.delay + SHIFT));
      this.#reset();
      return rest.subarray(0, left);
    });
  }

  /** Forgets what came before. */
  reset(): Promise<void> {
    return this.#queue.add(async () => this.#reset());
  }

  dispose(): void {
    this.#first.dispose();
    this.#second.dispose();
  }

  #reset(): void {
    this.#first.reset();
    this.#second.reset();
    this.#fourier.reset();
  }

  async #process(samples: Float32Array): Promise<Float32Array> {
    const parts: Float32Array[] = [];
    for (const spectrum of this.#fourier.analyze(samples)) {
      // The phase stays as it is.
      const mask = await this.#first.run(magnitudes(spectrum));
      const frame = await this.#second.run(this.#fourier.inverse(masked(spectrum, mask)));
      parts.push(this.#fourier.add(frame));
    }
    return joined(parts);
  }
}
