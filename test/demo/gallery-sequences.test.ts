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

const caption = `[...document.querySelectorAll(".sequence .unit")].map((unit) => unit.textContent).join(" ")`;
/** Captions that were sampled, and how often. */
const sampled = `[...document.querySelectorAll(".describe-samples tbody tr")].map(({ cells }) => [cells[0].textContent, Number(cells[1].textContent)])`;

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
  describe: {
    async learns(page) {
      await phase(page, "done");
      expect(await last(page, "Accuracy")).toBeGreaterThan(0.95);
    },
    async answers(page) {
      await until(page, `${caption} === "a large circle at the top right"`);
      // A square of six by six cells in the middle, by pointer: the pen is two cells wide.
      await page.click("#clear");
      const { x, y, width } = (await page.locator("#drawing").boundingBox())!;
      const at = (cell: number) => (cell * width) / 16;
      await page.mouse.move(x + at(6), y + at(6));
      await page.mouse.down();
      for (const row of [6, 8, 10])
        for (const column of row === 8 ? [10, 8, 6] : [6, 8, 10]) await page.mouse.move(x + at(column), y + at(row));
      await page.mouse.up();
      await until(page, `${caption} === "a large square in the middle"`);
      // A line at the top, by keys.
      await page.click("#clear");
      await page.focus(".describe-frame");
      for (let up = 0; up < 9; up++) await page.keyboard.press("ArrowUp");
      for (let down = 0; down < 3; down++) await page.keyboard.press("ArrowDown");
      for (const _ of [9, 7, 5]) await page.keyboard.press("ArrowLeft");
      for (let i = 0; i < 7; i++) {
        await page.keyboard.press("Space");
        await page.keyboard.press("ArrowRight");
      }
      await until(page, `${caption} === "a large line at the top"`);
      // Twelve are sampled, at a low temperature the likeliest one alone.
      await until(page, `${sampled}.reduce((sum, [, count]) => sum + count, 0) === 12`);
      await page.fill("#temperature", "0.1");
      await until(page, `JSON.stringify(${sampled}) === '[["a large line at the top",12]]'`);
      await page.fill("#temperature", "1");
      // The address has the picture, a digit for each cell.
      await until(page, `/drawing=[0f]{256}$/.test(location.hash)`);
    },
  },
});
