/** `denoise` on WAV files, with models that leave sound as it is. */
import { readFile, writeFile } from "node:fs/promises";
import decodeWav from "@audio/decode-wav";
import encoderOfWav from "@audio/encode-wav";
import { beforeEach, expect, test } from "vitest";
import { commandLine, temporaryFolder } from "../support/command-line.ts";
import { detectorOfMeans, stagesThatKeep } from "../support/sound-models.ts";

const { at } = temporaryFolder();
const on = ["--backend", "wasm", "--threads", "1"];
const models = () => ["--model-1", at("one.onnx"), "--model-2", at("two.onnx")];

async function wav(path: string, sampleRate: number, channels: Float32Array[]): Promise<void> {
  const encoder = await encoderOfWav({ sampleRate, bitDepth: 32 });
  await writeFile(path, Buffer.concat([encoder.encode(channels), encoder.flush()]));
}
const sine = (rate: number, hertz: number, length: number) =>
  Float32Array.from({ length }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate));

beforeEach(async () => {
  const { model1, model2 } = stagesThatKeep();
  await Promise.all([
    writeFile(at("one.onnx"), model1),
    writeFile(at("two.onnx"), model2),
    writeFile(at("vad.onnx"), detectorOfMeans()),
    wav(at("in.wav"), 16_000, [sine(16_000, 440, 3000), sine(16_000, 200, 3000)]),
  ]);
});

test("each channel comes out as it came in, and the real-time factor is told", async () => {
  const ran = await commandLine("denoise", at("in.wav"), at("out.wav"), ...models(), ...on);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stdout).toMatch(
    /out\.wav: 0\.19 s of sound in \d.*, real-time factor \d+\.\d{3} \(\d+\.\d\d ms for a frame of 8 ms\)\n$/,
  );
  const { channelData, sampleRate } = decodeWav(await readFile(at("out.wav")));
  expect(sampleRate).toBe(16_000);
  for (const [c, hertz] of [440, 200].entries()) {
    const expected = sine(16_000, hertz, 3000);
    expect(channelData[c]).toHaveLength(3000);
    // 16 bits.
    expect(Math.max(...channelData[c]!.map((x, i) => Math.abs(x - expected[i]!)))).toBeLessThan(1 / 32_000);
  }
});

test("another sample rate is converted; --json tells of speech", async () => {
  const loud = new Float32Array(24_000).fill(0.9);
  loud.fill(0, 0, 8_000);
  await wav(at("slow.wav"), 8_000, [loud]);
  const args = [...models(), "--vad", at("vad.onnx"), "--json", ...on];
  const ran = await commandLine("denoise", at("slow.wav"), at("slow-out.wav"), ...args);
  const record = JSON.parse(ran.stdout);
  expect(record).toMatchObject({ out: at("slow-out.wav"), seconds: 3, channels: 1, backend: "wasm" });
  expect(record.millisecondsPerFrame).toBeCloseTo(record.realTimeFactor * 8, 6);
  expect(record.speech).toHaveLength(1);
  expect(record.speech[0][0]).toBeCloseTo(1, 1);
  expect(record.speech[0][1]).toBeCloseTo(3, 1);
});

test("a file that is there is not replaced without --force", async () => {
  await writeFile(at("there.wav"), "mine");
  const refused = await commandLine("denoise", at("in.wav"), at("there.wav"), ...models(), ...on);
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toMatch(/is there already and would be replaced/);
  expect(await readFile(at("there.wav"), "utf8")).toBe("mine");
  expect(await commandLine("denoise", at("in.wav"), at("there.wav"), ...models(), "--force", ...on)).toMatchObject({
    code: 0,
  });
});

test.each([
  ["a text", () => "no sound", /in2\.wav: is no WAV file that can be read/],
  [
    "half a header",
    () => "RIFF\x24\x00\x00\x00WAVEfmt ",
    /in2\.wav: is no WAV file that can be read: it has 0 samples a second/,
  ],
])("%s is refused", async (_, content, message) => {
  await writeFile(at("in2.wav"), content(), "latin1");
  const ran = await commandLine("denoise", at("in2.wav"), at("none.wav"), ...models(), ...on);
  expect(ran.stderr).toMatch(message);
  expect(ran.code).toBe(1);
});

test("models that are missing or others are named", async () => {
  const missing = await commandLine("denoise", at("in.wav"), at("none.wav"), "--model-1", at("one.onnx"), ...on);
  expect(missing.stderr).toMatch(/--model-2/);
  const absent = ["--model-1", at("nowhere.onnx"), "--model-2", at("two.onnx")];
  expect((await commandLine("denoise", at("in.wav"), at("none.wav"), ...absent, ...on)).stderr).toMatch(
    /nowhere\.onnx.*DTLN/s,
  );
  const swapped = ["--model-1", at("two.onnx"), "--model-2", at("one.onnx")];
  expect((await commandLine("denoise", at("in.wav"), at("none.wav"), ...swapped, ...on)).stderr).toMatch(
    /expected the first stage of DTLN/,
  );
});
