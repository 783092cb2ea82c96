/** Frames in and out again: with models that change nothing, so that every sample can be told. */
import { afterAll, describe, expect, test } from "vitest";
import { FileFormatError, OptionError, Runtime } from "../../src/index.ts";
import { Denoiser, VoiceActivity } from "../../src/sound/index.ts";
import { detectorOfMeans, stagesThatKeep, stageThatCounts } from "../support/sound-models.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const stages = stagesThatKeep();
const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i / 7) * Math.cos(i / 90));
const joined = (parts: readonly Float32Array[]) => parts.flatMap((part) => [...part]);
const close = (found: readonly number[], expected: ArrayLike<number>) => {
  expect(found).toHaveLength(expected.length);
  const worst = Math.max(0, ...found.map((x, i) => Math.abs(x - expected[i]!)));
  expect(worst).toBeLessThan(1e-5);
};

describe.each([1, 127, 128, 384, 385, 1000])("%i samples", (length) => {
  test("come out as they came in, as many", async () => {
    const denoiser = await Denoiser.open(runtime, stages);
    const out = [await denoiser.process(wave(length)), await denoiser.flush()];
    expect(out[0]).toHaveLength(Math.max(0, Math.floor(length / 128) * 128 - Denoiser.delay));
    close(joined(out), wave(length));
    denoiser.dispose();
  });
});

test("sound comes out of the float64 twins as it came in, too", async () => {
  const cpu = await Runtime.open({ backend: "cpu" });
  const denoiser = await Denoiser.open(cpu, stages);
  close(joined([await denoiser.process(wave(700)), await denoiser.flush()]), wave(700));
  cpu.dispose();
});

test("how sound is cut into calls makes no difference, nor does waiting for them", async () => {
  const denoiser = await Denoiser.open(runtime, stages);
  const samples = wave(1500);
  const cuts = [0, 1, 3, 200, 201, 700, 1500];
  const calls = cuts.slice(1).map((to, i) => denoiser.process(samples.subarray(cuts[i], to)));
  close(joined(await Promise.all([...calls, denoiser.flush()])), samples);
  denoiser.dispose();
});

test("what is given may be overwritten at once", async () => {
  const denoiser = await Denoiser.open(runtime, stages);
  const samples = wave(600);
  const out = denoiser.process(samples);
  samples.fill(9);
  close(joined([await out, await denoiser.flush()]), wave(600));
  denoiser.dispose();
});

test("the state goes on from frame to frame, and begins anew after flush and reset", async () => {
  const denoiser = await Denoiser.open(runtime, { ...stages, model2: stageThatCounts() });
  const ones = new Float32Array(512).fill(1);
  const first = [...(await denoiser.process(ones)), ...(await denoiser.flush())];
  // The first sample is in the frames 1 to 4, the last one in 4 to 7, each of which is k quarters.
  expect(first[0]).toBeCloseTo((1 + 2 + 3 + 4) / 4, 4);
  expect(first[511]).toBeCloseTo((4 + 5 + 6 + 7) / 4, 4);
  await denoiser.process(ones);
  await denoiser.reset();
  close([...(await denoiser.process(ones)), ...(await denoiser.flush())], first);
  denoiser.dispose();
});

test("voice activity: windows of 512 samples, with the 64 before", async () => {
  const detector = await VoiceActivity.open(runtime, { model: detectorOfMeans() });
  const ones = new Float32Array(700).fill(1);
  expect(await detector.process(ones)).toEqual([expect.closeTo(512 / 576, 5)]);
  expect(await detector.process(ones)).toEqual([expect.closeTo(1, 5)]);
  await detector.reset();
  expect(await detector.process(ones.subarray(0, 511))).toEqual([]);
  expect(await detector.process(ones.subarray(0, 1))).toEqual([expect.closeTo(512 / 576, 5)]);
  detector.dispose();
});

test("models in the wrong place, and what is no model, are refused; nothing stays in memory", async () => {
  const own = await Runtime.open({ backend: "wasm", threads: 1 });
  const { model1, model2 } = stages;
  await expect(Denoiser.open(own, { model1: model2, model2: model1 })).rejects.toThrow(
    "model1: expected the first stage of DTLN, [1,1,257] and a state to the same; it has the inputs frame [1,1,512], before [1,2,4,2]",
  );
  await expect(Denoiser.open(own, { model1, model2: model1 })).rejects.toThrow(FileFormatError);
  await expect(Denoiser.open(own, { model1, model2: detectorOfMeans() })).rejects.toThrow(FileFormatError);
  await expect(VoiceActivity.open(own, { model: model1 })).rejects.toThrow(/model: expected Silero's .* no input "sr"/);
  await expect(Denoiser.open(own, { model1 } as never)).rejects.toThrow(OptionError);
  await expect(Denoiser.open(own, { model1, model2, stages: 2 } as never)).rejects.toThrow(OptionError);
  expect(own.memory().models).toEqual([]);
  own.dispose();
});
