/** A task that was trained and saved in Node goes on in a browser. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { Runtime } from "../../src/node.ts";
import { reviews } from "../../src/tasks/data/index.ts";
import { type Classified, SequenceClassifier } from "../../src/tasks/index.ts";
import { openBrowser } from "../support/browser.ts";
import { bundlePage, inPage } from "../support/bundled-page.ts";

const opened = await openBrowser({ webgpu: false });
beforeEach((context) => context.skip(!opened.browser, opened.reason));
afterAll(() => opened.browser?.close());

test.each(["en", "ko"] as const)("%s: a classifier says the same in a page, and trains on there", async (language) => {
  const rows = reviews({ count: 60, language });
  const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
  const classifier = await SequenceClassifier.fit(runtime, rows, {
    hiddenSize: 8,
    epochs: 1,
    columns: { text: "jamo" },
  });
  const file = Buffer.from(await classifier.save()).toString("base64");
  const here = await classifier.predict(rows);
  const page = await bundlePage("task-page.ts");
  const { outcome } = await inPage(opened.browser!, page, async (tab) => {
    await tab.waitForFunction("typeof classify === 'function'");
    return (await tab.evaluate(`classify(${JSON.stringify(file)}, ${JSON.stringify(rows)})`)) as {
      before: Classified[];
      steps: number;
    };
  });
  for (const [i, { label, probabilities }] of outcome.before.entries()) {
    expect(label).toBe(here[i]!.label);
    // The browser multiplies and adds with one rounding.
    for (const [name, probability] of Object.entries(probabilities))
      expect(probability).toBeCloseTo(here[i]!.probabilities[name]!, 5);
  }
  expect(outcome.before).toHaveLength(60);
  expect(outcome.steps).toBe(classifier.steps + 2);
  runtime.dispose();
});
