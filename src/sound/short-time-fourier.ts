import FFT from "fft.js";
import { checkCount, checkOptions, OptionError, ShapeError, shown } from "../index.ts";
import { Blocks } from "./blocks.ts";

export interface ShortTimeFourierOptions {
  /** Samples of a frame, a power of two from 4 on; default 512. */
  readonly frameLength?: number;
  /** Samples from the beginning of one frame to that of the next, of which `frameLength` is a multiple; default a quarter of it. */
  readonly hopLength?: number;
  /**
   * What a frame is multiplied by before its transform, and `synthesize` once more after the inverse: the square root of a Hann window
   * (default; frames have to overlap by half at least), or nothing, which is a rectangle.
   */
  readonly window?: "hann" | "rectangle";
}

const windows: Readonly<Record<string, (share: number) => number>> = {
  hann: (share) => Math.sin(Math.PI * share),
  rectangle: () => 1,
};

/**
 * The short-time Fourier transform of sound as it comes, and back: samples become frames that overlap, each a spectrum; spectra become
 * frames that are added where they overlap (Allen and Rabiner, "A Unified Approach to Short-Time Fourier Analysis and Synthesis",
 * Proceedings of the IEEE, 1977). Spectra that nobody changes give the same samples again.
 *
 * A spectrum is the half that real samples have: `bins` complex numbers, each as its real and its imaginary part one behind the other,
 * bin k at k · sampleRate / frameLength Hz. A first frame is there after `hopLength` samples, with zeros before them.
 */
export class ShortTimeFourier {
  readonly frameLength: number;
  readonly hopLength: number;
  /** Complex numbers of a spectrum: frameLength / 2 + 1. */
  readonly bins: number;
  /** Samples that have to follow one before it comes out of `synthesize`: frameLength - hopLength. */
  readonly delay: number;

  readonly #fft: FFT;
  readonly #window: Float64Array;
  /** The same, by which overlapping frames add up to what they were. */
  readonly #synthesis: Float64Array;
  readonly #hops: Blocks;
  /** The last samples that came in, and what of the frames so far is to come out. */
  readonly #heard: Float32Array;
  readonly #sum: Float32Array;
  readonly #windowed: Float64Array;
  /** Two complex numbers for each that a spectrum has. */
  readonly #whole: Float64Array;
  readonly #inverse: Float64Array;
  /** Frames that were added before the first sample that came in was done. */
  #added = 0;
  #pending = 0;

  /** @throws OptionError */
  constructor(options: ShortTimeFourierOptions = {}) {
    const name = "ShortTimeFourier";
    checkOptions(name, options, ["frameLength", "hopLength", "window"]);
    const { frameLength: frame = 512, hopLength: hop = frame / 4, window = "hann" } = options;
    checkCount(name, "frameLength", frame);
    if (frame < 4 || Math.log2(frame) % 1 !== 0)
      throw new OptionError(`${name}: frameLength is ${frame}, expected a power of two from 4 on`);
    checkCount(name, "hopLength", hop);
    if (!Object.hasOwn(windows, window))
      throw new OptionError(`${name}: window is ${shown(window)}, expected "hann" or "rectangle"`);
    const most = window === "hann" ? frame / 2 : frame;
    if (frame % hop !== 0 || hop > most)
      throw new OptionError(
        `${name}: hopLength is ${hop}, expected a part of frameLength, ${frame}, of at most ${most}`,
      );
    this.frameLength = frame;
    this.hopLength = hop;
    this.bins = frame / 2 + 1;
    this.delay = frame - hop;
    this.#fft = new FFT(frame);
    this.#window = Float64Array.from({ length: frame }, (_, i) => windows[window]!(i / frame));
    // Of either window the squares that overlap have the same sum everywhere.
    const sum = this.#window.reduce((total, x) => total + x * x, 0) / hop;
    this.#synthesis = this.#window.map((x) => x / sum);
    this.#hops = new Blocks(hop);
    this.#heard = new Float32Array(frame);
    this.#sum = new Float32Array(frame);
    this.#windowed = new Float64Array(frame);
    this.#whole = new Float64Array(2 * frame);
    this.#inverse = new Float64Array(2 * frame);
  }

