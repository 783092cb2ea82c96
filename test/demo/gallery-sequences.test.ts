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

/** Where the attention of a written unit is largest, as the table behind the matrix has it; an expression. */
const lookedAt = (unit: string) => `(() => {
  const rows = [...(document.querySelector(".translate-attention table")?.rows ?? [])];
  const weights = [...(rows.find(({ cells }) => cells[0].textContent === "${unit}")?.cells ?? [])].slice(1).map((td) => Number(td.textContent));
  return rows[0]?.cells[1 + weights.indexOf(Math.max(...weights))]?.textContent;
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
      // Of a sentence that has not ended, too.
      await page.fill("#sentence", "She will book");
      await until(page, `${tagOf("book")} === "verb"`);
    },
  },
  translate: {
    async learns(page) {
      await phase(page, "done");
      expect(await last(page, "Accuracy")).toBeGreaterThan(0.97);
    },
    async answers(page) {
      const said = `document.querySelector(".translate-said")?.textContent`;
      await until(page, `${said} === "어제 그녀는 집에서 사과 세 개를 먹지 않았다."`);
      await page.fill("#source", "We will draw two cats tomorrow.");
      await until(page, `${said} === "내일 우리는 고양이 두 마리를 그릴 것이다."`);
      // What was written last of the noun was read where it stands in English.
      await page.locator("figure", { hasText: "Attention" }).locator("summary").click();
      await until(page, `${lookedAt("고양이")} === "cats"`);
      // Three hypotheses end; with a width of one the tree is a line.
      const ends = `[...document.querySelectorAll(".translate-tree text")].filter((text) => text.textContent === "■").length`;
      expect(await page.evaluate(ends)).toBeGreaterThanOrEqual(3);
      await page.fill("#beam", "1");
      await page.press("#beam", "Enter");
      await until(page, `${ends} === 1`);
      await page.fill("#beam", "3");
      await page.press("#beam", "Enter");
      await until(page, `${ends} >= 3`);
    },
  },
});
