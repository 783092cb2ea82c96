import { checkCount, OptionError, shown } from "../index.ts";

/** Zero crossings of the sinc on either side. */
const CROSSINGS = 16;

/**
 * The same sound at another sample rate, by a sinc that is cut off with a Hann window (Smith and Gossett, "A Flexible Sampling-Rate
 * Conversion Method", ICASSP 1984). What the lower of the two rates cannot hold is left out.
 * @param samples of one channel
 * @param from Hz, a whole number @param to Hz, a whole number
 * @returns ⌈samples · to / from⌉ samples; the same array where the rates are equal
 * @throws OptionError
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (!(samples instanceof Float32Array))
    throw new OptionError(`resample: samples are ${shown(samples)}, expected a Float32Array`);
  checkCount("resample", "from", from);
  checkCount("resample", "to", to);
  if (from === to) return samples;
  // In samples of the input: how far the window goes, and the part of its band that stays.
  const share = Math.min(1, to / from);
  const reach = CROSSINGS / share;
  return Float32Array.from({ length: Math.ceil((samples.length * to) / from) }, (_, i) => {
    const at = (i * from) / to;
    const first = Math.max(0, Math.ceil(at - reach));
    const last = Math.min(samples.length - 1, Math.floor(at + reach));
    let sum = 0;
    for (let n = first; n <= last; n++) {
      const x = at - n;
      sum += samples[n]! * share * sinc(x * share) * (0.5 + 0.5 * Math.cos((Math.PI * x) / reach));
    }
    return sum;
  });
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
