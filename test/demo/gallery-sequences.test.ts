/** Pages of the gallery that write a class for each step, or another sequence. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { checkPages, phase, until } from "../support/gallery.ts";

/** The last number that a chart says of its first line. */
async function last(page: Page, title: string): Promise<number> {
  const label = await page.locator(`[role=img][aria-label^="${title}"]`).getAttribute("aria-label");
  return Number(/: (\d+(\.\d+)?)\.$/.exec(label ?? "")?.[1]);
}

/** The likeliest part of speech of a word, as the table has it; an expression. */
const tagOf = (word: string) => `(() => {
  const at = [...document.querySelectorAll(".tags thead th")].findIndex((th) => th.textContent === "${word}");
  return document.querySelectorAll(".tags-likeliest td")[at]?.textContent;
})()`;

checkPages({
  tags: {
    onGpu: true,
    async learns(page) {
      await phase(page, "done");
      expect(await last(page, "Accuracy")).toBeGreaterThan(0.95);
    },
    async answers(page) {
      await page.fill("#sentence", "Anna will book a room.");
      await until(page, `${tagOf("room")} === "noun" && ${tagOf("book")} === "verb"`);
      await page.fill("#sentence", "Anna saw the book.");
      await until(page, `${tagOf("saw")} === "verb" && ${tagOf("book")} === "noun"`);
      // Of words that are not whole yet, too.
      await page.fill("#sentence", "she will boo");
      await until(page, `${tagOf("boo")} === "verb"`);
    },
  },
});
