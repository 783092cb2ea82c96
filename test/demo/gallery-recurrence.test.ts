/** Pages of the gallery about recurrence itself. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { checkPages, phase, trainedAnew, until } from "../support/gallery.ts";

/** Probabilities of the right answer in percent, for all eight sequences. */
const shares = (kind: string) =>
  `[...document.querySelectorAll(".recurrence-eight td[data-kind=${kind}]")].map((cell) => parseFloat(cell.textContent))`;
/** What a row of the table of paths adds to the gradient of a weight. */
const added = (row: string, name: string) =>
  `[...document.querySelectorAll("#${row} td[data-name=${name}] .recurrence-matrix span")].map((cell) => Number(cell.textContent))`;
const count = (selector: string) => `document.querySelectorAll('${selector}').length`;
const lossNow = `Number(document.querySelector("#loss").dataset.loss)`;

/** Of the gradient, after all steps back. */
const left = (kind: string) => `Number(document.querySelector("#left-${kind}")?.dataset.share)`;
/** The losses that the page tells of both trainings; infinity for one that has diverged. */
async function told(page: Page): Promise<{ clipped: number; free: number }> {
  const numbers: Record<string, string> = await page.evaluate(`({ ...document.querySelector("#result").dataset })`);
  return { clipped: Number(numbers.clipped), free: Number(numbers.free ?? "Infinity") };
}

checkPages({
  recurrence: {
    async learns(page) {
      await phase(page, "done");
      await until(page, `${shares("recurrent")}.length === 8 && ${shares("recurrent")}.every((share) => share > 80)`);
      // What comes last says nothing of what came first.
      expect(await page.evaluate(`${shares("last")}.filter((share) => share > 65).length`)).toBeLessThanOrEqual(4);
      await until(page, `${count(".recurrence-equations .katex")} === 4`);
    },
    async answers(page) {
      // The reader's own numbers: another sign in front is another answer.
      await page.click("#sequence2 button");
      await until(page, `document.querySelector("#x1").value === "1" && ${lossNow} < 0.2`);
      await page.fill("#x1", "-1");
      await until(page, `document.querySelector("#sequence6 button").ariaPressed === "true" && ${lossNow} < 0.2`);
      expect(await page.evaluate("location.hash")).toContain("x1=-1");

      // Before training, a step of gradient descent makes the loss of this sequence smaller.
      await page.click("#first");
      await until(page, `${lossNow} > 0.3`);
      const before = (await page.evaluate(lossNow)) as number;
      await page.click("#learn");
      await until(page, `${lossNow} < ${before}`);

      // The paths add up, and the longest one goes back by two uses of W and both V.
      for (const name of ["U", "W", "b"]) {
        const rows = ["path3", "path2", "path1", "total"].map((row) => page.evaluate(added(row, name)));
        const [three, two, one, total] = (await Promise.all(rows)) as number[][];
        for (const [i, sum] of total!.entries()) expect(three![i]! + two![i]! + one![i]!).toBeCloseTo(sum, 2);
        expect(Math.max(...three!.map(Math.abs))).toBeGreaterThan(0);
      }
      await page.click("#path1 button");
      expect(await page.evaluate(count(".recurrence-net line.back[data-symbol^=W]"))).toBe(8);
      expect(await page.evaluate(count(".recurrence-net line.used[data-symbol=W1]"))).toBe(4);
      await page.click("#next");
      expect(await page.getAttribute("#at-sum", "aria-pressed")).toBe("true");

      // A symbol lights up in the picture when it is pointed at in an equation, and the other way round.
      await page.hover(".recurrence-equations .equation [data-symbol=W]");
      await until(page, `${count(".recurrence-net line.pointed")} === 12`);
      await page.click("#at-h2");
      await page.hover('.recurrence-net .node[data-symbol="x2"]');
      await until(page, `${count(".recurrence-now [data-symbol=x2].pointed")} === 1`);

      // Cut after one step, the other paths add nothing; and what the first number said is not learned.
      await page.selectOption("#speed", "Infinity");
      await trainedAnew(page, () => page.selectOption("#cut", "1"));
      await until(page, `${count(".recurrence-paths .cut")} === 2`);
      await until(page, `${shares("recurrent")}.some((share) => share < 60)`);
      expect(await page.evaluate(added("total", "U"))).toEqual(await page.evaluate(added("path3", "U")));
      await trainedAnew(page, () => page.selectOption("#cut", "3"));
      await page.click("#at-sum");
    },
  },

  vanishing: {
    async learns(page) {
      await phase(page, "done");
      // What explodes is learned where the gradient is clipped, and not where it is not.
      const { clipped, free } = await told(page);
      expect(clipped).toBeLessThan(0.3);
      expect(free).toBe(Number.POSITIVE_INFINITY);
      await until(page, `${left("lstm")} > 0`);
    },
    async answers(page) {
      // Small factors make the gradient of an RNN vanish, and it stays below the bound; an LSTM that does not forget keeps it.
      await page.fill("#radius", "0.5");
      await page.fill("#forget", "6");
      await until(page, `${left("tanh")} < 1e-6 && ${left("lstm")} > 0.01`);
      expect(await page.evaluate(`${left("tanh")} < Number(document.querySelector("#bound").dataset.bound)`)).toBe(
        true,
      );
      // An orthogonal W keeps lengths where tanh is straight.
      await page.fill("#radius", "1");
      await page.fill("#scale", "0.05");
      await until(page, `${left("orthogonal")} > 0.5 && ${left("orthogonal")} <= 1`);
      await until(page, 'location.hash.includes("scale=0.05")');
      // Far back, sigmoid leaves nothing; over fewer steps, more.
      await page.fill("#steps", "200");
      await until(page, `${left("sigmoid")} < 1e-60`);
      await page.fill("#steps", "10");
      await until(page, `${left("sigmoid")} > 1e-12`);
      // Clipping does not heal what vanishes: the loss stays that of guessing.
      await trainedAnew(page, () => page.selectOption("#kind", "sigmoid"));
      const { clipped, free } = await told(page);
      expect(clipped).toBeGreaterThan(0.7);
      expect(free).toBeLessThan(2);
      await page.fill("#steps", "50");
      await page.fill("#forget", "3");
      await page.fill("#scale", "0.5");
      await trainedAnew(page, () => page.selectOption("#kind", "tanh"));
    },
  },
});
