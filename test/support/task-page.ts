/** What the page of in-a-page.test.ts can do; the test calls it by name. */
import { Runtime } from "../../src/index.ts";
import { SequenceClassifier } from "../../src/tasks/index.ts";

/** What a classifier, from the bytes of its file, says of rows. */
async function classify(file: string, rows: readonly object[]) {
  const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
  try {
    const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
    const classifier = await SequenceClassifier.load(runtime, bytes);
    const before = await classifier.predict(rows);
    await classifier.fit(rows, { epochs: 1, validation: 0 });
    return { before, steps: classifier.steps };
  } finally {
    runtime.dispose();
  }
}

Object.assign(globalThis, { classify });
