/** Sound that goes through a network as it comes, and what it takes. */
import type { Runtime } from "webgpu-rnn";
import { joined } from "../../shell/joined.ts";
import { Columns } from "./columns.ts";
import { Cleaner, type Masker } from "./program.ts";

/** The reader's: both stages of DTLN, and Silero's detector. */
export interface Files {
  readonly model1?: File;
  readonly model2?: File;
  readonly speech?: File;
}

export interface Piece {
  readonly files: Files;
  /** What comes next, 16 kHz. */
  readonly samples: Float32Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** What is done by now. */
export interface Heard {
  readonly cleaned: Float32Array<ArrayBuffer>;
  /** Pictures of what came in and of what came out. */
  readonly columns: { readonly noisy: Uint8Array; readonly cleaned: Uint8Array };
  /** Probabilities, one for each 32 ms. */
  readonly speech: readonly number[];
  /** Of the denoiser alone, and of how many frames. */
  readonly milliseconds: number;
  readonly frames: number;
  /** Whether the denoiser is the one of the files. */
  readonly isPublished: boolean;
}

interface Networks {
  readonly denoiser: { process(samples: Float32Array): Promise<Float32Array>; flush(): Promise<Float32Array> };
  readonly detector?: { process(samples: Float32Array): Promise<number[]> };
  readonly isPublished: boolean;
  /** Frees what is not kept for the next sound. */
  dispose(): void;
}

async function networks(runtime: Runtime, model: Masker, files: Files): Promise<Networks> {
  const { model1, model2, speech } = files;
  const hasFiles = (model1 && model2) || speech;
  const published = hasFiles ? await (await import("./published.ts")).openPublished(runtime, files) : {};
  const own = published.denoiser ? undefined : await Cleaner.open(runtime, model);
  return {
    ...published,
    denoiser: published.denoiser ?? own!,
    isPublished: own === undefined,
    dispose: () => own?.dispose(),
  };
}

export class Listening {
  readonly #networks: Networks;
  readonly #columns = { noisy: new Columns(), cleaned: new Columns() };

  private constructor(opened: Networks) {
    this.#networks = opened;
  }

  /** @throws FileFormatError for files that are others */
  static async open(runtime: Runtime, model: Masker, files: Files): Promise<Listening> {
    return new Listening(await networks(runtime, model, files));
  }

  async push({ samples, isLast }: Pick<Piece, "samples" | "isLast">): Promise<Heard> {
    const { denoiser, detector, isPublished } = this.#networks;
    const began = performance.now();
    const done = await denoiser.process(samples);
    const milliseconds = performance.now() - began;
    const cleaned = joined([done, ...(isLast ? [await denoiser.flush()] : [])]);
    return {
      cleaned,
      columns: { noisy: this.#columns.noisy.push(samples), cleaned: this.#columns.cleaned.push(cleaned) },
      speech: (await detector?.process(samples)) ?? [],
      milliseconds,
      frames: samples.length / 128,
      isPublished,
    };
  }

  dispose(): void {
    this.#networks.dispose();
  }
}
