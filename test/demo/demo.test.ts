/** The demo page, built, in a real browser: on WebGPU, and without it. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { strings } from "../../demo/strings.ts";
import { readCheckpoint } from "../../src/index.ts";
import { type OpenedBrowser, openBrowser, recordTasks } from "../support/browser.ts";

const root = fileURLToPath(new URL("../../demo", import.meta.url));
const screenshots = fileURLToPath(new URL("../screenshots", import.meta.url));
const wide = { width: 1280, height: 900 };
const narrow = { width: 360, height: 740 };

let url = "";
let close = async () => {};

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  const vite = await import("vite");
  const configFile = join(root, "vite.config.ts");
  await vite.build({ root, configFile, logLevel: "error" });
  // Any name that leads here may be asked for: the insecure page has one of its own.
  const preview = { host: "127.0.0.1", port: 0, allowedHosts: true } as const;
  const server = await vite.preview({ root, configFile, logLevel: "error", preview });
  url = server.resolvedUrls?.local[0] ?? "";
  close = () => server.close();
});
afterAll(() => close());

test("the built page has no Node code, and no address of another site", () => {
  const assets = join(root, "dist", "assets");
  for (const name of readdirSync(assets)) {
    // The project's own source is a text to learn from, not code.
    if (name.startsWith("source-code")) continue;
    const file = readFileSync(join(assets, name), "utf8");
    expect(file, name).not.toMatch(/["']node:|__vite-browser-external|createRequire|process\.(env|dlopen)/);
  }
  expect(readFileSync(join(root, "dist", "index.html"), "utf8")).not.toMatch(/https?:\/\//);
});

interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console and of scripts, and requests that left this machine. */
  readonly faults: string[];
}

async function openPage({ browser }: OpenedBrowser, address: string, options: BrowserContextOptions): Promise<Opened> {
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
  // A function here would bring names of the compiler's along.
  await page.addInitScript(`
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) longTasks.push({ startTime, duration });
    }).observe({ entryTypes: ["longtask"] });
  `);
  await page.goto(address);
  await phase(page, "ready");
  return { page, context, faults };
}

const phase = (page: Page, ...wanted: string[]) =>
  page.waitForFunction((list) => list.includes(document.body.dataset.phase ?? ""), wanted, { timeout: 120_000 });

const shown = async (page: Page, id: string) => Number((await page.textContent(`#${id}`))?.replaceAll(",", ""));

async function reachStep(page: Page, step: number): Promise<void> {
  await page.waitForFunction(
    (wanted) => Number(document.getElementById("tileStep")?.textContent?.replaceAll(",", "")) >= wanted,
    step,
    { timeout: 180_000 },
  );
}

async function tinyModel(page: Page): Promise<void> {
  await page.click("details.more > summary");
  // Until it is paused, however fast a backend is.
  const sizes = { hiddenSize: 16, embeddingDim: 8, window: 16, batch: 4, learningRate: 0.02, steps: 0 };
  for (const [name, value] of Object.entries(sizes)) await page.selectOption(`#field-${name}`, String(value));
}

/** From here to the call of what it returns, no task of the page may last longer than 100 ms. */
async function watchTasks({ browser }: OpenedBrowser, page: Page): Promise<() => Promise<void>> {
  const longest = await recordTasks(browser!);
  await page.evaluate("longTasks.length = 0");
  return async () => {
    const tasks = (await page.evaluate("longTasks.splice(0)")) as { duration: number }[];
    const long = tasks.filter(({ duration }) => duration > 100);
    const worked = await longest();
    // By the clock, a machine that is busy with other programs makes any task long; then the task's own work counts.
    if (long.length > 0)
      console.log(`${long.length} tasks over 100 ms by the clock; the most work in one: ${worked} ms`);
    expect(worked, "milliseconds of work in one task").toBeLessThan(100);
  };
}

async function pause(page: Page): Promise<void> {
  await page.click("#primary");
  await phase(page, "paused");
}

