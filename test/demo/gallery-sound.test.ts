/** The page of the gallery that takes noise out of sound. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { RandomStream } from "webgpu-rnn";
import { voice } from "../../demo/pages/sound/made-up.ts";
import { checkPages, phase, until } from "../support/gallery.ts";
import { detectorOfMeans, stagesThatKeep } from "../support/sound-models.ts";

/** A file of 16-bit samples, one channel, 16 kHz. */
function wav(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write("RIFF    WAVEfmt ");
  bytes.writeUInt32LE(bytes.length - 8, 4);
  const header = [
    [16, 4],
    [1, 2],
    [1, 2],
    [16_000, 4],
    [32_000, 4],
    [2, 2],
    [16, 2],
  ] as const;
  let at = 16;
  for (const [value, size] of header) at = bytes.writeUIntLE(value, at, size);
  bytes.write("data", at);
  bytes.writeUInt32LE(2 * samples.length, at + 4);
  samples.forEach((x, i) => {
    bytes.writeInt16LE(Math.round(32_767 * x), 44 + 2 * i);
  });
  return bytes;
}

const numberOf = async (page: Page, selector: string) =>
  Number((await page.textContent(selector))!.replace("−", "-").replace(/[^-\d.]/g, ""));
const open = (page: Page, id: string, name: string, bytes: Uint8Array) =>
  page.setInputFiles(`#${id}`, { name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });
/** The reader's sound has gone through. @param published whether through the networks of files */
const heard = (page: Page, published: boolean) =>
  until(page, `document.querySelector("#own[data-running=done]")?.dataset.published === "${published}"`);
/** How many colours a picture has, of those of 4000 of its points. */
const colours = (name: string) => `(() => {
  const canvas = document.querySelector("[data-sound=${name}] canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(Array.from({ length: 4000 }, (_, i) => data.slice(i * 36, i * 36 + 3).join())).size;
})()`;

/** The published networks, where they lie beside the repository. */
const published = ["dtln_1", "dtln_2", "silero_vad_16k_op15"].map((name) =>
  fileURLToPath(new URL(`../../../shared/models/${name}.onnx`, import.meta.url)),
);
const arePublished = published.every((file) => existsSync(file));
/** What the page says of a noise with them. */
let byPublished: { readonly after: number; readonly speech: number } | undefined;

const NOISE = new RandomStream(1, "a noise");
const hiss = Float32Array.from({ length: 32_000 }, () => 0.1 * NOISE.normal());

