/** Frames against the transform's sum, written down in float64; and samples that come out as they came in. */
import { describe, expect, test } from "vitest";
import { OptionError, ShapeError } from "../../src/index.ts";
import { magnitudes, masked, ShortTimeFourier } from "../../src/sound/index.ts";

const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i / 7) * Math.cos(i / 90) + 0.1);
const joined = (parts: readonly Float32Array[]) => parts.flatMap((part) => [...part]);
const worst = (found: ArrayLike<number>, expected: ArrayLike<number>) =>
  Array.from(found).reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);

/** Frame by frame: the last samples, zeros before the first, times the window; bin k is their sum with e^(-2πikn/N). */
function bySum(samples: Float32Array, frame: number, hop: number, window: (n: number) => number): number[][] {
  return Array.from({ length: Math.floor(samples.length / hop) }, (_, t) => {
    const at = (n: number) => (samples[(t + 1) * hop - frame + n] ?? 0) * window(n);
    return Array.from({ length: frame / 2 + 1 }, (_, k) => {
      const sum = [0, 0];
      for (let n = 0; n < frame; n++) {
        sum[0]! += at(n) * Math.cos((2 * Math.PI * k * n) / frame);
        sum[1]! -= at(n) * Math.sin((2 * Math.PI * k * n) / frame);
      }
      return sum;
    }).flat();
  });
}

const cases = [
  { frameLength: 64, hopLength: 16, window: "hann" },
  { frameLength: 64, hopLength: 32, window: "hann" },
  { frameLength: 32, hopLength: 32, window: "rectangle" },
  { frameLength: 128, hopLength: 32, window: "rectangle" },
  { frameLength: 4, hopLength: 1, window: "hann" },
] as const;

describe.each(cases)("$window, $frameLength samples, $hopLength apart", (options) => {
  const { frameLength, hopLength, window } = options;

  test("are the transform's sum", () => {
    const found = new ShortTimeFourier(options).analyze(wave(300));
    const root = (n: number) =>
      window === "hann" ? Math.sqrt(0.5 - 0.5 * Math.cos((2 * Math.PI * n) / frameLength)) : 1;
    const expected = bySum(wave(300), frameLength, hopLength, root);
    expect(found).toHaveLength(expected.length);
    found.forEach((spectrum, t) => {
      expect(worst(spectrum, expected[t]!)).toBeLessThan(1e-12);
      expect(worst(magnitudes(spectrum), magnitudesOf(expected[t]!))).toBeLessThan(1e-5);
    });
  });

  test("come out as they came in, however they are cut", () => {
    const fourier = new ShortTimeFourier(options);
    const samples = wave(1000);
    const cuts = [0, 1, 130, 131, 700, 1000];
    for (const again of [1, 2]) {
      const parts: Float32Array[] = [];
      const take = (some: Float32Array) =>
        fourier.analyze(some).map((spectrum) => parts.push(fourier.synthesize(spectrum)));
      cuts.slice(1).forEach((to, i) => void take(samples.subarray(cuts[i], to)));
      const { pending } = fourier;
      expect(joined(parts)).toHaveLength(Math.max(0, Math.floor(1000 / hopLength) * hopLength - fourier.delay));
      expect(joined(parts).length + pending).toBe(1000);
      take(new Float32Array(fourier.delay + hopLength));
      const out = joined(parts).slice(0, 1000);
      expect(out).toHaveLength(1000);
      expect(worst(out, samples), `time ${again}`).toBeLessThan(1e-6);
      fourier.reset();
      expect(fourier.pending).toBe(0);
    }
  });
});

const magnitudesOf = (spectrum: readonly number[]) =>
  Array.from({ length: spectrum.length / 2 }, (_, k) => Math.sqrt(spectrum[2 * k]! ** 2 + spectrum[2 * k + 1]! ** 2));

test("a mask takes a tone away and leaves another", () => {
  const [hertz, rate] = [1000, 16_000];
  const low = Float32Array.from({ length: 4096 }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
  const both = low.map((x, i) => x + Math.sin((2 * Math.PI * 4000 * i) / rate));
  const fourier = new ShortTimeFourier();
  const mask = Float32Array.from({ length: fourier.bins }, (_, k) => Number((k * rate) / fourier.frameLength < 2500));
  const out = joined(fourier.analyze(both).map((spectrum) => fourier.synthesize(masked(spectrum, mask))));
  // The tones begin abruptly, with every frequency.
  expect(worst(out.slice(512, 3000), low.subarray(512, 3000))).toBeLessThan(1e-4);
});

test("frames can be added as they are, after the inverse alone", () => {
  const fourier = new ShortTimeFourier({ frameLength: 8, hopLength: 4, window: "rectangle" });
  const samples = wave(16);
  const frames = fourier.analyze(samples).map((spectrum) => fourier.inverse(spectrum));
  expect(worst(frames[1]!, samples.subarray(0, 8))).toBeLessThan(1e-7);
  const sums = frames.map((frame) => [...fourier.add(frame)]);
  expect(sums[0]).toEqual([]);
  expect(
    worst(
      sums.flat(),
      samples.map((x) => 2 * x),
    ),
  ).toBeLessThan(1e-6);
});

test("what cannot be is refused", () => {
  for (const options of [
    { frameLength: 100 },
    { frameLength: 2 },
    { frameLength: 64, hopLength: 24 },
    { frameLength: 64, hopLength: 64 },
    { frameLength: 64, hopLength: 128, window: "rectangle" },
    { hopLength: 0.5 },
    { window: "toString" },
    { nFft: 512 },
  ])
    expect(() => new ShortTimeFourier(options as never), JSON.stringify(options)).toThrow(OptionError);
  expect(() => new ShortTimeFourier({ frameLength: 64, hopLength: 64 })).toThrow(
    "ShortTimeFourier: hopLength is 64, expected a part of frameLength, 64, of at most 32",
  );
  const fourier = new ShortTimeFourier();
  expect(() => fourier.analyze([1, 2] as never)).toThrow(ShapeError);
  expect(() => fourier.synthesize(new Float64Array(512))).toThrow("expected a Float64Array of 514 numbers");
  expect(() => fourier.add(new Float32Array(128))).toThrow("expected a Float32Array of 512 samples");
  expect(() => masked(new Float64Array(514), new Float32Array(256))).toThrow(ShapeError);
});
