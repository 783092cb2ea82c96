/** Pages of the gallery about language: counts beside a network, completing a sentence, words as vectors. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { sentences } from "../../demo/pages/counts/sentences.ts";
import { sentences as sentencesOfWords } from "../../demo/pages/vectors/data.ts";
import { checkPages, phase, until } from "../support/gallery.ts";

/** The numbers of a table behind a figure, by its first column. */
async function tableOf(page: Page, title: string): Promise<Map<string, number[]>> {
  const figure = page.locator("figure", { has: page.getByRole("heading", { name: title, exact: true }) });
  const details = figure.locator("details");
  if ((await details.getAttribute("open")) === null) await details.locator("summary").click();
  await details.locator("tbody tr").first().waitFor();
  const rows = await details.locator("tbody tr").all();
  const cells = await Promise.all(rows.map((row) => row.locator("th, td").allTextContents()));
  return new Map(cells.map(([head, ...rest]) => [head!, rest.map(Number)]));
}

/** How often some words stand in the text that the page counts, and how often others stand behind them. */
function countedByHand(context: string, word: string) {
  // As the page: every tenth sentence is kept apart.
  const texts = sentences("en", 1).filter((_, i) => i % 10 !== 9);
  const of = (words: string) => texts.filter((text) => ` ${text.replace(".", " .")} `.includes(` ${words} `)).length;
  return [of(`${context} ${word}`), of(context)];
}

/** What one buys, and for what reason. */
const bought: Readonly<Record<string, readonly string[]>> = {
  hungry: ["rice", "bread", "soup"],
  thirsty: ["water", "juice", "tea"],
  cold: ["gloves", "a"],
  wet: ["boots", "an", "a"],
  bored: ["books", "a"],
};

const fraction = (page: Page) => page.locator("#counted .counts-fraction > span:not(.sr)").allTextContents();
/** The likeliest word of one of both. */
const best = (model: string) => `document.querySelector("#${model} .bars dt")?.textContent`;

