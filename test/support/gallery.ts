/** The gallery, built and served under a strict content security policy, and what every page of it is held to. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pages, start } from "../../demo/pages.ts";
import { type OpenedBrowser, openBrowser, recordTasks } from "./browser.ts";
import { galleryFolder } from "./gallery-folder.ts";

const root = fileURLToPath(new URL("../../demo", import.meta.url));
const configFile = join(root, "vite.config.ts");
const screenshots = fileURLToPath(new URL("../screenshots", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Milliseconds: a task that is longer is felt. */
const LONG_TASK = 100;
const wide = { width: 1280, height: 900 };
const narrow = { width: 360, height: 740 };

/** What a page needs and no more: its own files, and WebAssembly. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  ...["style-src", "font-src", "connect-src", "worker-src"].map((kind) => `${kind} 'self'`),
  "img-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export interface Gallery {
  /** Its address, ending in a slash: not the root of its site. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Builds the gallery as it is published; vitest's own environment would bring what is for developers. */
export async function buildGallery(outDir: string): Promise<void> {
  const vite = await import("vite");
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    await vite.build({ root, configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
  } finally {
    process.env.NODE_ENV = NODE_ENV;
  }
}

/** The folder with the gallery of this run of Vitest. Whichever file of tests is first builds it; scripts/test-setup.mjs removes it. */
async function builtGallery(): Promise<string> {
  const folder = galleryFolder(process.ppid);
  const done = join(folder, "done");
  try {
    mkdirSync(folder);
  } catch {
    while (!existsSync(done)) {
      if (!existsSync(folder)) throw new Error("the gallery could not be built; another file of tests has the reason");
      await setTimeout(100);
    }
    return folder;
  }
  try {
    await buildGallery(join(folder, "some", "place"));
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  writeFileSync(done, "");
  return folder;
}

/** Serves the gallery. */
export async function serveGallery(): Promise<Gallery> {
  const folder = await builtGallery();
  const vite = await import("vite");
  const server = await vite.preview({
    root,
    configFile,
    logLevel: "error",
    build: { outDir: folder },
    preview: { host: "127.0.0.1", port: 0, allowedHosts: true, headers: { "Content-Security-Policy": policy } },
  });
  return {
    url: `${server.resolvedUrls?.local[0]}some/place/`,
    close: () => server.close(),
  };
}

export interface OpenedPage {
  readonly page: Page;
  /** Errors of the console and of scripts, violations of the policy, and requests that left this machine. */
  readonly faults: string[];
  readonly close: () => Promise<void>;
}

export async function openPage(
  { browser }: OpenedBrowser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser!.newContext({ viewport: wide, locale: "en-US", ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(address).origin) && !/^(blob|data):/.test(request.url()))
      faults.push(`request to ${request.url()}`);
  });
  await page.goto(address);
  return { page, faults, close: () => context.close() };
}

/** Waits for a training to be in one of the phases of LiveTraining. */
export const phase = (page: Page, ...wanted: string[]) =>
  page.waitForSelector(wanted.map((name) => `.toolbar[data-phase="${name}"]`).join(), { timeout: 120_000 });

/** Does what begins another training, and waits for the end of that. */
export async function trainedAnew(page: Page, change: () => Promise<unknown>): Promise<void> {
  const run = "Number(document.querySelector('.toolbar').dataset.run)";
  const before = Number(await page.evaluate(run));
  await change();
  await until(page, `${run} > ${before} && document.querySelector(".toolbar").dataset.phase === "done"`);
}

/**
 * Waits until an expression of JavaScript is true in the page. While it throws it is not: what it reads may not be drawn yet.
 * @throws what it comes to when the time is over
 */
export async function until(page: Page, expression: string, timeout = 60_000): Promise<void> {
  const end = performance.now() + timeout;
  // Not by the page itself, whose policy forbids strings as scripts.
  for (;;) {
    const found = await page.evaluate(expression).catch((error: Error) => {
      if (page.isClosed()) throw error;
      return error;
    });
    if (found && !(found instanceof Error)) return;
    if (performance.now() > end) throw new Error(`after ${timeout} ms, this is ${found}: ${expression}`);
    await page.waitForTimeout(50);
  }
}

/** What is wrong by the rules of WCAG 2 A and AA, as axe-core finds it. */
export async function violations(page: Page): Promise<string[]> {
  // Not as a script element, which the page's policy forbids.
  await page.evaluate(axe);
  return page.evaluate(`axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html, any }) => html.slice(0, 200) + " " + (any[0]?.message ?? "")).join(" | ")))`);
}

