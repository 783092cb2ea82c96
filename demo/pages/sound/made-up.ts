/** Sound that is made up: something like a voice, and noise to put it into. */
import { RandomStream } from "webgpu-rnn";

/** Samples a second. */
export const RATE = 16_000;

export const noiseKinds = ["white", "pink", "hum"] as const;
export type NoiseKind = (typeof noiseKinds)[number];

/** Resonances of vowels, Hz. */
const vowels = [
  [750, 1200, 2500],
  [500, 1800, 2500],
  [300, 2250, 3000],
  [500, 900, 2500],
  [330, 800, 2300],
] as const;

/** Samples for which the loudness of every harmonic stays as it is. */
const BLOCK = 128;
const LOUDNESS = 0.1;

/** Harmonics of a pitch that glides, louder near resonances that glide from vowel to vowel; syllables, and pauses between them. */
export function voice(seed: number, seconds: number): Float32Array<ArrayBuffer> {
  const random = new RandomStream(seed, "voice");
  const between = (low: number, high: number) => low + (high - low) * random.next();
  const out = new Float32Array(Math.round(seconds * RATE));
  const speaker = between(100, 220);
  let phase = 0;
  for (let at = Math.round(between(0.05, 0.2) * RATE); at < out.length; ) {
    const length = Math.round(between(0.14, 0.35) * RATE);
    const [pitch, glide] = [speaker * between(0.85, 1.2), between(-0.25, 0.25)];
    const [from, to] = [0, 1].map(() => vowels[Math.floor(random.next() * vowels.length)]!) as [Vowel, Vowel];
    const loud = between(0.5, 1);
    for (let start = 0; start < length; start += BLOCK) {
      const share = start / length;
      const hertz = pitch * (1 + glide * share);
      const harmonics = loudness(
        hertz,
        [0, 1, 2].map((f) => from[f]! + (to[f]! - from[f]!) * share),
      );
      for (let i = start; i < Math.min(start + BLOCK, length) && at + i < out.length; i++) {
        phase += (2 * Math.PI * hertz) / RATE;
        out[at + i] = loud * Math.sqrt(Math.sin((Math.PI * i) / length)) * sumOfSines(phase, harmonics);
      }
    }
    at += length + Math.round((random.next() < 0.25 ? between(0.2, 0.4) : between(0.02, 0.08)) * RATE);
  }
  return scaled(out, LOUDNESS / Math.sqrt(power(out)));
}

type Vowel = (typeof vowels)[number];

const loudness = (hertz: number, resonances: readonly number[]): number[] =>
  Array.from({ length: Math.floor(4000 / hertz) }, (_, k) => {
    const near = (at: number) => 1 / (1 + (((k + 1) * hertz - at) / 100) ** 2);
    return (0.03 + resonances.reduce((sum, at, f) => sum + near(at) / (f + 1), 0)) / Math.sqrt(k + 1);
  });

/** Σ loud[k] · sin((k + 1) · phase), each sine from the two before it. */
function sumOfSines(phase: number, loud: readonly number[]): number {
  const twice = 2 * Math.cos(phase);
  let [before, sine, sum] = [0, Math.sin(phase), 0];
  for (const factor of loud) {
    sum += factor * sine;
    [before, sine] = [sine, twice * sine - before];
  }
  return sum;
}

/** As loud as the voice. */
export function noise(kind: NoiseKind, seed: number, seconds: number): Float32Array<ArrayBuffer> {
  const random = new RandomStream(seed, `${kind} noise`);
  const uniform = () => 2 * random.next() - 1;
  const length = Math.round(seconds * RATE);
  const samples: Readonly<Record<NoiseKind, () => (i: number) => number>> = {
    white: () => uniform,
    // Numbers that change at every sample, at every second one, every fourth …: power that falls with the frequency.
    pink: () => {
      const held = Array.from({ length: 12 }, uniform);
      return (i) => {
        for (let k = 0; k < held.length && i % 2 ** k === 0; k++) held[k] = uniform();
        return held.reduce((sum, x) => sum + x, 0);
      };
    },
    // Mains: 50 or 60 Hz with its harmonics, and some hiss.
    hum: () => {
      const hertz = random.next() < 0.5 ? 50 : 60;
      const harmonics = Array.from({ length: 24 }, (_, k) => random.next() / Math.sqrt(k + 1));
      return (i) => sumOfSines((2 * Math.PI * hertz * i) / RATE, harmonics) + 0.15 * uniform();
    },
  };
  const next = samples[kind]();
  const out = Float32Array.from({ length }, (_, i) => next(i));
  return scaled(out, LOUDNESS / Math.sqrt(power(out)));
}

const scaled = (samples: Float32Array<ArrayBuffer>, factor: number) => samples.map((x) => x * factor);

const power = (samples: Float32Array): number => samples.reduce((sum, x) => sum + x * x, 0) / samples.length;

/** Voice and noise of the same loudness, mixed at a signal-to-noise ratio in dB. */
export const mixed = (clean: Float32Array, noisy: Float32Array, snr: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(clean, (x, i) => x + noisy[i]! * 10 ** (-snr / 20));

/** The signal-to-noise ratio in dB of what is not quite the clean samples. */
export const snrOf = (clean: Float32Array, found: Float32Array): number =>
  10 * Math.log10(power(clean) / power(clean.map((x, i) => x - found[i]!)));