checkPages({
  sound: {
    async learns(page) {
      await phase(page, "done");
      // Voice and noise are as loud as each other; it was trained on neither.
      await until(page, `document.querySelector("#improved")?.textContent !== "–"`);
      expect(await numberOf(page, "#before")).toBeCloseTo(0, 0);
      // The first answers are of a network that has learned little.
      await until(page, `parseFloat(document.querySelector("#improved").textContent) >= 6`);
      const [before, after, improved] = await Promise.all(
        ["#before", "#after", "#improved"].map((id) => numberOf(page, id)),
      );
      expect(after! - before!).toBeCloseTo(improved!, 0);
      expect(await numberOf(page, ".sound-factor")).toBeLessThan(1);
      for (const name of ["noisy", "cleaned", "clean"])
        expect(await page.evaluate(colours(name)), name).toBeGreaterThan(20);
    },
    async answers(page) {
      // Less noise: less to be gained, and a better result.
      const first = await numberOf(page, "#after");
      await page.fill("#snr", "10");
      await until(page, `parseFloat(document.querySelector("#before").textContent) === 10`);
      expect(await numberOf(page, "#after")).toBeGreaterThan(first + 2);
      await page.click("label:has([value=white])");
      await page.fill("#snr", "0");
      await until(page, `parseFloat(document.querySelector("#before").textContent) === 0`);
      await until(page, `parseFloat(document.querySelector("#improved").textContent) >= 6`);
      expect(page.url()).toContain("noise=white");

      // Sound begins by a click, and ends by one.
      const button = page.locator("#mixture button.sound-play").first();
      await button.click();
      await until(page, `document.querySelector(".sound-now")?.style.left > "0%"`);
      await button.click();
      await until(page, `document.querySelector(".sound-now") === null`);

      // A file through the network that was trained here: a voice stays, a noise goes.
      await open(page, "soundFile", "hiss.wav", wav(hiss));
      await heard(page, false);
      expect(await numberOf(page, "#levelBefore")).toBeCloseTo(-20, 0);
      expect(await numberOf(page, "#levelAfter")).toBeLessThan(-26);
      await open(page, "soundFile", "voice.wav", wav(voice(5, 2)));
      await until(
        page,
        `Math.abs(parseFloat(document.querySelector("#levelAfter").textContent.replace("−", "-")) + 20) < 1.5`,
      );

      // What is no sound, and what is no model, is refused in its place.
      await open(page, "soundFile", "notes.wav", Buffer.from("no sound"));
      await until(page, `/notes.wav: /.test(document.querySelector("#refused")?.textContent)`);
      const { model1, model2 } = stagesThatKeep();
      await open(page, "model1", "model_2.onnx", model2);
      await open(page, "model2", "model_1.onnx", model1);
      await until(page, `/expected the first stage of DTLN/.test(document.querySelector("#refused")?.textContent)`);

      // Stages that leave sound as it is, and a detector of means: what comes out is known.
      await open(page, "model1", "model_1.onnx", model1);
      await open(page, "model2", "model_2.onnx", model2);
      await heard(page, true);
      expect(await page.textContent("#levelAfter")).toBe(await page.textContent("#levelBefore"));
      await open(page, "speech", "vad.onnx", detectorOfMeans());
      await open(page, "soundFile", "half.wav", wav(new Float32Array(16_000).fill(0.5)));
      const label = `document.querySelector('[role=img][aria-label^="Probability of speech"]')?.getAttribute("aria-label")`;
      await until(page, `/: 0.50\\.$/.test(${label})`);
      await heard(page, true);

      // No microphone, or not allowed: said in its place.
      await page.click("#microphone");
      await until(page, `document.querySelector("#refused") !== null`);
      // One that hums, from within the page.
      await page.evaluate(`navigator.mediaDevices.getUserMedia = async () => {
        const context = new AudioContext();
        const tone = new OscillatorNode(context, { frequency: 440 });
        const end = context.createMediaStreamDestination();
        tone.connect(end);
        tone.start();
        return end.stream;
      }`);
      await page.click("#microphone");
      await until(page, `document.querySelector("#own").dataset.running === "microphone"`);
      await until(page, `parseFloat(document.querySelector("#levelBefore").textContent.replace("−", "-")) > -10`);
      await page.click("#microphone");
      await heard(page, true);
      expect(await page.textContent("#levelAfter")).toBe(await page.textContent("#levelBefore"));

      if (!arePublished) return;
      // By their paths: what a test sends instead is put together on the page's own thread.
      for (const [i, id] of ["model1", "model2", "speech"].entries()) await page.setInputFiles(`#${id}`, published[i]!);
      await open(page, "soundFile", "hiss.wav", wav(hiss));
      await until(page, `parseFloat(document.querySelector("#levelAfter").textContent.replace("−", "-")) < -35`);
      await heard(page, true);
      const said = (await page.evaluate(label)) as string;
      byPublished = { after: await numberOf(page, "#levelAfter"), speech: Number(/: ([\d.]+)\.$/.exec(said)![1]) };
    },
  },
});

test("DTLN and Silero VAD hear no voice in a noise", ({ skip }) => {
  skip(!arePublished, "there is no ../shared/models/dtln_1.onnx");
  if (!byPublished) return skip("no browser opened the page");
  expect(byPublished.after).toBeLessThan(-35);
  expect(byPublished.speech).toBeLessThan(0.5);
});
