/** What docs/export.md runs with ONNX Runtime, as it stands there. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import type { Module, Runtime } from "../../src/index.ts";
import { runPage } from "../support/page-code.ts";

const { text, made } = await runPage<{ runtime: Runtime; listener: Module; file: Uint8Array }>("export.md");
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-page-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
  made.runtime.dispose();
});

test("three calls of ONNX Runtime, from the state that it returned", async () => {
  const [, code] = /^```js\n([\s\S]*?)^```$/m.exec(text)!;
  const installed = createRequire(import.meta.url).resolve("onnxruntime-node");
  const page = join(folder, "page.mjs");
  writeFileSync(join(folder, "listener.onnx"), made.file);
  writeFileSync(
    page,
    `import { readFileSync } from "node:fs";
const file = readFileSync(${JSON.stringify(join(folder, "listener.onnx"))});
${code!.replace('import { InferenceSession, Tensor } from "onnxruntime-node";', `import ort from ${JSON.stringify(pathToFileURL(installed).href)};\nconst { InferenceSession, Tensor } = ort;`)}`,
  );
  const said: Float32Array[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((one) => void said.push(one));
  await import(/* @vite-ignore */ pathToFileURL(page).href);
  log.mockRestore();
  const session = await made.runtime.session(made.listener, { inputs: { x: [5, 2, 4] }, streams: 2 });
  expect(said.length).toBe(3);
  for (const found of said) {
    const { probabilities } = await session.run({ x: { shape: [5, 2, 4], data: new Float32Array(40).fill(0.5) } });
    expect(Math.max(...Array.from(probabilities!.data, (value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-5);
  }
});