checkPages({
  counts: {
    async learns(page) {
      await phase(page, "done");
      // Of the same sentences: the network's, and those of n-grams.
      const byN = await tableOf(page, "Perplexity by n");
      expect([...byN.keys()]).toEqual(["2", "3", "4", "5", "6"]);
      const [[network]] = [...byN.values()] as [[number, number]];
      expect(network).toBeLessThan(2.6);
      for (const [, [, ngrams]] of byN) expect(network).toBeLessThan(ngrams! - 0.1);
    },
    async answers(page) {
      expect((await fraction(page)).map(Number)).toEqual(countedByHand("hungry and bought", "rice"));
      // With a time and a place in between, three words say nothing of the thirst, and the network remembers it.
      await page.click("#far");
      await until(page, `${best("learned")} === "water"`);
      expect((await fraction(page)).map(Number)).toEqual(countedByHand("at home bought", "water"));
      // Of six words, the first five were never seen, and the network answers all the same.
      await page.getByLabel("6", { exact: true }).check({ force: true });
      const unseen = page.locator("#neverSeen button", { hasText: "bought …" }).first();
      const beginning = (await unseen.textContent())!.replace(" …", "");
      await unseen.click();
      await until(page, `/0 divided by 0/.test(document.querySelector("#counted").textContent)`);
      expect(countedByHand(beginning.split(" ").slice(-5).join(" "), "")[1]).toBe(0);
      const [, reason] = /got (\w+) and/.exec(beginning)!;
      await until(page, `${JSON.stringify(bought[reason!])}.includes(${best("learned")})`);
      // The beginning of a sentence, and an address that shares it.
      await page.fill("#beginning", "");
      await page.fill("#word", "I");
      await until(page, `${best("learned")} === "I" && location.hash.includes("word=I")`);
      expect(await page.inputValue("#beginning")).toBe("");
      const begin = sentences("en", 1).filter((_, i) => i % 10 !== 9);
      const withI = begin.filter((text) => text.startsWith("I ")).length;
      expect((await fraction(page)).map(Number)).toEqual([withI, begin.length]);
      // A text of the reader's own.
      await page.locator(".own-text summary").click();
      await page.fill(
        "#ownText",
        Array.from({ length: 40 }, (_, i) => `Cats drink ${i % 4 ? "milk" : "water"}.`).join("\n"),
      );
      await page.click("#learnOwn");
      await phase(page, "training", "done");
      await until(page, `${best("counted")} === "milk" && ${best("learned")} === "milk"`);
      expect(await page.inputValue("#beginning")).toBe("Cats drink");
      await page.click("#madeUp");
      await phase(page, "training", "done");
    },
  },
  complete: {
    async learns(page) {
      await phase(page, "done");
      // The terrible weather stands six words before what it decides.
      await until(page, `/^(stayed|watched)$/.test(document.querySelector("#next button span")?.textContent)`);
      const perplexity = await tableOf(page, "Perplexity on sentences kept apart");
      expect([...perplexity.values()].at(-1)![0]).toBeLessThan(2);
    },
    async answers(page) {
      const message = () => page.inputValue("#message");
      const ghost = (rest: string) =>
        until(page, `document.querySelector(".complete-ghost").querySelector("b")?.textContent === "${rest}"`);
      await page.fill("#message", "The weather is lovely this week, so we w");
      await ghost("ent");
      await page.focus("#message");
      for (const [rest, after] of [
        ["ent", " for"],
        [" for", " a"],
        [" a", " walk"],
        [" walk", "."],
      ] as const) {
        await ghost(rest);
        await page.keyboard.press("Tab");
        await ghost(after);
      }
      expect(await message()).toBe("The weather is lovely this week, so we went for a walk");
      // Esc gives Tab back to the page.
      await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.id")).not.toBe("message");
      // A sentence after another one, by beam search.
      await page.fill("#message", "The weather is lovely this week. Happy");
      await page.locator("#endings button", { hasText: "birthday, and" }).first().click();
      expect(await message()).toMatch(
        /^The weather is lovely this week\. Happy birthday, and (all the best|have a lovely day)!$/,
      );
      await page.click("#clear");
      await until(page, `document.querySelectorAll("#next button").length === 5`);
      expect(await message()).toBe("");
    },
  },
  vectors: {
    async learns(page) {
      await phase(page, "done");
      const vectors = await tableOf(page, "Words as points");
      expect([...vectors.keys()]).toHaveLength(28);
      // By its two numbers, the nearest of a word is mostly one of the same kind.
      const kindOf = new Map(sentencesOfWords("en", 1).words.map(({ word, kind }) => [word, kind]));
      const alike = [...vectors].filter(([word, [x, y]]) => {
        const others = [...vectors].filter(([other]) => other !== word);
        const near = others.map(([other, [u, v]]) => ({ other, distance: Math.hypot(x! - u!, y! - v!) }));
        const { other } = near.reduce((a, b) => (b.distance < a.distance ? b : a));
        return kindOf.get(other) === kindOf.get(word);
      });
      expect(alike.length).toBeGreaterThanOrEqual(24);
      // Prices go from 6 to 20; categories are worth more than half of the error.
      const [joined, plain] = [...(await tableOf(page, "Mean error of the price")).values()].at(-1)!;
      expect(joined).toBeLessThan(0.6);
      expect(joined).toBeLessThan(plain! / 2);
    },
    async answers(page) {
      const numbers = (found: string | null) => (found!.match(/-?\d+\.\d+/g) ?? []).map(Number);
      await page.selectOption("#word", { label: "tea" });
      await until(page, `document.querySelector(".vectors-map .chosen").textContent === "tea"`);
      const rows = await tableOf(page, "One-hot and embedding: the same product");
      expect([...rows].filter(([, [hot]]) => hot === 1).map(([word]) => word)).toEqual(["tea"]);
      expect(numbers(await page.textContent("#product"))).toEqual(rows.get("tea")!.slice(1));
      expect(numbers(await page.textContent("#lookup"))).toEqual(rows.get("tea")!.slice(1));
      const near = (await page.textContent("#near"))!.replace("Nearest words: ", "").split(", ").sort();
      expect(near).toEqual(["juice", "milk", "water"]);
      await until(page, `location.hash === "#chosen=13"`);
      await page.evaluate(`location.hash = "chosen=9&seed=1"`);
      await until(
        page,
        `document.querySelector("#product").textContent === document.querySelector("#lookup").textContent &&
        document.querySelector("#word").value === "9"`,
      );
      // A day of snow: its vectors are those of its categories, and without them the price is further from the truth.
      const categories = await tableOf(page, "Weekdays and weather as points");
      await page.focus("#day");
      await page.keyboard.press("Home");
      const day = page.locator("label", { has: page.locator("#day") });
      while (!(await day.textContent())!.includes("snow")) await page.keyboard.press("ArrowRight");
      const [, weekday] = /: (\w+), snow/.exec((await day.textContent())!)!;
      const read = numbers((await page.locator("#inputs i").allTextContents()).join(" "));
      expect(read.slice(2)).toEqual([...categories.get(weekday!)!, ...categories.get("snow")!]);
      const [price, joined, plain] = numbers(await page.textContent("#said"));
      expect(Math.abs(joined! - price!)).toBeLessThan(Math.abs(plain! - price!));
    },
  },
});
