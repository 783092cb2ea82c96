/** The denoiser and the detector on published models beside ONNX Runtime, with a transform of its own: 300 frames. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Denoiser, VoiceActivity } from "../../src/sound/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { numbers } from "../support/onnx-graphs.ts";
import { absent, pathOf, publishedModels } from "../support/onnx-models.ts";
import { ReferenceModel } from "./onnxruntime.ts";

const { onEach } = await backendsForTests();
const [FRAME, SHIFT, BINS] = [512, 128, 257];
const FRAMES = { wasm: 300, gpu: 300, cpu: 4 };
const published = (part: string) => publishedModels.find(({ name }) => name.includes(part))!;
const [first, second, silero] = [published("dtln_1"), published("dtln_2"), published("silero")];
const bytesOf = (one: typeof first) => new Uint8Array(readFileSync(pathOf(one)!));

/** A made-up voice: tones that come and go, in noise. */
const sound = (length: number) =>
  Float32Array.from({ length }, (_, i) => {
    const voice =
      Math.sin(i / 9) * Math.max(0, Math.sin(i / 2500)) + 0.5 * Math.sin(i / 4.1) * Math.max(0, Math.sin(i / 900));
    return 0.3 * voice + 0.05 * Math.sin(i * i * 0.37);
  });

const zeros = (shape: readonly number[]) => numbers("FLOAT", Array(shape.reduce((a, b) => a * b)).fill(0), shape);

/** A model of ONNX Runtime with its state. */
async function carried({ state, output }: typeof first, path: string) {
  const model = await ReferenceModel.open(path);
  let before = zeros(state.shape);
  return {
    async run(inputs: Parameters<ReferenceModel["run"]>[0]) {
      const results = await model.run({ ...inputs, [state.input]: before });
      before = numbers("FLOAT", results[state.output]!.data, state.shape);
      return results[output]!.data;
    },
    close: () => model.close(),
  };
}

/** The pipeline by the book: a discrete Fourier transform as its sum, a mask, its inverse, overlapping frames added. */
async function reference(samples: Float32Array): Promise<number[]> {
  const [one, two] = [await carried(first, pathOf(first)!), await carried(second, pathOf(second)!)];
  const angle = Array.from({ length: FRAME }, (_, n) => (2 * Math.PI * n) / FRAME);
  const [cos, sin] = [angle.map(Math.cos), angle.map(Math.sin)];
  const heard: number[] = Array(FRAME).fill(0);
  const out: number[] = Array(samples.length + FRAME).fill(0);
  for (let at = 0; at < samples.length; at += SHIFT) {
    heard.splice(0, SHIFT);
    heard.push(...samples.subarray(at, at + SHIFT));
    const parts = Array.from({ length: BINS }, (_, k) => {
      let [re, im] = [0, 0];
      for (let n = 0; n < FRAME; n++) {
        re += heard[n]! * cos[(k * n) % FRAME]!;
        im -= heard[n]! * sin[(k * n) % FRAME]!;
      }
      return [re, im] as const;
    });
    const magnitudes = parts.map(([re, im]) => Math.hypot(re, im));
    const [input] = Object.keys(first.inputs) as [string];
    const mask = await one.run({ [input]: numbers("FLOAT", magnitudes, [1, 1, BINS]) });
    const masked = Array.from({ length: FRAME }, (_, n) => {
      let sum = 0;
      for (const [k, [re, im]] of parts.entries()) {
        const part = mask[k]! * (re * cos[(k * n) % FRAME]! - im * sin[(k * n) % FRAME]!);
        // All but the first and the last stand for their mirror images, too.
        sum += k === 0 || k === BINS - 1 ? part : 2 * part;
      }
      return sum / FRAME;
    });
    const [frame] = Object.keys(second.inputs) as [string];
    for (const [n, y] of (await two.run({ [frame]: numbers("FLOAT", masked, [1, 1, FRAME]) })).entries())
      out[at + n]! += y;
  }
  await Promise.all([one.close(), two.close()]);
  // The first frame ends with the first 128 samples.
  return out.slice(FRAME - SHIFT);
}

onEach(({ kind, open }) => {
  test("noise is taken out as by ONNX Runtime", async (context) => {
    context.skip(!pathOf(first) || !pathOf(second), absent(first));
    const runtime = await open();
    const samples = sound(FRAMES[kind] * SHIFT);
    const denoiser = await Denoiser.open(runtime, { model1: bytesOf(first), model2: bytesOf(second) });
    const out = await denoiser.process(samples);
    const expected = await reference(samples);
    expect(out).toHaveLength(Math.max(0, samples.length - Denoiser.delay));
    const worst = out.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
    expect(worst).toBeLessThan(1e-4);
    // Not silence: what comes out is a sound.
    if (kind !== "cpu") expect(Math.max(...out)).toBeGreaterThan(0.05);
    denoiser.dispose();
    runtime.dispose();
  });

  test("speech is found as by ONNX Runtime", async (context) => {
    context.skip(!pathOf(silero), absent(silero));
    const runtime = await open();
    const windows = kind === "cpu" ? 3 : 75;
    const samples = sound(windows * VoiceActivity.window);
    const detector = await VoiceActivity.open(runtime, { model: bytesOf(silero) });
    const got = await detector.process(samples);
    const model = await carried(silero, pathOf(silero)!);
    const padded = [...Array(64).fill(0), ...samples];
    for (const [i, probability] of got.entries()) {
      const input = numbers("FLOAT", padded.slice(i * 512, i * 512 + 576), [1, 576]);
      const [expected] = await model.run({ input, sr: { type: "INT64", shape: [], values: [16_000] } });
      expect(Math.abs(probability - expected!), `window ${i}`).toBeLessThan(1e-4);
    }
    expect(got).toHaveLength(windows);
    await model.close();
    detector.dispose();
    runtime.dispose();
  });
}, "sound");
