/** What the page of strict-pages.test.ts can do; the test calls it by name. */
import { adam, CharModel, Runtime, type RuntimeInfo, type RuntimeOptions } from "../../src/index.ts";

interface Trained {
  readonly info: RuntimeInfo;
  readonly losses: readonly number[];
}

/** Opens a runtime and trains a few steps on it; gives the error's message where there is none. */
async function trainOn(backend: RuntimeOptions["backend"] & string): Promise<Trained | string> {
  try {
    using runtime = await Runtime.open({ backend });
    const model = new CharModel({ vocabSize: 6, cell: "lstm", embeddingDim: 4, hiddenSize: 8 });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.05 }) });
    const tokens = (shift: number) => ({
      shape: [8, 4],
      data: Int32Array.from({ length: 32 }, (_, i) => (i * i + shift) % 6),
    });
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const { loss } = await trainer.step({ x: tokens(0), target: tokens(1) });
      losses.push(loss);
    }
    return { info: runtime.info(), losses };
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

Object.assign(globalThis, { trainOn });
