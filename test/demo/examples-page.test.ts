/** The page of examples, built, in a real browser: the programs run there as they do in Node, in both languages. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { exampleNames, words } from "../../demo/examples/words.ts";
import { openBrowser } from "../support/browser.ts";
import { buildGallery } from "../support/gallery.ts";

const root = fileURLToPath(new URL("../../demo", import.meta.url));
const screenshots = fileURLToPath(new URL("../screenshots", import.meta.url));
// A folder of its own: the test of the other page builds it too.
const outDir = mkdtempSync(join(tmpdir(), "webgpu-rnn-examples-"));

let url = "";
let close = async () => {};

beforeAll(async () => {
  const vite = await import("vite");
  const configFile = join(root, "vite.config.ts");
  await buildGallery(outDir);
  const preview = { host: "127.0.0.1", port: 0 } as const;
  const server = await vite.preview({ root, configFile, logLevel: "error", preview, build: { outDir } });
  url = `${server.resolvedUrls?.local[0]}examples/index.html`;
  close = () => server.close();
});
afterAll(async () => {
  await close();
  rmSync(outDir, { recursive: true });
});

describe("in a browser", async () => {
  const opened = await openBrowser({ webgpu: true });
  beforeEach((context) => context.skip(!opened.browser, opened.reason));
  afterAll(() => opened.browser?.close());

  test("every example has a card, in both languages, and no line is too wide", async () => {
    const page = await opened.browser!.newPage({ viewport: { width: 1280, height: 900 }, locale: "ko-KR" });
    await page.goto(url);
    for (const language of ["ko", "en"] as const) {
      await page.click(`[data-language=${language}]`);
      expect(await page.title()).toBe(words[language].title);
      expect(await page.getAttribute("html", "lang")).toBe(language);
      for (const name of exampleNames)
        expect(await page.textContent(`#${name} h2`)).toBe(words[language].examples[name][0]);
      for (const [size, width] of Object.entries({ wide: 1280, narrow: 360 })) {
        await page.setViewportSize({ width, height: 800 });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow, `pixels too wide, ${size}`).toBeLessThanOrEqual(0);
        await page.screenshot({ path: join(screenshots, `examples-${size}-${language}-light.png`), fullPage: true });
      }
    }
    // The choice is remembered.
    await page.reload();
    expect(await page.getAttribute("html", "lang")).toBe("en");
    await page.close();
  });

  test("two run beside each other, one is stopped, and the page says how they ended", async () => {
    const page = await opened.browser!.newPage({ viewport: { width: 1280, height: 900 }, locale: "en-US" });
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(url).origin) && !/^(blob|data):/.test(request.url()))
        faults.push(request.url());
    });
    await page.goto(url);
    for (const name of ["from-pytorch", "resume", "translator"]) await page.click(`#${name} button`);
    expect(await page.textContent("#translator button")).toBe("Stop");
    await page.click("#translator button");
    expect(await page.textContent("#translator .status")).toBe("Stopped.");
    for (const name of ["from-pytorch", "resume"]) {
      const ended = (text: string) => document.querySelector(text)?.textContent?.match(/^(Done|It failed)/) != null;
      await page.waitForFunction(ended, `#${name} .status`, { timeout: 100_000 });
      expect(await page.textContent(`#${name} .status`)).toMatch(/^Done in [\d.]+ seconds\.$/);
    }
    expect(await page.textContent("#from-pytorch .output")).toMatch(
      /^largest difference from PyTorch: \d\.\de-[789]\n/,
    );
    expect(await page.textContent("#resume .output")).toContain(", and 0 of 56 differ after the resumption");
    await page.screenshot({ path: join(screenshots, "examples-run-en-light.png"), fullPage: true });
    expect(faults).toEqual([]);
    await page.close();
  });
});
