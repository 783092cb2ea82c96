/** What the network learns from: frames of voices in noise, and of the same voices without it. */
import { RandomStream } from "webgpu-rnn";
import { magnitudes, ShortTimeFourier } from "webgpu-rnn/sound";
import { noise, noiseKinds, voice } from "./made-up.ts";

export interface Mixture {
  /** Magnitudes of the spectra, frame by frame, in each frame those of all mixtures. */
  readonly noisy: readonly Float32Array[];
  readonly clean: readonly Float32Array[];
}

const SECONDS = 2;

/** @param steps frames one behind the other @param count of mixtures beside each other */
export function* mixtures(seed: number, steps: number, count: number): Generator<Mixture, never> {
  const random = new RandomStream(seed, "mixtures");
  const pick = <V>(all: readonly V[]) => all[Math.floor(random.next() * all.length)]!;
  const spectra = (samples: Float32Array) => new ShortTimeFourier().analyze(samples);
  const voices = Array.from({ length: 8 }, (_, i) => spectra(voice(seed + i, SECONDS)));
  const noises = noiseKinds.flatMap((kind) => [0, 1].map((i) => spectra(noise(kind, seed + i, SECONDS))));
  for (;;) {
    const chosen = Array.from({ length: count }, () => {
      const clean = pick(voices);
      // From 10 to -5 dB.
      const gain = 10 ** (0.75 * random.next() - 0.5);
      return { clean, other: pick(noises), gain, start: Math.floor(random.next() * (clean.length - steps)) };
    });
    const frames = Array.from({ length: steps }, (_, t) =>
      chosen.map(({ clean, other, gain, start }) => {
        const [s, n] = [clean[start + t]!, other[start + t]!];
        // The transform is linear: the spectrum of a sum is the sum of the spectra.
        return { noisy: magnitudes(s.map((part, i) => part + gain * n[i]!)), clean: magnitudes(s) };
      }),
    ).flat();
    yield { noisy: frames.map(({ noisy }) => noisy), clean: frames.map(({ clean }) => clean) };
  }
}