  /** Samples that came in and have not come out yet: as many zeros as `delay + hopLength` behind them bring them out. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * @param samples what comes next, as many as there are
   * @returns a spectrum for each `hopLength` samples that are whole by now: `bins` times real part, imaginary part
   */
  analyze(samples: Float32Array): Float64Array[] {
    if (!(samples instanceof Float32Array))
      throw new ShapeError(`ShortTimeFourier: samples are ${shown(samples)}, expected a Float32Array`);
    this.#pending += samples.length;
    return this.#hops.take(samples).map((hop) => {
      this.#heard.copyWithin(0, hop.length);
      this.#heard.set(hop, this.delay);
      for (let i = 0; i < this.frameLength; i++) this.#windowed[i] = this.#heard[i]! * this.#window[i]!;
      this.#fft.realTransform(this.#whole, this.#windowed);
      return this.#whole.slice(0, 2 * this.bins);
    });
  }

  /**
   * @param spectrum one of `analyze`, changed or not; its imaginary parts at bin 0 and at the last one are not read
   * @returns `hopLength` samples that are done, in the order in which they came in; none for the first frames, up to `delay`
   * @throws ShapeError
   */
  synthesize(spectrum: Float64Array): Float32Array {
    const frame = this.inverse(spectrum);
    for (let i = 0; i < frame.length; i++) frame[i]! *= this.#synthesis[i]!;
    return this.add(frame);
  }

  /** The inverse transform alone. @returns a frame of `frameLength` samples @throws ShapeError */
  inverse(spectrum: Float64Array): Float32Array {
    if (!(spectrum instanceof Float64Array) || spectrum.length !== 2 * this.bins)
      throw new ShapeError(
        `ShortTimeFourier: a spectrum is ${shown(spectrum)}, expected a Float64Array of ${2 * this.bins} numbers`,
      );
    this.#whole.set(spectrum);
    this.#whole[1] = this.#whole[2 * this.bins - 1] = 0;
    this.#fft.completeSpectrum(this.#whole);
    this.#fft.inverseTransform(this.#inverse, this.#whole);
    return Float32Array.from({ length: this.frameLength }, (_, i) => this.#inverse[2 * i]!);
  }

  /**
   * Adds a frame to those before, as it is.
   * @param frame `frameLength` samples, what a session gives back
   * @returns the samples that are done, as `synthesize`
   * @throws ShapeError
   */
  add(frame: Float32Array | Float64Array): Float32Array {
    const isFrame = frame instanceof Float32Array || frame instanceof Float64Array;
    if (!isFrame || frame.length !== this.frameLength)
      throw new ShapeError(
        `ShortTimeFourier: a frame is ${shown(frame)}, expected a Float32Array of ${this.frameLength} samples`,
      );
    const [sum, hop] = [this.#sum, this.hopLength];
    sum.copyWithin(0, hop);
    sum.fill(0, this.delay);
    for (let i = 0; i < frame.length; i++) sum[i]! += frame[i]!;
    // What comes out first is of the zeros before the first sample.
    if (this.#added * hop < this.delay) {
      this.#added++;
      return new Float32Array(0);
    }
    this.#pending -= hop;
    return sum.slice(0, hop);
  }

  /** Forgets what came before. */
  reset(): void {
    this.#hops.reset();
    this.#heard.fill(0);
    this.#sum.fill(0);
    this.#added = this.#pending = 0;
  }
}

/** @param spectrum bins times real part, imaginary part @returns the magnitude of each bin */
export const magnitudes = (spectrum: Float64Array): Float32Array =>
  Float32Array.from({ length: spectrum.length / 2 }, (_, k) =>
    Math.sqrt(spectrum[2 * k]! ** 2 + spectrum[2 * k + 1]! ** 2),
  );

/**
 * Multiplies the magnitudes of a spectrum; phases stay as they are.
 * @param mask a factor for each bin
 * @returns another spectrum
 * @throws ShapeError
 */
export function masked(spectrum: Float64Array, mask: ArrayLike<number>): Float64Array {
  if (2 * mask.length !== spectrum.length)
    throw new ShapeError(`masked: a mask of ${mask.length} numbers for a spectrum of ${spectrum.length / 2} bins`);
  return spectrum.map((x, i) => x * mask[i >> 1]!);
}
