/** The start page of the gallery, and what the shell does for every page. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { pages } from "../../demo/pages.ts";
import { checkPages, galleryWithWebGPU, phase, until } from "../support/gallery.ts";

checkPages({
  index: {
    async learns(page) {
      await page.waitForSelector('.index-device [data-phase="done"]');
      const said = (await page.textContent(".index-device [role=status]"))!;
      expect(Number(said.match(/^([\d,]+) training steps/)![1]!.replaceAll(",", ""))).toBeGreaterThan(5);
    },
    async answers(page) {
      expect(await page.locator(".index-cards li").count()).toBe(pages.length);
      expect(await page.locator(".index-miniature svg").count()).toBe(pages.length);
      await page.check("input[value=engineers]", { force: true });
      expect(page.url()).toMatch(/#path=engineers$/);
      expect(await page.locator(".index-cards li").count()).toBe(pages.filter((one) => one.for !== "learners").length);
      await page.check("input[value=all]", { force: true });
      await page.click(".index-cards a");
      await page.waitForURL(`**/${pages[0]!.name}.html`);
      await page.goBack();
      await page.waitForSelector(".index-cards");
      // What is chosen and what is shown agree, also where the browser has kept the page.
      const chosen = await page.locator("input[name=path]:checked").inputValue();
      const isShown = (one: (typeof pages)[number]) => chosen === "all" || one.for === undefined || one.for === chosen;
      expect(await page.locator(".index-cards li").count()).toBe(pages.filter(isShown).length);
    },
  },
});

test("every page has its files", () => {
  for (const { name } of pages)
    for (const file of ["page.tsx", "program.ts", "worker.ts", "miniature.tsx"])
      expect(
        existsSync(fileURLToPath(new URL(`../../demo/pages/${name}/${file}`, import.meta.url))),
        `${name}/${file}`,
      ).toBe(true);
});

describe("a page that trains", () => {
  const gallery = galleryWithWebGPU();

  const step = "Number(document.querySelector('.steps').textContent.match(/[\\d,]+/)?.[0].replaceAll(',', '') ?? 0)";

  test("pauses, goes on, slows down, and begins anew as often as one likes", async () => {
    const { page, faults, close } = await gallery.open(`feeling.html`);
    await until(page, `${step} > 20`);
    await page.click("#primary");
    await phase(page, "paused");
    // The step that was under way is reported, and no other one after it.
    await page.waitForTimeout(500);
    const at = await page.evaluate(step);
    await page.waitForTimeout(500);
    expect(await page.evaluate(step)).toBe(at);
    expect(await page.textContent("#primary")).toBe("Continue");
    await page.selectOption("#speed", "5");
    await page.click("#primary");
    await until(page, `${step} > ${at} + 2`);
    expect(await page.evaluate(step)).toBeLessThan(Number(at) + 12);
    await page.selectOption("#speed", "Infinity");
    for (let i = 0; i < 5; i++) await page.click("#startOver");
    await until(page, `${step} > 5`);
    await phase(page, "done");
    expect(await page.textContent("#primary")).toBe("Start over");
    expect(faults).toEqual([]);
    await close();
  });

  test("its address has its settings, and the same seed gives the same training", async () => {
    const finals: string[] = [];
    for (const seed of ["7", "7", "8"]) {
      const { page, close } = await gallery.open(`feeling.html#seed=${seed}`);
      expect(await page.inputValue("#seed")).toBe(seed);
      await phase(page, "done");
      await page.click(".charts .behind summary");
      finals.push((await page.textContent(".charts .behind tbody tr:last-child"))!);
      await page.fill("#seed", "9");
      await page.press("#seed", "Enter");
      await until(page, "location.hash === '#seed=9'");
      await phase(page, "training");
      await close();
    }
    expect(finals[1]).toBe(finals[0]);
    expect(finals[2]).not.toBe(finals[0]);
  });

  test("the reader's language and colours are kept from page to page", async () => {
    const { page, close } = await gallery.open(`index.html`, { locale: "ko-KR" });
    expect(await page.getAttribute("html", "lang")).toBe("ko");
    await page.click("[data-language=en]");
    await page.selectOption(".choices select", "dark");
    await page.click('a[href$="feeling.html"]');
    await page.waitForSelector(".toolbar");
    expect(await page.getAttribute("html", "lang")).toBe("en");
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(20, 23, 27)");
    await close();
  });

  test("says that the GPU went away, and begins anew", async () => {
    const { page, close } = await gallery.open(`feeling.html?backend=gpu`);
    await phase(page, "training");
    const devtools = await gallery.browser.newBrowserCDPSession();
    await devtools.send("Browser.crashGpuProcess");
    await phase(page, "failed");
    expect(await page.textContent(".failure")).toContain("The GPU went away");
    await page.click("#primary");
    await phase(page, "training");
    expect(await page.locator(".failure").count()).toBe(0);
    await close();
  });
});