describe("in a browser with WebGPU", () => {
  let opened: OpenedBrowser;
  let one: Opened;

  beforeAll(async () => {
    opened = await openBrowser({ webgpu: true });
    if (opened.browser) one = await openPage(opened, `${url}?backend=gpu`, {});
  });
  afterAll(() => opened?.browser?.close());
  beforeEach(({ skip }) => skip(!opened.browser, opened.reason));

  test("runs on the GPU and says on which", async () => {
    expect(await one.page.textContent("#device")).toMatch(/GPU.*swiftshader/i);
  });

  test("else passes this adapter over, because it is software, and says so", async () => {
    const { page, context } = await openPage(opened, url, {});
    expect(await page.textContent("#device")).toBe(strings.en.runsOnWasm);
    expect(await page.textContent("#notice")).toContain(strings.en.whySoftware);
    await context.close();
  });

  test("trains while the page stays responsive: the loss falls and text appears", async () => {
    const { page, faults } = one;
    await tinyModel(page);
    const responsive = await watchTasks(opened, page);
    await page.click("#primary");
    await page.waitForFunction(() => Number(document.getElementById("tileBits")?.textContent) > 0);
    const before = await shown(page, "tileBits");
    await reachStep(page, 40);
    await page.waitForSelector("#latest:not([hidden])");
    await reachStep(page, 80);
    await responsive();
    await pause(page);
    expect(await shown(page, "tileBits")).toBeLessThan(before - 0.5);
    expect([...((await page.textContent("#latestText")) ?? "")].length).toBeGreaterThanOrEqual(128);
    expect(faults).toEqual([]);
  });

  test("the map of the states is moved over by keys, and colours the text", async () => {
    const { page } = one;
    await page.focus("#mapFrame");
    await page.keyboard.press("Home");
    const first = await page.textContent("#mapReadout");
    expect(first).toMatch(/^Read .+, then wrote .+\. Unit \d+: h = -?\d\.\d{3}$/);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    expect(await page.textContent("#mapReadout")).not.toBe(first);
    expect(await page.locator("#latestText .here").count()).toBe(1);
    await page.check("input[name=mapState][value=c]", { force: true });
    expect(await page.textContent("#mapReadout")).toMatch(/c = /);
    await page.hover("#mapCanvas", { position: { x: 5, y: 5 } });
    expect(await page.textContent("#mapReadout")).toMatch(/Unit 1: c/);
  });

  test("writes on request, at the temperature and from the words that are wished", async () => {
    const { page } = one;
    await page.fill("#prompt", "The 한 ");
    await page.locator("#temperature").fill("0");
    await page.click("#write");
    await page.waitForFunction(() => document.getElementById("latestTitle")?.textContent?.includes("0.00"));
    const first = await page.textContent("#latestText");
    expect(first).toMatch(/^The /);
    expect(await page.textContent("#promptSkipped")).toMatch(/한/);
    await page.fill("#prompt", "");
    await page.locator("#temperature").fill("0.8");
  });

  test("a model is saved, loaded again, and trained on", async () => {
    const { page } = one;
    const step = await shown(page, "tileStep");
    const bits = await shown(page, "tileBits");
    const downloading = page.waitForEvent("download");
    await page.click("#save");
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`lstm-16-step-${step}.safetensors`);
    const path = await download.path();
    const checkpoint = readCheckpoint(readFileSync(path));
    expect(checkpoint.config).toMatchObject({ cell: "lstm", hiddenSize: 16, embeddingDim: 8 });
    expect(checkpoint.progress?.step).toBe(step);

    const bytes = readFileSync(path);
    const file = { name: "mine.safetensors", mimeType: "application/octet-stream", buffer: bytes };
    await page.selectOption("#field-hiddenSize", "64");
    await page.setInputFiles("#load", file);
    await page.waitForFunction(() =>
      document.getElementById("modelSummary")?.textContent?.includes("mine.safetensors"),
    );
    await phase(page, "paused");
    expect(await shown(page, "tileStep")).toBe(step);
    expect(await page.inputValue("#field-hiddenSize")).toBe("16");
    await page.click("#primary");
    await reachStep(page, step + 10);
    await pause(page);
    expect(await shown(page, "tileBits")).toBeLessThan(bits + 0.3);
    expect(one.faults).toEqual([]);
  });

  test.each([
    ["en", "light"],
    ["en", "dark"],
    ["ko", "light"],
    ["ko", "dark"],
  ] as const)("looks right in %s, %s, wide and narrow", async (language, colorScheme) => {
    const { page } = one;
    await page.emulateMedia({ colorScheme });
    await page.click(`[data-language=${language}]`);
    expect(await page.getAttribute("html", "lang")).toBe(language);
    expect(await page.textContent("h1")).toBe(strings[language].title);
    for (const [name, viewport] of Object.entries({ wide, narrow })) {
      await page.setViewportSize(viewport);
      // The charts follow the new width one frame later, and draw at the frame after it.
      await page.waitForTimeout(300);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `pixels too wide, ${name}`).toBe(0);
      await page.evaluate(() => scrollTo(0, 0));
      const path = join(screenshots, `demo-${name}-${language}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
    }
    await page.setViewportSize(wide);
    await page.click("[data-language=en]");
  });

  test("a file that is no model, or no text, is refused in words, and nothing is lost", async () => {
    const { page } = one;
    const step = await page.textContent("#tileStep");
    const mimeType = "application/octet-stream";
    await page.setInputFiles("#load", { name: "bad.safetensors", mimeType, buffer: Buffer.from("no model at all") });
    await page.waitForSelector("#failure:not([hidden])");
    expect(await page.textContent("#failureText")).toBe(strings.en.errorFile);
    expect(await page.textContent("#failureDetail")).toMatch(/bad\.safetensors/);
    await page.click("#dismiss");
    await page.setInputFiles("#textFile", { name: "bad.txt", mimeType, buffer: Buffer.from([0xff, 0xfe, 0x00]) });
    await page.waitForSelector("#failure:not([hidden])");
    expect(await page.textContent("#failureText")).toMatch(/bad\.txt is not UTF-8/);
    await page.click("#dismiss");
    await page.fill("#text", "short");
    await page.click("#startOver");
    await page.waitForSelector("#failure:not([hidden])");
    expect(await page.textContent("#failureText")).toBe(strings.en.errorData);
    await page.click("#dismiss");
    expect(await page.textContent("#tileStep")).toBe(step);
    expect(await page.textContent("#primary")).toBe(strings.en.continue);
  });

  test.each(["gru", "rnn_tanh", "rnn_relu"])("%s learns a text that was dropped", async (cell) => {
    const { page } = one;
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["가나다라 마바사. ".repeat(60)], "dropped.txt"));
      document.getElementById("drop")?.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
    });
    await page.waitForFunction(() =>
      (document.getElementById("text") as HTMLTextAreaElement).value.startsWith("가나다라"),
    );
    await page.check(`input[value=${cell}]`, { force: true });
    await page.click("#startOver");
    await page.waitForFunction(() => document.getElementById("modelSummary")?.textContent?.includes("9 different"));
    await reachStep(page, 20);
    await page.waitForSelector("#latest:not([hidden])");
    await pause(page);
    expect(await page.textContent("#latestText")).toMatch(/[가-힣]/);
    // A state that the cell does not have is not offered.
    expect(await page.isVisible("text=Cell c")).toBe(false);
    expect(one.faults).toEqual([]);
  });
});

describe("when the GPU goes away in mid-training", () => {
  let opened: OpenedBrowser;
  beforeAll(async () => {
    opened = await openBrowser({ webgpu: true });
  });
  afterAll(() => opened?.browser?.close());
  beforeEach(({ skip }) => skip(!opened.browser, opened.reason));

  test("the page says so, and goes back to the last good step", async () => {
    const { page } = await openPage(opened, `${url}?backend=gpu`, {});
    await tinyModel(page);
    await page.click("#primary");
    await page.waitForSelector("#latest:not([hidden])");
    const devtools = await opened.browser!.newBrowserCDPSession();
    await devtools.send("Browser.crashGpuProcess");
    await phase(page, "failed");
    expect(await page.textContent("#failureText")).toBe(strings.en.errorDeviceLost);
    await page.click("#goBack");
    await phase(page, "paused");
    expect(await page.isVisible("#failure")).toBe(false);
    const step = await shown(page, "tileStep");
    expect(step).toBeGreaterThanOrEqual(10);
    await page.click("#primary");
    await reachStep(page, step + 5);
  });
});

describe("in a browser without WebGPU", () => {
  let opened: OpenedBrowser;
  beforeAll(async () => {
    opened = await openBrowser({ webgpu: false });
  });
  afterAll(() => opened?.browser?.close());
  beforeEach(({ skip }) => skip(!opened.browser, opened.reason));

  test("says so, and trains on WebAssembly while the page stays responsive", async () => {
    const { page, context, faults } = await openPage(opened, url, {});
    expect(await page.textContent("#device")).toBe(strings.en.runsOnWasm);
    expect(await page.textContent("#notice")).toContain(strings.en.noGpu);
    // All sizes can be chosen, and those that are preset train at a readable pace.
    expect(await page.locator("option:disabled").count()).toBe(0);
    expect(await page.inputValue("#field-hiddenSize")).toBe("128");
    await tinyModel(page);
    const responsive = await watchTasks(opened, page);
    await page.click("#primary");
    await page.waitForFunction(() => Number(document.getElementById("tileBits")?.textContent) > 0);
    const before = await shown(page, "tileBits");
    await reachStep(page, 60);
    await page.waitForSelector("#latest:not([hidden])");
    await responsive();
    await pause(page);
    expect(await shown(page, "tileBits")).toBeLessThan(before);
    for (const [name, viewport] of Object.entries({ wide, narrow })) {
      await page.setViewportSize(viewport);
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(screenshots, `demo-wasm-${name}-en-light.png`), fullPage: true });
    }
    expect(faults).toEqual([]);
    await context.close();
  });

  test("its address may insist: the twins are there, and say that they are slow", async () => {
    const { page, context } = await openPage(opened, `${url}?backend=cpu`, {});
    expect(await page.textContent("#device")).toBe(strings.en.runsOnCpu);
    expect(await page.textContent("#notice")).toContain(strings.en.noWasm);
    expect(await page.inputValue("#field-hiddenSize")).toBe("32");
    await context.close();
  });

  test("says in the reader's language that an insecure page has none", async () => {
    // Any name but localhost over http is an insecure page, where navigator.gpu does not exist.
    const address = url.replace(/\/\/[^:/]+/, "//page.test");
    const { page, context } = await openPage(opened, address, { locale: "ko-KR" });
    expect(await page.textContent("#notice")).toContain(strings.ko.noGpu);
    expect(await page.textContent("#notice")).toContain(strings.ko.whyMissing);
    await page.screenshot({ path: join(screenshots, "demo-insecure-wide-ko-light.png") });
    await context.close();
  });
});
