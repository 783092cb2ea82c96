/** The page "sound": what it makes up, its pictures, and its network on sound that comes in pieces. */
import { afterAll, expect, test } from "vitest";
import { Runtime } from "webgpu-rnn";
import { magnitudes, ShortTimeFourier } from "webgpu-rnn/sound";
import { Columns, heightOf, LOUDEST, LOWEST, ROWS } from "../../demo/pages/sound/columns.ts";
import { mixed, noise, noiseKinds, RATE, snrOf, voice } from "../../demo/pages/sound/made-up.ts";
import { mixtures } from "../../demo/pages/sound/mixtures.ts";
import { Cleaner, Masker } from "../../demo/pages/sound/program.ts";
import { level } from "../../demo/pages/sound/samples.ts";
import { joined } from "../../demo/shell/joined.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const sine = (hertz: number, seconds: number, amplitude = 1) =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => amplitude * Math.sin((2 * Math.PI * hertz * i) / RATE));

test("voices and noises are as loud as each other, the same for a seed, and others for another one", () => {
  const all = [(seed: number) => voice(seed, 2), ...noiseKinds.map((kind) => (seed: number) => noise(kind, seed, 2))];
  for (const make of all) {
    const made = make(3);
    expect(made).toHaveLength(2 * RATE);
    expect(level(made)).toBeCloseTo(-20, 3);
    expect(make(3)).toEqual(made);
    expect(make(4)).not.toEqual(made);
    expect(Math.max(...made.map(Math.abs))).toBeLessThan(1);
  }
});

test("a voice has pauses; white noise is even, pink noise falls by 3 dB an octave, a hum has a mains' harmonics", () => {
  const still = voice(1, 3).filter((x) => x === 0).length / (3 * RATE);
  expect(still).toBeGreaterThan(0.05);
  expect(still).toBeLessThan(0.6);
  /** Mean power of each bin, 31.25 Hz apart. */
  const powers = (samples: Float32Array) => {
    const spectra = new ShortTimeFourier().analyze(samples).map(magnitudes);
    return Array.from({ length: 257 }, (_, k) => spectra.reduce((sum, m) => sum + m[k]! ** 2, 0) / spectra.length);
  };
  const octave = (power: readonly number[], from: number) => {
    const part = power.slice(from, 2 * from);
    return 10 * Math.log10(part.reduce((sum, x) => sum + x, 0) / part.length);
  };
  const [white, pink] = (["white", "pink"] as const).map((kind) => powers(noise(kind, 1, 8)));
  expect(octave(white!, 16) - octave(white!, 64)).toBeCloseTo(0, 0);
  expect(octave(pink!, 16) - octave(pink!, 64)).toBeGreaterThan(5);
  expect(octave(pink!, 16) - octave(pink!, 64)).toBeLessThan(7);
  const hum = powers(noise("hum", 1, 2));
  const [low, high] = [hum.slice(0, 50), hum.slice(50)].map((part) => part.reduce((sum, x) => sum + x, 0));
  expect(low! / high!).toBeGreaterThan(10);
});

test.each([-5, 0, 10])("a mixture has the ratio that is asked for: %i dB", (snr) => {
  const clean = voice(2, 1);
  expect(snrOf(clean, mixed(clean, noise("pink", 2, 1), snr))).toBeCloseTo(snr, 3);
});

test("a picture has a tone where its frequency is, as loud as it is", () => {
  for (const hertz of [500, 1000, 3000]) {
    const columns = new Columns().push(sine(hertz, 0.5, 0.01));
    expect(columns).toHaveLength(62 * ROWS);
    const column = [...columns.subarray(30 * ROWS, 31 * ROWS)];
    const most = Math.max(...column);
    const rows = column.flatMap((x, row) => (x === most ? [row] : []));
    expect(rows.some((row) => Math.abs((row + 0.5) / ROWS - heightOf(hertz)) < 1.5 / ROWS)).toBe(true);
    // A sine of amplitude 0.01 is at -40 dB.
    expect(LOWEST + (most / 255) * (LOUDEST - LOWEST)).toBeCloseTo(-40, 0);
  }
});

test("training frames are magnitudes of voices, and of what is heard with noise in it", () => {
  const { noisy, clean } = mixtures(1, 20, 3).next().value;
  expect([noisy.length, clean.length, noisy[0]!.length]).toEqual([60, 60, 257]);
  const sum = (frames: readonly Float32Array[]) =>
    frames.flatMap((frame) => [...frame]).reduce((a, b) => a + b ** 2, 0);
  expect(sum(noisy)).toBeGreaterThan(sum(clean));
  expect(mixtures(1, 20, 3).next().value.noisy).toEqual(noisy);
});

test("sound in pieces comes out as the whole does, as many samples, and quieter where the mask is small", async () => {
  const model = new Masker();
  runtime.initialize(model, { seed: 1 });
  const samples = mixed(voice(1, 0.5), noise("white", 1, 0.5), 0);
  const outs: Float32Array[] = [];
  for (const cuts of [
    [0, 8000],
    [0, 1, 700, 701, 5000, 8000],
  ]) {
    const cleaner = await Cleaner.open(runtime, model);
    const parts: Float32Array[] = [];
    for (const [i, to] of cuts.slice(1).entries()) parts.push(await cleaner.process(samples.subarray(cuts[i], to)));
    outs.push(joined([...parts, await cleaner.flush()]));
    cleaner.dispose();
  }
  expect(outs[0]).toHaveLength(8000);
  expect(outs[1]).toEqual(outs[0]);
  // Before it has learned, a mask is near a half everywhere.
  expect(level(outs[0]!)).toBeLessThan(level(samples) - 3);
  expect(level(outs[0]!)).toBeGreaterThan(level(samples) - 12);
  runtime.release(model);
});
