/** What the page of strict-pages.test.ts can do; the test calls it by name. */
import { adam, CharModel, Runtime, type RuntimeInfo, type RuntimeOptions } from "../../src/index.ts";

interface Trained {
  readonly info: RuntimeInfo;
  readonly losses: readonly number[];
}

interface Setting {
  readonly threads?: number;
  readonly hiddenSize?: number;
  readonly batch?: number;
}

/** Workers start beside the page: the other threads join when they can. */
async function othersOf(runtime: Runtime): Promise<void> {
  for (let wait = 0; runtime.info().threads === 1 && wait < 200; wait++)
    await new Promise((resolve) => setTimeout(resolve, 25));
}

/** Opens a runtime and trains a few steps on it; gives the error's message where there is none. */
async function trainOn(
  backend: RuntimeOptions["backend"] & string,
  { threads, hiddenSize = 8, batch = 4 }: Setting = {},
): Promise<Trained | string> {
  try {
    using runtime = await Runtime.open({ backend, ...(threads !== undefined && { threads }) });
    const model = new CharModel({ vocabSize: 6, cell: "lstm", embeddingDim: 4, hiddenSize });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.05 }) });
    const tokens = (shift: number) => ({
      shape: [8, batch],
      data: Int32Array.from({ length: 8 * batch }, (_, i) => (i * i + shift) % 6),
    });
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const { loss } = await trainer.step({ x: tokens(0), target: tokens(1) });
      losses.push(loss);
      if (step === 0 && threads !== undefined && threads > 1) await othersOf(runtime);
    }
    return { info: runtime.info(), losses };
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

Object.assign(globalThis, { trainOn });
