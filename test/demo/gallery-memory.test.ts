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
      // Longer than any distance that they were trained on.
      await page.selectOption("#tryDistance", "4");
      await until(page, `document.querySelectorAll(".memory-row li").length > 60`);
      for (let row = 0; row < 4; row++) {
        const before = await page.textContent(".memory-row");
        await page.click("#another");
        await until(page, `document.querySelector(".memory-row").textContent !== ${JSON.stringify(before)}`);
        const person = (await page.locator(".memory-row .sr").last().textContent())!.split(":")[0]!;
        expect(await page.textContent("#rightAnswer")).toBe(pronouns[person]);
        for (const cell of ["gru", "lstm"])
          expect(await page.textContent(`[data-cell=${cell}] dd`), person).toMatch(`${pronouns[person]} ✓`);
      }
    },
  },
  gates: {
    onGpu: true,
    async learns(page) {
      await phase(page, "done");
      await until(page, `document.querySelector("#free .hint")?.textContent.startsWith("Right in 100%")`);
    },
    async answers(page) {
      const accuracy = `Number.parseInt(document.querySelector("#held .hint")?.textContent.replace("Right in ", "") ?? "-1")`;
      const isBest = (label: string, where: string) =>
        `[...document.querySelectorAll("${where} .bars .best dt")].some((dt) => dt.textContent === "${label}")`;
      await page.selectOption("#person", { label: "Henry" });
      await until(page, isBest("he", "#free"));
      // An empty memory at every word: it can only guess.
      await page.click("[data-hold=f0]");
      await until(page, `${accuracy} >= 0 && ${accuracy} <= 70`);
      expect(await page.evaluate("location.hash")).toBe("#held=f0");
      expect(await page.textContent(".gates-equation h2")).toBe("f: forget gate");
      // Nothing is forgotten, and nothing has to be.
      await page.click("[data-hold=f1]");
      await until(page, `${accuracy} >= 95`);
      await until(page, isBest("he", "#held"));
      // Nothing is ever written: as many are right as there are of each.
      await page.click("[data-hold=i0]");
      await until(page, `${accuracy} === 50`);
      await page.click("[data-hold=i]");
      await page.focus("[data-gate=c]");
      await until(page, `document.querySelector(".gates-equation .katex annotation").textContent.includes("odot")`);
      await page.check("input[value=gru]");
      await until(page, `document.querySelector("[data-hold=z1]") !== null`);
      await phase(page, "done");
      await page.click("[data-hold=z1]");
      await until(page, `${accuracy} === 50`);
      await page.check("input[value=lstm]");
      await until(page, `document.querySelector("[data-hold=f0]") !== null`);
      await phase(page, "done");
      await page.click("[data-hold=f0]");
      await until(page, `${accuracy} >= 0 && ${accuracy} <= 70`);
    },
  },
});
