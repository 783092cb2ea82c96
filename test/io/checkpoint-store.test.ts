/** Checkpoints in a page's storage, in a real browser. */
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkpointStore, OptionError } from "../../src/index.ts";
import { type OpenedBrowser, openBrowser } from "../support/browser.ts";

let opened: OpenedBrowser;
let script = "";

beforeAll(async () => {
  opened = await openBrowser({ webgpu: false });
  if (!opened.browser) return;
  const { build } = await import("vite");
  const entry = fileURLToPath(new URL("../support/store-page.ts", import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ["es"], fileName: "page" },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (!bundle || !("output" in bundle)) throw new Error("vite built nothing");
  script = bundle.output.map((file) => ("code" in file ? file.code : "")).join("\n");
});
afterAll(() => opened?.browser?.close());

/** A page of an origin that is served from here; "http://page.test" is one without a secure context. */
async function open(context: BrowserContext, origin = "http://localhost"): Promise<Page> {
  const page = await context.newPage();
  await page.route(`${origin}/**`, (route) => {
    const isScript = route.request().url().endsWith(".js");
    return route.fulfill(
      isScript
        ? { contentType: "text/javascript", body: script }
        : { contentType: "text/html", body: '<!doctype html><script type="module" src="page.js"></script>' },
    );
  });
  await page.goto(`${origin}/`);
  await page.waitForFunction("typeof train === 'function'");
  return page;
}

describe.each(["indexeddb", "opfs"])("%s", (kind) => {
  let context: BrowserContext;
  beforeEach(async ({ skip }) => {
    skip(!opened.browser, opened.reason);
    context = await opened.browser!.newContext();
    return () => context.close();
  });
  const store = `checkpointStore("${kind}")`;

  test("keeps bytes under names, whatever characters they have, when the page is closed", async () => {
    const first = await open(context);
    expect(await first.evaluate(`${store}.list()`)).toEqual([]);
    expect(await first.evaluate(`stored("${kind}", "a/b: 모델.")`)).toBeUndefined();
    await first.evaluate(`save("${kind}", "a/b: 모델.", 70000, 1)`);
    await first.evaluate(`save("${kind}", "..", 3, 2)`);
    await first.evaluate(`save("${kind}", "..", 2, 3)`);
    await first.close();
    const second = await open(context);
    expect(await second.evaluate(`${store}.list()`)).toEqual(["..", "a/b: 모델."]);
    expect(await second.evaluate(`stored("${kind}", "a/b: 모델.")`)).toEqual({ length: 70000, values: [1] });
    expect(await second.evaluate(`stored("${kind}", "..")`)).toEqual({ length: 2, values: [3] });
    await second.evaluate(`${store}.remove("..")`);
    await second.evaluate(`${store}.remove("..")`);
    expect(await second.evaluate(`${store}.list()`)).toEqual(["a/b: 모델."]);
  });

  test("stores a view without the memory around it, as it was when save was called", async () => {
    const page = await open(context);
    await page.evaluate(`(async () => {
      const all = new Uint8Array(1000);
      const view = all.subarray(10, 14).fill(5);
      const saving = ${store}.save("view", view);
      view.fill(6);
      await saving;
      globalThis.behind = (await ${store}.load("view")).buffer.byteLength;
    })()`);
    expect(await page.evaluate(`stored("${kind}", "view")`)).toEqual({ length: 4, values: [5] });
    expect(await page.evaluate("behind")).toBe(4);
  });

  test("has the old bytes or the new ones, whole, whenever the page goes while it saves", async () => {
    const size = 2 ** 24;
    let page = await open(context);
    await page.evaluate(`save("${kind}", "model", 1000, 1)`);
    for (const wait of [0, 5, 30]) {
      await page.evaluate(
        `{ save("${kind}", "model", ${size}, 2); save("${kind}", "new ${wait}", ${size}, 3); undefined; }`,
      );
      await page.waitForTimeout(wait);
      await page.close();
      page = await open(context);
      const whole = [
        { length: 1000, values: [1] },
        { length: size, values: [2] },
      ];
      expect(whole).toContainEqual(await page.evaluate(`stored("${kind}", "model")`));
      const added = await page.evaluate(`stored("${kind}", "new ${wait}")`);
      expect([undefined, { length: size, values: [3] }]).toContainEqual(added);
      const names = (await page.evaluate(`${store}.list()`)) as string[];
      expect(names.includes(`new ${wait}`)).toBe(added !== undefined);
    }
  });

  test("holds a training that goes on to the same losses in another page", async () => {
    const first = await open(context);
    const whole = await first.evaluate(`train("${kind}", 6)`);
    const before = (await first.evaluate(`train("${kind}", 3, undefined, "run")`)) as number[];
    await first.close();
    const second = await open(context);
    const after = (await second.evaluate(`train("${kind}", 3, "run")`)) as number[];
    expect([...before, ...after]).toEqual(whole);
    expect(new Set(whole as number[]).size).toBe(6);
  });

  test("refuses names and bytes that mean nothing", async () => {
    const page = await open(context);
    const refusal = (work: string) => page.evaluate(`refusal(() => ${store}.${work})`);
    expect(await refusal('save("", new Uint8Array(1))')).toMatch(/^OPTION: checkpointStore.save: the name is ""/);
    expect(await refusal('load("\\ud800")')).toMatch(/^OPTION: checkpointStore.load: the name is/);
    expect(await refusal(`remove("${"x".repeat(250)}")`)).toMatch(/^OPTION: checkpointStore.remove/);
    expect(await refusal('save("a", [1])')).toMatch(/^OPTION: checkpointStore.save: \[1\] is no Uint8Array/);
    expect(await refusal('save("a", new Uint8Array())')).toMatch(/^OPTION/);
  });

  test("says why it cannot write, and keeps what was there", async () => {
    const page = await open(context);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin: "http://localhost", quotaSize: 2 ** 20 });
    await page.evaluate(`save("${kind}", "model", 1000, 1)`);
    // This browser holds its private files to that, and of IndexedDB only real disks.
    await page.evaluate(`{
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...given) {
        const request = put.apply(this, given);
        this.transaction.abort();
        return request;
      };
    }`);
    expect(await page.evaluate(`refusal(() => save("${kind}", "model", 2 ** 23, 2))`)).toMatch(
      /^WRITE: checkpointStore.save: 8388608 bytes of "model" could not be written: .* \(\d+ of the 1048576 bytes that the browser allows are in use\); what was there before is untouched; remove/,
    );
    expect(await page.evaluate(`stored("${kind}", "model")`)).toEqual({ length: 1000, values: [1] });
  });
});

