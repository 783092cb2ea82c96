/** The page about characters, which learns a text and writes: on WebAssembly, on WebGPU, and when a GPU goes away. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readCheckpoint } from "../../src/index.ts";
import { type OpenedBrowser, openBrowser } from "../support/browser.ts";
import { checkPages, type Gallery, openPage, phase, serveGallery, until } from "../support/gallery.ts";

/** A figure of the page. */
const tile = (name: string) => `Number(document.querySelector("#tile-${name}").textContent.replaceAll(",", ""))`;
const step = tile("step");

async function latest(page: Page): Promise<string> {
  return (await page.textContent("#latest"))!.replaceAll("↵\n", "\n");
}

async function pause(page: Page): Promise<void> {
  await page.click("#primary");
  await phase(page, "paused");
}

/** Of the unit that is chosen: its mean at spaces less that at other characters, by the table behind the map. */
const difference = `(() => {
  const rows = document.querySelectorAll("figure:has(.heat) .behind tbody tr");
  const mean = (isWanted) => {
    const values = [...rows].filter((row) => isWanted(row.cells[0].textContent)).map((row) => Number(row.cells[2].textContent));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return mean((read) => read.startsWith("␣")) - mean((read) => !read.startsWith("␣"));
})()`;

checkPages({
  characters: {
    onGpu: true,
    async learns(page) {
      // By chance, log2 of 36 characters: 5.17 bits.
      await until(page, `${tile("bits")} < 2`, 120_000);
      expect(await page.locator(".charts .u-legend").first().textContent()).toMatch(/kept apart/);
      await pause(page);
    },
    async answers(page) {
      await page.fill("#prompt", "The 한");
      await page.fill("#temperature", "0");
      await until(page, `document.querySelector("#sampleAt")?.textContent.endsWith("0.00")`);
      await until(page, `document.querySelector("#latest").textContent.startsWith("The")`);
      const first = await latest(page);
      expect(first).toHaveLength(4 + 256);
      expect(await page.textContent("#skipped")).toMatch(/: 한$/);
      // One step, and the likeliest text is another one or the same, but written anew.
      const before = Number(await page.evaluate(step));
      await page.click("#oneStep");
      await until(page, `${step} === ${before + 1}`);
      await until(page, `document.querySelector("#sampleAt").textContent.startsWith("Step ${before + 1},")`);
      await phase(page, "paused");
      // The best unit for spaces goes the way that its correlation says, also in what the network writes.
      await page.fill("#temperature", "0.8");
      await until(page, `document.querySelector("#sampleAt").textContent.endsWith("0.80")`);
      const best = page.locator("#found button").first();
      await best.click();
      expect(await best.getAttribute("aria-pressed")).toBe("true");
      const correlation = Number((await best.textContent())!.match(/-?[\d.]+$/)![0]);
      expect(Math.abs(correlation)).toBeGreaterThan(0.5);
      await page.click("figure:has(.heat) .behind summary");
      await page.waitForSelector("figure:has(.heat) .behind tbody");
      const found = Number(await page.evaluate(difference));
      expect(Math.sign(found)).toBe(Math.sign(correlation));
      expect(Math.abs(found)).toBeGreaterThan(0.2);
      // Keys move over the map, and the text shows where.
      await page.focus(".heat-frame [role=application]");
      await page.keyboard.press("Home");
      const said = await page.locator(".readout").textContent();
      expect(said).toMatch(/^Read .+, then wrote .+\. Unit \d+: h = -?\d\.\d{3}$/);
      await page.keyboard.press("ArrowRight");
      expect(await page.locator(".readout").textContent()).not.toBe(said);
      expect(await page.locator("#latest .characters-here").count()).toBe(1);
      await page.check("input[name=state][value=c]", { force: true });
      expect(await page.locator(".readout").textContent()).toMatch(/: c = /);
      await page.check("input[name=state][value=h]", { force: true });
      await page.fill("#prompt", "");
    },
  },
});

