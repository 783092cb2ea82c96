/** The demo page's parts that need no browser: its words, its texts, and the session that trains. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { makeText } from "../../demo/grammar.ts";
import { preferredLanguage } from "../../demo/language.ts";
import type { Report, Settings } from "../../demo/messages.ts";
import { Session } from "../../demo/session.ts";
import { languages, strings, type TextKey } from "../../demo/strings.ts";
import { readSafetensors, writeSafetensors } from "../../src/index.ts";

const root = fileURLToPath(new URL("../../demo", import.meta.url));

describe("the page's words", () => {
  const sources = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|html)$/.test(entry.name) && entry.name !== "strings.ts")
    .map(({ name }) => readFileSync(join(root, name), "utf8"))
    .join("\n");
  const keys = Object.keys(strings.en) as TextKey[];

  test.each(languages)("%s has every key, no more, none empty", (language) => {
    expect(Object.keys(strings[language]).sort()).toEqual([...keys].sort());
    for (const key of keys) expect(strings[language][key].trim(), key).not.toBe("");
  });

  test("every key has the same values in every language", () => {
    const values = (words: string) => (words.match(/\{\w+\}/g) ?? []).sort();
    for (const key of keys)
      for (const language of languages) expect(values(strings[language][key]), key).toEqual(values(strings.en[key]));
  });

  test("every key is used, and what is used exists", () => {
    expect(keys.filter((key) => !sources.includes(`"${key}"`))).toEqual([]);
    const used = [...sources.matchAll(/data-(?:text|label|placeholder)="(\w+)"/g)].map(([, key]) => key);
    expect(used.filter((key) => !keys.includes(key as TextKey))).toEqual([]);
  });

  test("the language is the address's, else the last choice, else the browser's first that the page has", () => {
    expect(preferredLanguage("?lang=ko", "en", ["en"])).toBe("ko");
    expect(preferredLanguage("", "en", ["ko-KR"])).toBe("en");
    expect(preferredLanguage("", null, ["fr-FR", "ko-KR", "en"])).toBe("ko");
    expect(preferredLanguage("?lang=xx", null, ["fr"])).toBe("en");
  });
});

describe("the made-up text", () => {
  test("is as long as was asked for, the same every time, and of the language that was asked for", () => {
    for (const which of ["english", "korean", "both"] as const) {
      const text = makeText(which, 5000);
      expect(text.length).toBeGreaterThanOrEqual(5000);
      expect(text.length).toBeLessThan(5300);
      expect(makeText(which, 5000)).toBe(text);
      expect(/[a-z]/.test(text)).toBe(which !== "korean");
      expect(/[가-힣]/.test(text)).toBe(which !== "english");
    }
  });

  test("chooses Korean particles by the sound before them", () => {
    const text = makeText("korean", 30_000);
    for (const right of ["할머니는", "말은", "고양이가", "곰이", "등불을", "배를", "바다로", "산으로", "마을로"])
      expect(text).toContain(right);
    for (const wrong of ["할머니은", "곰가", "등불를", "산로", "마을으로"]) expect(text).not.toContain(wrong);
  });
});

describe("the session, without a page or a GPU", () => {
  const settings: Settings = {
    cell: "rnn_relu",
    hiddenSize: 16,
    numLayers: 2,
    embeddingDim: 8,
    window: 16,
    batch: 4,
    learningRate: 0.01,
    clipNorm: 1,
    steps: 12,
  };
  const text = makeText("korean", 3000);

  /** A session, and a way to wait for a report that fits. */
  function begin() {
    const reports: Report[] = [];
    let tell = () => {};
    const session = new Session((report) => {
      reports.push(report);
      tell();
    });
    const take = async <T extends Report["type"]>(type: T, fits: (report: Extract<Report, { type: T }>) => boolean) => {
      for (;;) {
        const at = reports.findIndex((report) => report.type === type && fits(report as never));
        if (at >= 0) return reports.splice(0, at + 1).pop() as Extract<Report, { type: T }>;
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
    };
    return { session, take };
  }

  test("trains the steps that were asked for, writes, and trains as many again", async () => {
    const { session, take } = begin();
    session.receive({ type: "sampling", sampling: { temperature: 0.5, prompt: "할Q" } });
    session.receive({ type: "start", settings, text });
    expect((await take("opened", () => true)).info.backend).toBe("wasm");
    const { model } = await take("model", () => true);
    expect(model).toMatchObject({ step: 0, skipped: 0, same: false });
    const { sample } = await take("sample", () => true);
    expect(sample).toMatchObject({ prompt: "할", skipped: "Q", layers: 2, units: 16, temperature: 0.5 });
    expect(sample.heldOutBits).toBeGreaterThan(0);
    expect(sample.read.slice(0, 3)).toEqual(["할", ...sample.written.slice(0, 2)]);
    expect(sample.states.map(({ name, values }) => [name, values.length])).toEqual([["h", 128 * 2 * 16]]);
    await take("phase", ({ phase }) => phase === "done");
    session.receive({ type: "continue" });
    const { points } = await take("points", ({ points }) => points.at(-1)?.step === 24);
    expect(points.every(({ bits }) => bits > 0 && bits < 10)).toBe(true);
  });

  test("after a loss that is no number it goes back to the last good step, at half the rate", async () => {
    const { session, take } = begin();
    session.receive({ type: "start", settings, text });
    await take("phase", ({ phase }) => phase === "done");
    session.receive({ type: "save" });
    const { bytes } = await take("saved", () => true);
    // The same training with a rate that no training survives.
    const { tensors, metadata } = readSafetensors(bytes);
    const content = JSON.parse(metadata.checkpoint ?? "");
    content.training.optimizer.lr = 1e200;
    delete content.training.clipNorm;
    const spoiled = writeSafetensors(tensors, { checkpoint: JSON.stringify(content) });
    session.receive({ type: "load", bytes: spoiled, name: "spoiled", text: `${text}Q`, steps: 0 });
    const loaded = await take("model", () => true);
    expect(loaded.model).toMatchObject({ step: 12, skipped: 1, same: false, name: "spoiled" });
    session.receive({ type: "continue" });
    const { failure } = await take("failure", () => true);
    expect(failure).toMatchObject({ code: "DIVERGED", lastGood: 12 });
    await take("phase", ({ phase }) => phase === "failed");
    session.receive({ type: "goBack" });
    const back = await take("model", () => true);
    expect(back.model).toMatchObject({ step: 12, same: true });
    expect(back.model.settings.learningRate).toBe(5e199);
    await take("phase", ({ phase }) => phase === "paused");
  });

  test("a model whose characters the text lacks can still write", async () => {
    const { session, take } = begin();
    session.receive({ type: "start", settings, text });
    await take("phase", ({ phase }) => phase === "done");
    session.receive({ type: "save" });
    const { bytes } = await take("saved", () => true);
    session.receive({ type: "load", bytes, name: "mine", text: "qqq", steps: 0 });
    expect((await take("model", () => true)).model).toMatchObject({ stepsPerEpoch: 0, step: 12, skipped: 3 });
    expect((await take("sample", () => true)).sample.written).toHaveLength(128);
  });
});
