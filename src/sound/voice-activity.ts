import { checkOptions, OptionError, type Runtime, type SessionOptions, shown } from "../index.ts";
import { Blocks } from "./blocks.ts";
import { Queue } from "./queue.ts";
import { StreamedModel, type StreamedShape } from "./streamed-model.ts";

export interface VoiceActivityOptions {
  /** The file of Silero VAD, version 5, ONNX. */
  readonly model: Uint8Array;
  /** Where it computes, as of a session; default where the runtime does. */
  readonly on?: SessionOptions["on"];
}

/** Samples of a window, 32 ms, and of the one before that the model sees besides. */
const [WINDOW, CONTEXT] = [512, 64];

const silero: StreamedShape = {
  name: "model",
  expected:
    "Silero's voice activity detector: input [batch,samples], state [2,batch,128] and sr to a probability [batch,1]",
  input: [1, CONTEXT + WINDOW],
  isInput: ({ shape }) => shape?.length === 2,
  isOutput: ({ shape }) => shape?.length === 2,
  isState: ({ shape }) => shape?.length === 3,
  constants: { sr: 16_000 },
};

/**
 * Whether somebody speaks, window by window of 32 ms, by Silero VAD (https://github.com/snakers4/silero-vad). The weights are the
 * user's file.
 */
export class VoiceActivity {
  /** Hz. */
  static readonly sampleRate = silero.constants!.sr!;
  /** Samples of a window. */
  static readonly window = WINDOW;

  readonly #model: StreamedModel;
  readonly #queue = new Queue();
  readonly #heard = new Float32Array(CONTEXT + WINDOW);
  readonly #windows = new Blocks(WINDOW);

  private constructor(model: StreamedModel) {
    this.#model = model;
  }

  /**
   * @throws OptionError for unknown options; FileFormatError for a file that is not this model, or has what cannot be imported
   */
  static async open(runtime: Runtime, options: VoiceActivityOptions): Promise<VoiceActivity> {
    checkOptions("VoiceActivity", options, ["model", "on"]);
    const { model, on } = options;
    if (!(model instanceof Uint8Array))
      throw new OptionError(`VoiceActivity: model is ${shown(model)}, expected the bytes of an ONNX file`);
    return new VoiceActivity(await StreamedModel.open(runtime, model, silero, on));
  }

  /**
   * Takes what comes next. Calls may follow each other without waiting; they are answered in their order.
   * @param samples mono, 16 kHz, from -1 to 1; as many as there are
   * @returns the probability of speech in each window of 512 samples that is whole by now
   */
  process(samples: Float32Array): Promise<number[]> {
    const given = samples.slice();
    return this.#queue.add(() => this.#process(given));
  }

  /** Forgets what came before. */
  reset(): Promise<void> {
    return this.#queue.add(async () => {
      this.#model.reset();
      this.#heard.fill(0);
      this.#windows.reset();
    });
  }

  dispose(): void {
    this.#model.dispose();
  }

  async #process(samples: Float32Array): Promise<number[]> {
    const probabilities: number[] = [];
    for (const window of this.#windows.take(samples)) {
      this.#heard.copyWithin(0, WINDOW);
      this.#heard.set(window, CONTEXT);
      const [probability] = await this.#model.run(this.#heard);
      probabilities.push(probability!);
    }
    return probabilities;
  }
}
