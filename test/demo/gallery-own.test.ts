/** Pages of the gallery about strings like DNA, and about files of the reader. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { GRU, Linear, Module, Runtime, type Tensor, writeSafetensors } from "webgpu-rnn";
import { checkPages, phase, until } from "../support/gallery.ts";

/** The letters that the page marks, from the first of them on. */
const marked = `[...document.querySelectorAll(".life-motif button")].map((one) => one.textContent).join("")`;
const frames = `[...document.querySelectorAll(".life-frame")].map((one) => one.textContent).join("")`;
const best = `document.querySelector(".bars .best dt")?.textContent`;

/** Letters that a motif and what is marked as it have in common, place by place, moved by one at most. */
const overlap = async (page: Page, motif: string) => {
  const found = (await page.evaluate(marked)) as string;
  const common = [-1, 0, 1].map((by) => [...motif].filter((letter, i) => found[i + by] === letter).length);
  return Math.max(...common);
};

/** Largest differences from the twins in float64, of the backends that ran beside them. */
const differences = `[...document.querySelectorAll("#compared .own-difference")].map(({ textContent }) => Number(textContent)).filter((n) => !Number.isNaN(n))`;
const layers = `[...document.querySelectorAll(".own-layers li")].map(({ textContent }) => textContent)`;

/** A model as PyTorch would save it, and its file. */
class Backwards extends Module {
  encoder = new GRU({ inputSize: 5, hiddenSize: 7, numLayers: 2, bidirectional: true });
  fc = new Linear({ inFeatures: 14, outFeatures: 3 });
  forward(x: Tensor) {
    return this.fc.forward(this.encoder.forward(x).output);
  }
}
async function fileOfBackwards() {
  using runtime = await Runtime.open({ backend: "wasm" });
  return Buffer.from(writeSafetensors(await runtime.stateDict(new Backwards())));
}

checkPages({
  life: {
    async learns(page) {
      await phase(page, "done");
      await until(page, `${best} === "beta"`);
      expect(await page.evaluate(frames)).toBe(`····${"123".repeat(6)}${"·".repeat(21)}`);
      expect(await page.textContent("#compared")).toMatch(/beta at letter 27\. Frames: 43 of 43 letters/);
      expect(await overlap(page, "GGCATTGCCA")).toBeGreaterThanOrEqual(8);
      const label = await page.getAttribute('[role=img][aria-label^="Accuracy"]', "aria-label");
      expect(Number(/: ([\d.]+)\.$/.exec(label!)![1])).toBeGreaterThanOrEqual(0.93);
    },
    async answers(page) {
      await page.click("[data-motif=gamma]");
      await until(page, `${best} === "gamma"`);
      expect(await overlap(page, "CACGTGTTCG")).toBeGreaterThanOrEqual(8);
      // The A of ATG becomes a C: no frame begins.
      await page.locator(".life-letters button").nth(4).click();
      expect(await page.inputValue("#sequence")).toMatch(/^GCTACTGGC/);
      await until(page, `${frames} === "${"·".repeat(43)}"`);
      // By a key: the A again.
      await page.keyboard.press("a");
      await until(page, `${frames}.startsWith("····123123")`);
      await page.fill("#sequence", "ccgatggtgacgtaaccuatacgcaatcc");
      await until(page, `${best} === "alpha"`);
      expect(await overlap(page, "TATACGCAAT")).toBeGreaterThanOrEqual(8);
      // A TGA across two codons ends nothing; the stop TAA does.
      expect(await page.textContent("#compared")).toMatch(/Frames: 29 of 29/);
      await page.fill("#sequence", "GCTAATGGCACGTTCCGATTAACGTCGGCATTGCCATTCACTC");
      await until(page, `${best} === "beta"`);
    },
  },
  own: {
    // All of what it does takes half a minute on a software adapter.
    onGpu: process.env.GALLERY_ON_GPU !== undefined,
    async learns(page) {
      await phase(page, "done");
      expect(await page.evaluate(layers)).toEqual([
        "Embedding 10 → 16embedding",
        "LSTM 16 → 32rnn",
        "Linear 32 → 10head",
      ]);
      const found = (await page.evaluate(differences)) as number[];
      expect(found.length).toBeGreaterThanOrEqual(1);
      for (const difference of found) expect(difference).toBeLessThan(1e-4);
      const label = await page.getAttribute('.chart [role=img][aria-label^="Loss"]', "aria-label");
      expect(Number(/: ([\d.]+)\.$/.exec(label!)![1])).toBeLessThan(1.2);
      expect(Number(/used by (\d+) dispatches/.exec((await page.textContent("#planCounts"))!)![1])).toBeGreaterThan(2);
    },
    async answers(page) {
      const open = (name: string, buffer: Buffer) =>
        page.setInputFiles("#file", { name, mimeType: "application/octet-stream", buffer });
      await open("backwards.safetensors", await fileOfBackwards());
      await until(page, `document.querySelector("#facts")?.textContent.startsWith("backwards.safetensors")`);
      await phase(page, "done");
      expect(await page.evaluate(layers)).toEqual([
        "GRU 5 → 14 2 layers deep both directionsencoder",
        "Linear 14 → 3fc",
      ]);
      expect(await page.textContent("#tensors")).toContain("encoder.weight_hh_l1_reverseF3221 × 7588 B");
      expect(await page.textContent("#shapes")).toBe("In: x [16, 1, 5], made up. Out: fc [16, 1, 3].");
      for (const difference of (await page.evaluate(differences)) as number[]) expect(difference).toBeLessThan(1e-5);

      await open("state-dict.pt", readFileSync(new URL("../recorded/pytorch/state-dict.pt", import.meta.url)));
      await until(page, `document.querySelector("#facts")?.textContent.startsWith("state-dict.pt")`);
      await phase(page, "done");
      expect(await page.evaluate(layers)).toEqual([
        "Embedding 5 → 4embedding",
        "LSTM 4 → 6 both directionsrnn",
        "Linear 6 → 2head",
      ]);
      expect(await page.textContent("#others")).toContain("norm.running_mean");

      await open("notes.safetensors", Buffer.from("PK\x03\x04: a zip archive, as torch.save writes"));
      await phase(page, "failed");
      expect(await page.textContent("[role=alert]")).toContain("notes.safetensors: is not a safetensors file");
      await page.click("#back");
      await phase(page, "done");
      expect(await page.textContent("#facts")).toContain("counter.safetensors");
      await page.click("label:has([value=onnx])");
      await until(page, `/ONNX graph/.test(document.querySelector("#what")?.textContent ?? "")`);
      await phase(page, "done");
      for (const difference of (await page.evaluate(differences)) as number[]) expect(difference).toBeLessThan(1e-4);
      await page.click("label:has([value=task])");
      await until(page, `/sequence tagger/.test(document.querySelector("#what")?.textContent ?? "")`);
      await phase(page, "done");
      expect(await page.textContent("#what")).toContain("rebuilt whole");
      expect(await page.textContent("#shapes")).toContain("Out: logits [16, 1, 4]");
      for (const difference of (await page.evaluate(differences)) as number[]) expect(difference).toBeLessThan(1e-4);
    },
  },
});
