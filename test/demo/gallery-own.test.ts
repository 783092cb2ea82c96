/** Pages of the gallery about strings like DNA, and about files of the reader. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
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
});
