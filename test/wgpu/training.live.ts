/** A training as the README's, on wgpu and on WebAssembly: the losses agree, and both learn. */
import { expect, test } from "vitest";
import { adam, CharModel, type Runtime, Vocabulary, Windows } from "../../src/index.ts";
import { runtimesForTests } from "../support/backends.ts";

const { found, runtimes } = await runtimesForTests();

const text = "What a gate lets in, the state will keep. ".repeat(100);
const vocabulary = Vocabulary.fromText(text);
const windows = new Windows(vocabulary.encode(text), { window: 32, batch: 8 });

/** Losses of all steps, and what the trained model writes. */
async function train(runtime: Runtime): Promise<{ losses: number[]; written: string }> {
  const model = new CharModel({ vocabSize: vocabulary.size, cell: "lstm", hiddenSize: 64 });
  runtime.initialize(model, { seed: 1 });
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 5e-3 }), clipNorm: 1 });
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(windows.from(0), { steps: 200, ahead: 3 })) losses.push(loss);
  let written = "";
  const prompt = vocabulary.encode("What a");
  for await (const { tokens } of runtime.generate(model, { prompt, length: 30, temperature: 0 }))
    written += vocabulary.decode(tokens);
  return { losses, written };
}

test("200 steps of an LSTM have WebAssembly's losses", async () => {
  expect(found.reason).toMatch(/from navigator\.gpu$/);
  const onGpu = await train(runtimes.gpu);
  const onWasm = await train(runtimes.wasm);
  expect(onGpu.losses).toHaveLength(200);
  expect(onGpu.losses.at(-1)).toBeLessThan(0.5);
  // The bound of recorded trainings (docs/cases.md).
  const worst = Math.max(...onGpu.losses.map((loss, i) => Math.abs(loss / onWasm.losses[i]! - 1)));
  expect(worst).toBeLessThan(1e-3);
  expect(onGpu.written).toBe(onWasm.written);
});