/** The built gallery in a browser with WebGPU, for the tests of one `describe`: opened before them, and closed after them. */
export function galleryWithWebGPU() {
  let browser: OpenedBrowser;
  let served: Gallery;
  beforeAll(async () => {
    [browser, served] = [await openBrowser({ webgpu: true }), await serveGallery()];
  });
  afterAll(async () => {
    await browser?.browser?.close();
    await served?.close();
  });
  beforeEach(({ skip }) => skip(!browser.browser, browser.reason));
  return {
    open: (path: string, options?: Parameters<typeof openPage>[2]) => openPage(browser, served.url + path, options),
    get browser() {
      return browser.browser!;
    },
  };
}

export interface PageChecks {
  /** Waits until the page has learned what it shows, and expects a stated threshold of it. */
  readonly learns: (page: Page) => Promise<void>;
  /** Does what a reader does, and expects the right answer. */
  readonly answers: (page: Page) => Promise<void>;
  /** Whether it is checked on WebGPU as well (SwiftShader: slow). */
  readonly onGpu?: boolean;
}

/** The tests of some pages, in one browser. A file of tests calls it once. */
export function checkPages(checks: Readonly<Record<string, PageChecks>>): void {
  let served: Gallery;
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    served = await serveGallery();
  });
  afterAll(() => served?.close());

  describe("in a browser without WebGPU", () => {
    let browser: OpenedBrowser;
    beforeAll(async () => {
      browser = await openBrowser({ webgpu: false });
    });
    afterAll(() => browser?.browser?.close());
    beforeEach(({ skip }) => skip(!browser.browser, browser.reason));

    describe.each(Object.entries(checks))("%s", (name, { learns, answers }) => {
      let one: OpenedPage | undefined;
      afterAll(() => one?.close());

      /** @returns the most work in one task of the page, in milliseconds of the processor */
      async function visit(): Promise<number> {
        await one?.close();
        const longest = await recordTasks(browser.browser!);
        let worked = 0;
        try {
          one = await openPage(browser, `${served.url}${name}.html`);
          await learns(one.page);
          await answers(one.page);
        } finally {
          // Whatever happened, the browser must not go on recording.
          worked = await longest();
        }
        expect(one.faults).toEqual([]);
        return worked;
      }

      test("learns, answers, and stays responsive", async () => {
        const first = await visit();
        // What a page does every time is seen twice; what the machine did beside it, once.
        const worked = first < LONG_TASK ? first : Math.min(first, await visit());
        if (worked < first)
          console.log(`${name}: ${first} ms of work in one task, and ${worked} ms when it was opened again`);
        expect(worked, "milliseconds of work in one task").toBeLessThan(LONG_TASK);
      });

      test("looks right in both languages, wide and narrow, light and dark", async () => {
        const { page, faults } = one!;
        const [en, ko] = [start, ...pages].find((known) => known.name === name)!.title;
        for (const [language, title, colorScheme] of [
          ["en", en, "light"],
          ["ko", ko, "dark"],
        ] as const) {
          await page.emulateMedia({ colorScheme });
          await page.click(`[data-language=${language}]`);
          expect(await page.getAttribute("html", "lang")).toBe(language);
          expect(await page.title()).toBe(title);
          expect(await page.textContent("h1")).toBe(title);
          // Another language may train on data of that language.
          if (await page.$(".toolbar")) await phase(page, "training", "done", "paused");
          await page.waitForTimeout(600);
          for (const [size, viewport] of Object.entries({ wide, narrow })) {
            await page.setViewportSize(viewport);
            await page.waitForTimeout(200);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            expect(overflow, `pixels too wide, ${size}, ${language}`).toBeLessThanOrEqual(0);
            await page.evaluate("scrollTo(0, 0)");
            await page.screenshot({ path: join(screenshots, `${name}-${size}-${language}.png`), fullPage: true });
          }
          await page.setViewportSize(wide);
          expect(await violations(page), language).toEqual([]);
        }
        expect(faults).toEqual([]);
      });
    });
  });

  const onGpu = Object.entries(checks).filter(([, { onGpu }]) => onGpu);
  if (onGpu.length === 0) return;
  describe("in a browser with WebGPU", () => {
    let browser: OpenedBrowser;
    beforeAll(async () => {
      browser = await openBrowser({ webgpu: true });
    });
    afterAll(() => browser?.browser?.close());
    beforeEach(({ skip }) => skip(!browser.browser, browser.reason));

    test.each(onGpu)("%s learns and answers", async (name, { learns, answers }) => {
      const { page, faults, close } = await openPage(browser, `${served.url}${name}.html?backend=gpu`);
      await until(page, `/GPU/.test(document.querySelector(".device")?.textContent ?? "")`);
      await learns(page);
      await answers(page);
      expect(faults).toEqual([]);
      await close();
    });
  });
}
