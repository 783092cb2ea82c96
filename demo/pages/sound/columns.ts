/** Pictures of sound: a column of levels for each frame. */
import { magnitudes, ShortTimeFourier } from "webgpu-rnn/sound";
import { RATE } from "./made-up.ts";

/** Rows of a column, the lowest frequency first, and dB of the first and the last of its 256 colours. */
export const ROWS = 96;
export const [LOWEST, LOUDEST] = [-70, -20];
/** Columns a second. */
export const PER_SECOND = RATE / 128;

/** Distances as one hears them (O'Shaughnessy 1987): the mel scale. */
const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels: number) => 700 * (10 ** (mels / 2595) - 1);
const TOP = mel(RATE / 2);
/** Where a frequency stands, as a share of the height from below. */
export const heightOf = (frequency: number): number => mel(frequency) / TOP;

export class Columns {
  readonly #fourier = new ShortTimeFourier({ frameLength: 512, hopLength: 128 });
  /** The first bin of each row, and one behind the last. */
  readonly #firsts = Array.from({ length: ROWS + 1 }, (_, row) =>
    Math.floor((hertz((row / ROWS) * TOP) / RATE) * this.#fourier.frameLength),
  );
  /** A sine of amplitude 1 has this magnitude. */
  readonly #full = this.#fourier.frameLength / Math.PI;

  /** What comes next of a sound. @returns columns one behind the other, each of ROWS levels from 0 to 255 */
  push(samples: Float32Array): Uint8Array<ArrayBuffer> {
    const spectra = this.#fourier.analyze(samples);
    const out = new Uint8Array(spectra.length * ROWS);
    spectra.forEach((spectrum, t) => {
      const found = magnitudes(spectrum);
      for (let row = 0; row < ROWS; row++) {
        const first = this.#firsts[row]!;
        const loudest = Math.max(...found.subarray(first, Math.max(first, this.#firsts[row + 1]! - 1) + 1));
        const level = 20 * Math.log10(loudest / this.#full + 1e-9);
        out[t * ROWS + row] = Math.max(0, Math.min(255, ((level - LOWEST) / (LOUDEST - LOWEST)) * 255));
      }
    });
    return out;
  }
}