describe("where there is no such storage", () => {
  test("a page without a secure context is told to use https", async ({ skip }) => {
    skip(!opened.browser, opened.reason);
    const context = await opened.browser!.newContext();
    const page = await open(context, "http://page.test");
    expect(await page.evaluate('refusal(async () => checkpointStore("opfs"))')).toMatch(
      /^OPTION: checkpointStore: the origin's private file system is not there: open the page by https or on localhost/,
    );
    await context.close();
  });

  test("Node is told to write a file, and another kind is refused", () => {
    for (const kind of ["indexeddb", "opfs"] as const) {
      expect(() => checkpointStore(kind)).toThrow(OptionError);
      expect(() => checkpointStore(kind)).toThrow("in Node write a file");
    }
    expect(() => checkpointStore("localstorage" as never)).toThrow(
      'kind is "localstorage", expected "indexeddb" or "opfs"',
    );
  });
});

test("a tuning table stays when the page is closed, and is no checkpoint", async ({ skip }) => {
  skip(!opened.browser, opened.reason);
  const context = await opened.browser!.newContext();
  try {
    const first = await open(context);
    expect(await first.evaluate(`keptTable("a GPU")`)).toBeUndefined();
    const where = await first.evaluate(`keepTable("a GPU", { choices: { a: 1 } })`);
    expect(where).toMatch(/^IndexedDB "webgpu-rnn tuning", "tuning \d+\.\d+\.\d+ a GPU"$/);
    await first.close();
    const second = await open(context);
    expect(await second.evaluate(`keptTable("a GPU")`)).toEqual({ choices: { a: 1 } });
    expect(await second.evaluate(`keptTable("another")`)).toBeUndefined();
    expect(await second.evaluate(`checkpointStore("indexeddb").list()`)).toEqual([]);
  } finally {
    await context.close();
  }
});
