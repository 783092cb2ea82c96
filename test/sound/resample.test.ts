/** Sine waves at another sample rate are the same sine waves; what the lower rate cannot hold is gone. */
import { expect, test } from "vitest";
import { OptionError } from "../../src/index.ts";
import { resample } from "../../src/sound/index.ts";

const sine = (rate: number, hertz: number, length: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));

test.each([
  [8000, 16000],
  [44100, 16000],
  [48000, 16000],
  [16000, 44100],
  [11025, 16000],
])("from %i to %i Hz", (from, to) => {
  const seconds = 0.1;
  const out = resample(sine(from, 440, from * seconds), from, to);
  expect(out).toHaveLength(Math.ceil((Math.floor(from * seconds) * to) / from));
  const expected = sine(to, 440, out.length);
  // Beyond the ends there is nothing.
  const inner = [...out.keys()].slice(100, -100);
  expect(Math.max(...inner.map((i) => Math.abs(out[i]! - expected[i]!)))).toBeLessThan(2e-3);
});

test("what is above half the new rate is left out", () => {
  const out = resample(sine(44100, 11000, 4410), 44100, 16000).subarray(100, -100);
  expect(Math.max(...out.map(Math.abs))).toBeLessThan(0.01);
});

test("an equal rate gives the same array; bad rates are refused", () => {
  const samples = new Float32Array(5);
  expect(resample(samples, 16000, 16000)).toBe(samples);
  expect(resample(new Float32Array(0), 8000, 16000)).toHaveLength(0);
  for (const [from, to] of [
    [0, 1],
    [1.5, 2],
    [8000, Number.NaN],
  ] as const)
    expect(() => resample(samples, from, to)).toThrow(OptionError);
  expect(() => resample([1, 2] as never, 1, 2)).toThrow(OptionError);
});
