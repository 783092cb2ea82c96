/** Pages of the gallery about series of numbers. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { checkPages, phase, trainedAnew, until } from "../support/gallery.ts";

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
    },
  },
  forecast: {
    async learns(page) {
      await phase(page, "done");
      // When training ends, the table may still be that of an earlier step.
      const errors = `[...document.querySelectorAll("#backtest td:nth-child(2)")].map((td) => Number(td.textContent))`;
      await until(
        page,
        `(([own, ...plain]) => plain.length === 3 && plain.every((error) => own < 0.95 * error))(${errors})`,
      );
      const own = "[data-method=forecaster]";
      await until(page, `document.querySelector("${own}").classList.contains("forecast-best")`);
      await until(page, `Number.parseInt(document.querySelector("${own} td:last-child").textContent) > 60`);
    },
    async answers(page) {
      await page.locator("figure:has(.chart) .behind summary").first().click();
      const median = (day: number) =>
        `Number(document.querySelectorAll("figure .behind")[0].querySelector("tbody tr:nth-last-child(" + (14 - ${day}) + ") td:nth-child(6)").textContent)`;
      const days = page.locator(".forecast-days button");
      await page.locator("#origin").fill("740");
      // The chart shows the days from there on, and the one that is planned has no event yet.
      await until(page, `document.querySelector("figure .behind tbody tr:last-child th").textContent === "754"`);
      expect(await days.nth(5).getAttribute("aria-pressed")).toBe("false");
      const [without, before] = [await page.evaluate(median(5)), await page.evaluate(median(3))] as [number, number];
      // An event brings 8 to 15 more, and nothing on the days before it.
      await days.nth(5).click();
      await until(page, `${median(5)} > ${without + 6}`);
      expect(await page.evaluate(median(5))).toBeLessThan(without + 19);
      expect(await page.evaluate(median(3))).toBeCloseTo(before, 1);

      await page.click("label:has([value=own])");
      await until(page, `/183/.test(document.querySelector("#csvSaid")?.textContent ?? "")`);
      const csv = [
        "step;note;level",
        ...Array.from({ length: 120 }, (_, t) => `${t};"a; b";${[10, 20, 30, 20][t % 4]}`),
      ];
      const file = (lines: readonly string[]) => ({
        name: "a.csv",
        mimeType: "text/csv",
        buffer: Buffer.from(lines.join("\n")),
      });
      await page.setInputFiles("#file", file(csv.with(7, "6;c")));
      await until(page, `/^Line 8 has another number of cells/.test(document.querySelector("#csvSaid").textContent)`);
      await page.setInputFiles("#file", file(csv.with(7, "6;c;n/a")));
      await page.selectOption("#target", "level");
      await page.fill("#season", "4");
      await page.press("#season", "Tab");
      await trainedAnew(page, async () => {
        await page.fill("#horizon", "4");
        await page.press("#horizon", "Tab");
      });
      await until(page, `/row 7, level: “n\\/a”/.test(document.querySelector("#csvSaid").textContent)`);
      const row = (back: number) =>
        `Number(document.querySelector("figure .behind").querySelector("tbody tr:nth-last-child(${back}) td:nth-child(6)")?.textContent)`;
      await page.locator("figure:has(.chart) .behind summary").first().click();
      await until(page, `Math.abs(${row(4)} - 10) < 3 && Math.abs(${row(3)} - 20) < 3 && Math.abs(${row(2)} - 30) < 3`);

      await page.click("label:has([value=drawn])");
      const field = (await page.locator(".pad").boundingBox())!;
      const wave = (share: number) => 0.5 + 0.3 * Math.sin(share * 40);
      const to = (share: number) =>
        page.mouse.move(field.x + share * field.width, field.y + (1 - wave(share)) * field.height);
      await to(0);
      await page.mouse.down();
      for (let share = 0; share < 0.75; share += 0.01) await to(share);
      await trainedAnew(page, () => page.mouse.up());
      await page.locator("figure:has(.pad) .behind summary").click();
      const off = `(() => {
        const rows = [...document.querySelectorAll("figure:has(.pad) tbody tr")].map((tr) => [...tr.cells].map(({ textContent }) => Number(textContent)));
        const ahead = rows.filter(([, drawn, median]) => Number.isNaN(drawn) && !Number.isNaN(median));
        const errors = ahead.map(([t, , median]) => Math.abs(median - (0.5 + 0.3 * Math.sin(((t - 0.5) / 220) * 40))));
        return errors.length < 30 ? undefined : errors.reduce((sum, error) => sum + error, 0) / errors.length;
      })()`;
      // A wave of height 0.3 that nobody drew: a straight line would be 0.19 off.
      await until(page, `${off} < 0.08`);
      await page.click("label:has([value=made])");
    },
  },
  autoencode: {
    async learns(page) {
      await phase(page, "done");
      await until(page, `Number.parseInt(document.querySelector("#r2")?.textContent) >= 90`);
      // Eight of the eighty strokes are odd, and the largest errors are theirs.
      expect(Number.parseInt((await page.textContent("#found"))!, 10)).toBeGreaterThanOrEqual(7);
    },
    async answers(page) {
      const own = page.locator(".pad").nth(1);
      const writes = async (points: readonly (readonly [number, number])[]) => {
        await own.scrollIntoViewIfNeeded();
        const { x, y, width, height } = (await own.boundingBox())!;
        for (const [i, [right, down]] of points.entries()) {
          await page.mouse.move(x + right * width, y + down * height, { steps: 5 });
          if (i === 0) await page.mouse.down();
        }
        await page.mouse.up();
      };
      const said = `document.querySelector("#own").textContent`;
      await writes([
        [0.3, 0.1],
        [0.3, 0.9],
        [0.8, 0.9],
      ]);
      await until(page, `/Nearest to “L”/.test(${said})`);
      await writes([
        [0.1, 0.2],
        [0.3, 0.8],
        [0.5, 0.4],
        [0.7, 0.8],
        [0.9, 0.2],
      ]);
      await until(page, `/Nearest to “W”/.test(${said})`);
      await writes([
        [0.9, 0.9],
        [0.1, 0.5],
        [0.9, 0.4],
        [0.2, 0.9],
        [0.5, 0.1],
        [0.6, 0.9],
      ]);
      await until(page, `/larger than that of 100%/.test(${said})`);

      // The stroke of a place is that of the signs around it: a 0 ends where it begins, and an L does not.
      const ends = (selector: string) => `(() => {
        const points = document.querySelector("${selector}").getAttribute("points").split(" ").map((point) => point.split(",").map(Number));
        const [[x, y], [a, b]] = [points[0], points.at(-1)];
        return { right: a - x, down: b - y, apart: Math.hypot(a - x, b - y) };
      })()`;
      const pointsAt = async (sign: string) => {
        await page.locator(".pad").first().scrollIntoViewIfNeeded();
        const box = (await page.locator(`[data-sign="${sign}"]:not(.autoencode-odd)`).first().boundingBox())!;
        await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
        await until(page, `document.querySelector("#nearest").textContent.includes("“${sign}”")`);
      };
      await pointsAt("0");
      await until(page, `${ends("#restored polyline")}.apart < 20`);
      await pointsAt("L");
      await until(page, `${ends("#restored polyline")}.right > 25 && ${ends("#restored polyline")}.down > 40`);

      // From an L, which ends below, to a W, which ends above.
      await page.selectOption("#from", "L");
      await page.selectOption("#to", "W");
      await until(page, `${ends(".autoencode-way polyline:first-child")}.down > 12`);
      await until(page, `Math.abs(${ends(".autoencode-way polyline:last-child")}.down) < 7`);
      expect(await page.locator(".autoencode-way polyline").count()).toBe(7);
    },
  },
});
