/** Pages of the gallery about words. */
import { expect } from "vitest";
import { checkPages, phase, until } from "../support/gallery.ts";

const bar = (label: string) =>
  `[...document.querySelectorAll(".bars div")].find((div) => div.querySelector("dt").textContent === "${label}")`;

checkPages({
  feeling: {
    async learns(page) {
      await phase(page, "done");
      await until(page, `${bar("positive")}?.classList.contains("best")`);
    },
    async answers(page) {
      await page.fill("#review", "The service was lovely, but the food was not good.");
      await until(page, `${bar("negative")}.classList.contains("best")`);
      expect(await page.locator(".sequence .unit").allTextContents()).toContain("lovely");
      await until(page, `/: river, \\d+%$/.test(document.querySelectorAll(".feeling-meaning output")[1].textContent)`);
      expect(await page.locator(".feeling-meaning output").first().textContent()).toMatch(/“bank” here: money, \d+%$/);
      expect(await page.locator(".sequence .sr").last().textContent()).toMatch(/-?\d+%$/);
    },
  },
});
