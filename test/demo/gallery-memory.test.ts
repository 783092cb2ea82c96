/** Pages of the gallery about gates and what they remember. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { checkPages, phase, until } from "../support/gallery.ts";

/** Of a network, the share of right answers at the longest distance, in percent. */
const share = (cell: string) =>
  `Number.parseInt([...document.querySelectorAll(".bars div")].find((div) => div.querySelector("dt").textContent === "${cell}").querySelector("dd").textContent)`;
const shareOf = async (page: Page, cell: string) => (await page.evaluate(share(cell))) as number;

checkPages({
  memory: {
    async learns(page) {
      await phase(page, "done");
      expect(await shareOf(page, "LSTM")).toBeGreaterThanOrEqual(95);
      expect(await shareOf(page, "GRU")).toBeGreaterThanOrEqual(95);
      // Forty words are too far for it: it guesses.
      expect(await shareOf(page, "RNN")).toBeLessThanOrEqual(65);
    },
    async answers(page) {
      const pronouns: Readonly<Record<string, string>> = {
        ...{ David: "he", Paul: "he", Peter: "he", Thomas: "he", Henry: "he", father: "he", king: "he", uncle: "he" },
        ...{ Anna: "she", Laura: "she", Emma: "she", Julia: "she", Helen: "she", mother: "she", queen: "she" },
        aunt: "she",
      };
      const answerOf = (cell: string) => page.locator(`[data-cell=${cell}] dd`).textContent();
      const marked = page.locator(".memory-row .sr");
      for (let row = 0; row < 4; row++) {
        const before = await page.textContent(".memory-row");
        await page.click("#another");
        await until(page, `document.querySelector(".memory-row").textContent !== ${JSON.stringify(before)}`);
        const person = (await marked.last().textContent())!.split(":")[0]!;
        expect(await page.textContent("#rightAnswer")).toBe(pronouns[person]);
        for (const cell of ["gru", "lstm"]) expect(await answerOf(cell), person).toMatch(`${pronouns[person]} ✓`);
      }
      // At a short distance the plain network remembers, too.
      await page.selectOption("#distance", "10");
      await phase(page, "preparing", "training");
      await phase(page, "done");
      expect(await shareOf(page, "RNN")).toBeGreaterThanOrEqual(90);
    },
  },
});