describe("the page about characters", () => {
  let served: Gallery;
  let [plain, gpu]: OpenedBrowser[] = [];
  beforeAll(async () => {
    served = await serveGallery();
    [plain, gpu] = [await openBrowser({ webgpu: false }), await openBrowser({ webgpu: true })];
  });
  afterAll(async () => {
    await plain?.browser?.close();
    await gpu?.browser?.close();
    await served?.close();
  });
  beforeEach(({ skip }) => skip(!plain?.browser || !gpu?.browser, plain?.reason));

  const tiny = "#units=16&embedding=8&window=16&batch=4&rate=0.02&steps=0";
  const open = (browser: OpenedBrowser | undefined, more: string, options = {}) =>
    openPage(browser!, `${served.url}characters.html${more}`, options);

  test("a model is saved, loaded elsewhere, trained on, and what is no model is refused", async () => {
    const at = 60;
    const one = await open(plain, tiny.replace("steps=0", `steps=${at}`));
    await phase(one.page, "done");
    const downloading = one.page.waitForEvent("download");
    await one.page.click("#save");
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`lstm-16-step-${at}.safetensors`);
    const buffer = readFileSync(await download.path());
    const checkpoint = readCheckpoint(buffer);
    expect(checkpoint.config).toMatchObject({ cell: "lstm", hiddenSize: 16, embeddingDim: 8 });
    expect(checkpoint.progress?.step).toBe(at);
    await one.close();

    const { page, faults, close } = await open(plain, "#cell=gru&steps=100");
    const mimeType = "application/octet-stream";
    await until(page, `${step} > 20`);
    await page.setInputFiles("#load", { name: "bad.safetensors", mimeType, buffer: Buffer.from("no model at all") });
    await until(page, `document.querySelector("#told").textContent.includes("no model of this page")`);
    expect(await page.textContent("#told .detail")).toMatch(/bad\.safetensors/);
    await phase(page, "done");
    expect(await page.evaluate(step)).toBe(100);

    await page.setInputFiles("#load", { name: "mine.safetensors", mimeType, buffer });
    await phase(page, "paused");
    expect(await page.evaluate(step)).toBe(at);
    expect(await page.inputValue("#field-units")).toBe("16");
    expect(await page.isChecked("input[name=cell][value=lstm]")).toBe(true);
    await until(page, `document.querySelector("#before h3")?.textContent.endsWith("GRU, 64 units, step 100")`);
    await page.click("#primary");
    await phase(page, "done");
    expect(await page.evaluate(step)).toBe(at + 100);
    // For as many steps again, with the curve as it was.
    await page.click("#primary");
    await until(page, `${step} === ${at + 200}`);
    await phase(page, "done");
    await page.click(".charts .behind summary");
    await page.waitForSelector(".charts .behind tbody");
    const steps = `[...document.querySelectorAll(".charts .behind tbody th")].map((cell) => Number(cell.textContent.replaceAll(",", "")))`;
    const shown = (await page.evaluate(steps)) as number[];
    expect(shown[0]).toBeLessThan(at);
    expect(shown.at(-1)).toBe(at + 200);
    expect(shown.filter((one) => one > at && one < at + 100).length).toBeGreaterThan(10);
    expect(Math.max(...shown.map((one, i) => one - (shown[i - 1] ?? 0)))).toBeLessThan(10);
    expect(faults).toEqual([]);
    await close();
  });

  test("learns a text that was dropped, with each cell, and refuses what is no text", async () => {
    const { page, faults, close } = await open(plain, tiny);
    await page.evaluate(`{
      const data = new DataTransfer();
      data.items.add(new File(["가나다라 마바사. ".repeat(60)], "dropped.txt"));
      document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true, bubbles: true }));
    }`);
    await until(page, `document.querySelector("#text").value.startsWith("가나다라")`);
    expect(await page.inputValue("#source")).toBe("own");
    for (const cell of ["gru", "rnn_tanh", "rnn_relu"]) {
      await page.check(`input[name=cell][value=${cell}]`, { force: true });
      await until(page, `document.querySelector("#summary").textContent.includes("9 different")`);
      await until(page, `${step} >= 60`);
      await until(page, `/[가-힣]/.test(document.querySelector("#latest")?.textContent)`);
      // A state that the cell does not have is not offered.
      expect(await page.locator("input[name=state]").count()).toBe(0);
      expect(page.url()).toContain(`cell=${cell}`);
    }
    const mimeType = "application/octet-stream";
    await page.setInputFiles("#textFile", { name: "bad.txt", mimeType, buffer: Buffer.from([0xff, 0xfe, 0x00]) });
    await until(page, `document.querySelector("#textComplaint").textContent.includes("bad.txt is not UTF-8")`);
    await page.fill("#text", "short");
    expect(await page.isDisabled("#learn")).toBe(true);
    expect(await page.textContent("#textCount")).toContain("at least 34");
    await page.fill("#text", "ab ".repeat(100));
    await page.click("#learn");
    await until(page, `document.querySelector("#summary").textContent.includes("3 different")`);
    await page.selectOption("#source", "code");
    await until(page, `Number(document.querySelector("#summary").textContent.match(/(\\d+) different/)?.[1]) > 80`);
    expect(faults).toEqual([]);
    await close();
  });

  test("says where it computes and why, also where the page is insecure or the address insists", async () => {
    const device = (page: Page) => page.locator(".device");
    // Any name but localhost over http is an insecure page, where navigator.gpu does not exist.
    const address = served.url.replace(/\/\/[^:/]+/, "//page.test");
    const insecure = await openPage(plain!, `${address}characters.html${tiny}`, { locale: "ko-KR" });
    await phase(insecure.page, "training");
    expect(await device(insecure.page).textContent()).toBe("CPU(WebAssembly)");
    expect(await device(insecure.page).getAttribute("title")).toContain("브라우저에 WebGPU가 없습니다");
    expect(await insecure.page.inputValue("#text")).toMatch(/[가-힣]/);
    await insecure.close();

    const twins = await open(plain, `?backend=cpu${tiny}`);
    await until(twins.page, `${step} >= 3`);
    expect(await device(twins.page).textContent()).toContain("float64");
    await twins.close();

    const passedOver = await open(gpu, tiny);
    await phase(passedOver.page, "training");
    expect(await device(passedOver.page).textContent()).toBe("CPU, with WebAssembly");
    expect(await device(passedOver.page).getAttribute("title")).toContain("slower than WebAssembly");
    await passedOver.close();
  });

  test("when the GPU goes away, it says so and goes back to the last good step", async () => {
    const { page, close } = await open(gpu, `?backend=gpu${tiny}`);
    expect(await page.waitForSelector(".device").then((found) => found.textContent())).not.toBe("");
    await page.waitForSelector("#latest", { timeout: 120_000 });
    await until(page, `${step} >= 20`);
    const devtools = await gpu!.browser!.newBrowserCDPSession();
    await devtools.send("Browser.crashGpuProcess");
    await phase(page, "failed");
    expect(await page.textContent(".failure")).toContain("The GPU went away");
    const kept = Number((await page.textContent("#goBack"))!.match(/\d+/)![0]);
    await page.click("#goBack");
    await phase(page, "paused");
    expect(await page.locator(".failure").count()).toBe(0);
    expect(await page.evaluate(step)).toBe(kept);
    await page.click("#primary");
    await until(page, `${step} >= ${kept + 5}`);
    await close();
  });
});
