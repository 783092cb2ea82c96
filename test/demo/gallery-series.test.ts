/** Pages of the gallery about series of numbers. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { checkPages, phase, until } from "../support/gallery.ts";

/** The last number that a chart says of itself. */
async function lastOf(page: Page, chart: string): Promise<number> {
  const label = await page.getAttribute(`.chart [role=img][aria-label^="${chart}"]`, "aria-label");
  return Number(/: (-?[\d.]+)\.$/.exec(label!)?.[1]);
}

const best = `document.querySelector(".bars .best dt")?.textContent`;

/** Moves the mouse to places of the field, in shares of its sides, over and over, until an expression is true. */
async function movesUntil(page: Page, expression: string, place: (i: number) => readonly [number, number]) {
  const { x, y, width, height } = (await page.locator(".pad").boundingBox())!;
  const end = performance.now() + 20_000;
  for (let i = 0; !(await page.evaluate(expression)); i++) {
    if (performance.now() > end) throw new Error(`after 20 s of movements, this is not true: ${expression}`);
    const [right, down] = place(i);
    await page.mouse.move(x + right * width, y + down * height);
    await page.waitForTimeout(30);
  }
}

const circle = (i: number, turn: number) =>
  [0.5 + 0.3 * Math.cos((turn * i) / 5), 0.5 + 0.3 * Math.sin((turn * i) / 5)] as const;

checkPages({
  frames: {
    async learns(page) {
      await phase(page, "done");
      expect(await lastOf(page, "Accuracy")).toBeGreaterThan(0.95);
      await until(page, `Number.parseFloat(document.querySelector("#framesRight").textContent) >= 90`);
    },
    async answers(page) {
      // The shape is led there and back, once in some thirty movements.
      const across = (i: number) => [i % 60 < 30 ? 0.9 : 0.1, 0.5] as const;
      await movesUntil(page, `${best} === "→ right"`, across);
      await movesUntil(page, `${best} === "← left"`, across);
      expect(await page.textContent(".frames-source")).toBe("yours");
      expect(Number.parseFloat((await page.textContent("#framesRight"))!)).toBeGreaterThanOrEqual(90);
      expect(Number.parseFloat((await page.textContent("#frameTime"))!)).toBeLessThan(16);

      await page.click("label:has([value=gestures])");
      await phase(page, "done");
      await movesUntil(page, `${best} === "↻ clockwise"`, (i) => circle(i, 1));
      await movesUntil(page, `${best} === "↺ anticlockwise"`, (i) => circle(i, -1));
      await page.click("label:has([value=shapes])");
      await phase(page, "done");
    },
  },
});
