/** The page of the gallery that measures. */
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { checkPages, galleryWithWebGPU, phase, until } from "../support/gallery.ts";

interface Reported {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly backend: string;
  readonly threads?: number;
  readonly adapter?: Readonly<Record<string, unknown>>;
  readonly results: readonly {
    readonly kind: string;
    readonly cell?: string;
    readonly T: number;
    readonly B: number;
    readonly H: number;
    readonly N: number;
    readonly isRight: boolean;
    readonly flops: number;
    readonly gflops?: number;
    readonly milliseconds: Readonly<Record<"median" | "least" | "low" | "high", number>>;
  }[];
}

/** The measurements, as the page gives them to take away. */
async function reported(page: Page): Promise<Reported> {
  if ((await page.locator("#json").count()) === 0) await page.click("#showJson");
  return JSON.parse((await page.textContent("#json"))!);
}

const points = (kind: string) => `document.querySelectorAll('.speed-roofline [data-kind=${kind}]').length`;

/** The numbers of a sentence. */
const numbersOf = async (page: Page, key: string): Promise<number[]> =>
  ((await page.textContent(`#found-${key}`)) ?? "")
    .match(/\d[\d,.]*/g)!
    .map((one) => Number.parseFloat(one.replaceAll(",", "")));

checkPages({
  speed: {
    async learns(page) {
      // Something is there long before all is.
      await page.waitForSelector("#found-product");
      await phase(page, "done");
      const { results, ...report } = await reported(page);
      expect(report).toMatchObject({ backend: "wasm", threads: 1 });
      expect(report.versions["webgpu-rnn"]).toMatch(/^\d+\.\d+\.\d+$/);
      expect(report.userAgent).toBe(await page.evaluate("navigator.userAgent"));
      expect(Math.abs(Date.parse(report.date) - Date.now())).toBeLessThan(600_000);
      expect(results.length).toBeGreaterThan(35);
      expect(results.filter(({ isRight }) => !isRight)).toEqual([]);
      for (const { milliseconds } of results) {
        expect(milliseconds.least).toBeGreaterThan(0);
        expect(milliseconds.low).toBeLessThanOrEqual(milliseconds.median);
        expect(milliseconds.median).toBeLessThanOrEqual(milliseconds.high);
      }
      // On one thread of any machine, busy or not, between what a loop of JavaScript reaches and what no processor does.
      const best = Math.max(...results.flatMap(({ kind, gflops = 0 }) => (kind === "product" ? [gflops] : [])));
      expect(best).toBeGreaterThan(0.3);
      expect(best).toBeLessThan(500);
      // More units are more operations.
      const byH = results.filter(({ kind, T, B }) => kind === "forward" && T === 32 && B === 8);
      const flops = byH.toSorted((a, b) => a.H - b.H).map((one) => one.flops);
      expect(flops.length).toBe(5);
      expect(flops).toEqual(flops.toSorted((a, b) => a - b));
      // Sixteen times the units, 256 times the operations: whatever else the machine does, this takes longer.
      const time = (H: number) => byH.find((one) => one.H === H)!.milliseconds.median;
      expect(time(256)).toBeGreaterThan(time(16));
    },
    async answers(page) {
      // What the page says is what the JSON has.
      const { results } = await reported(page);
      const products = results.filter(({ kind }) => kind === "product");
      const best = Math.max(...products.map(({ flops, milliseconds }) => flops / milliseconds.least / 1e6));
      expect((await numbersOf(page, "product"))[0]! / best).toBeCloseTo(1, 2);
      const training = (B: number) =>
        results.find((one) => one.kind === "training" && one.T === 32 && one.H === 64 && one.B === B)!.milliseconds
          .median;
      const [to, time, from, work] = await numbersOf(page, "batch");
      expect([to, from, work]).toEqual([32, 1, 32]);
      expect(time! / (training(32) / training(1))).toBeCloseTo(1, 2);
      expect(await page.evaluate(points("training"))).toBe(results.filter(({ kind }) => kind === "training").length);
      expect(await page.evaluate("document.querySelectorAll('.speed-roofline .roof').length")).toBeGreaterThan(0);

      // Each point tells of itself by keys, and stands in the table.
      await page.focus(".speed-roofline");
      await page.keyboard.press("End");
      const told = (await page.textContent(".speed-top .readout"))!;
      expect(told).toMatch(
        /^Product 512×512, 4 in a row: .* ms \(middle half .*\), .* GFLOP\/s at 85.3 operations per byte\.$/,
      );
      await page.click(".speed-top .behind summary");
      await until(page, `document.querySelectorAll(".speed-top tbody tr").length === ${results.length}`);
      await page.click(".speed-top .behind summary");

      // Stopped, it measures nothing; another network is measured anew.
      const count = "document.querySelectorAll('.speed-roofline [data-kind]').length";
      await page.check("input[value=rnn]", { force: true });
      await phase(page, "training");
      await until(page, `${points("forward")} > 0`);
      await page.click("#primary");
      await phase(page, "paused");
      await page.waitForTimeout(300);
      const stopped = await page.evaluate(count);
      await page.waitForTimeout(500);
      expect(await page.evaluate(count)).toBe(stopped);
      expect((await reported(page)).results.find(({ kind }) => kind === "forward")!.cell).toBe("rnn");
      expect(await page.evaluate("location.hash")).toBe("#cell=rnn");
      await page.click("#showJson");
      await page.click("#primary");
      await phase(page, "done");
    },
  },
});

describe("in a browser with WebGPU", () => {
  const gallery = galleryWithWebGPU();

  test("the reader chooses where it is measured", async () => {
    const { page, faults, close } = await gallery.open(`speed.html#backend=wasm`);
    await page.waitForSelector("#found-product");
    expect((await reported(page)).backend).toBe("wasm");
    await page.check("input[value=gpu]", { force: true });
    await until(page, `/GPU/.test(document.querySelector("#where").textContent)`);
    await until(page, `${points("product")} > 0`);
    const { backend, adapter, results } = await reported(page);
    expect(backend).toBe("gpu");
    expect(Object.values(adapter!).some((value) => typeof value === "string" && value.length > 0)).toBe(true);
    expect(results[0]).toMatchObject({ kind: "product", isRight: true });
    expect(faults).toEqual([]);
    await close();
  });
});
