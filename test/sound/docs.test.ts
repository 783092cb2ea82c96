/** docs/sound.md: its program, with models that leave sound as it is in place of the reader's files. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runPages } from "../support/page-code.ts";
import { detectorOfMeans, stagesThatKeep } from "../support/sound-models.ts";

const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-sound-"));
afterAll(() => rmSync(folder, { recursive: true }));
const { model1, model2 } = stagesThatKeep();
const files = { "model_1.onnx": model1, "model_2.onnx": model2, "silero_vad_16k_op15.onnx": detectorOfMeans() };

test("the example runs, and is held against the types", async () => {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  const { made, typeFaults } = await runPages<{ clean: number[]; speech: number[]; low: number[]; loudest: number[] }>(
    ["sound.md"],
    (code) =>
      Object.keys(files).reduce((text, name) => text.replace(`"${name}"`, JSON.stringify(join(folder, name))), code),
  );
  expect(made.clean).toHaveLength(32_000);
  const worst = made.clean.reduce((most, x, i) => Math.max(most, Math.abs(x - 0.3 * Math.sin(i / 6))), 0);
  expect(worst).toBeLessThan(1e-5);
  expect(made.speech).toHaveLength(Math.floor((32_000 - 384) / 512));
  // The tone, of 424 Hz, is below the mask; its abrupt beginning is not.
  expect(made.low).toHaveLength(32_000 - 384);
  const changed = made.low.reduce(
    (most, x, i) => (i < 512 ? most : Math.max(most, Math.abs(x - 0.3 * Math.sin(i / 6)))),
    0,
  );
  expect(changed).toBeLessThan(1e-3);
  expect(made.loudest).toHaveLength(250);
  expect(typeFaults({})).toEqual([]);
});
