/** weightDtype of a trainer: gradients are those by the rounded recurrent weights, and updates go into weights of f32. */
import { expect, test } from "vitest";
import { adam, CharModel, IndRNN, Linear, Module, mse, type Runtime, sgd, type Tensor } from "../../src/index.ts";
import type { TrainerOptions } from "../../src/train/trainer-options.ts";
import { expectSame } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { labelledBatches, labellers } from "../support/labellers.ts";
import { wrong } from "../support/mistakes.ts";
import { withRounded } from "../support/rounded-weights.ts";

const { onEach } = await backendsForTests();
const [T, lengths] = [9, [9, 4, 7]];

class Independent extends Module {
  rnn = new IndRNN({ inputSize: 4, hiddenSize: 6 });
  head = new Linear({ inFeatures: 6, outFeatures: 2 });
  forward(x: Tensor) {
    return { logits: this.head.forward(this.rnn.forward(x).output) };
  }
}

onEach(({ kind, open }) => {
  if (kind === "wasm") {
    test("WebAssembly refuses what it does not compute with", async () => {
      const runtime = await open();
      const model = new CharModel({ vocabSize: 5, hiddenSize: 6 });
      const before = await runtime.stateDict(model);
      const trainer = runtime.trainer(model, { optimizer: adam(), weightDtype: "f16" });
      const tokens = { shape: [2, 1], data: Int32Array.of(1, 2) };
      await expect(trainer.step({ x: tokens, target: tokens })).rejects.toThrow(
        /weightDtype is "f16", and WebAssembly computes with "f32" only/,
      );
      expect(await runtime.stateDict(model)).toEqual(before);
    });
    return;
  }

  const tolerance = kind === "cpu" ? 1e-12 : 2e-5;

  /** Loss and gradients of a batch, and the evaluation of it. */
  async function gradients(runtime: Runtime, model: Module, batch: never, options: Partial<TrainerOptions>) {
    const trainer = runtime.trainer(model, { optimizer: adam(), seed: 2, ...options });
    const { gradients, loss } = await trainer.gradients(batch);
    const { loss: evaluated } = await trainer.evaluate([batch]);
    trainer.dispose();
    return { ...gradients, losses: { shape: [2], data: Float64Array.of(loss, evaluated) } };
  }

  for (const memory of ["save", "recompute"] as const)
    test.each(labellers)(`%s, memory: "${memory}": gradients are those by the rounded weights`, async (name, make) => {
      const runtime = await open();
      const [batch] = labelledBatches(name, T, lengths, 1);
      const [model, same] = [make(), make()];
      runtime.initialize(model, { seed: 4 });
      const dict = await runtime.stateDict(model);
      runtime.loadStateDict(same, withRounded(dict, "f16"));
      const got = await gradients(runtime, model, batch!, { memory, weightDtype: "f16" });
      expectSame(got, await gradients(runtime, same, batch!, { memory }), tolerance);
      expect(got).not.toEqual(await gradients(runtime, model, batch!, { memory }));
      runtime.dispose();
    });

  test("updates smaller than what f16 tells apart add up", async () => {
    const runtime = await open();
    const [model, alike] = [0, 1].map(() => new CharModel({ vocabSize: 5, hiddenSize: 6 })) as [CharModel, CharModel];
    runtime.loadStateDict(alike, await runtime.stateDict(model));
    const tokens = { shape: [T, 2], data: Int32Array.from({ length: 2 * T }, (_, i) => (3 * i) % 5) };
    const change = async (of: CharModel, weightDtype: "f32" | "f16") => {
      const { data: before } = (await runtime.stateDict(of))["rnn.weight_hh_l0"]!;
      // 2^-15 changes no weight of f16 above 1/16.
      const trainer = runtime.trainer(of, { optimizer: sgd({ lr: 2 ** -15 }), weightDtype });
      for (let i = 0; i < 8; i++) await trainer.step({ x: tokens, target: tokens });
      const { data: after } = (await runtime.stateDict(of))["rnn.weight_hh_l0"]!;
      return Array.from(after, (w, i) => w - before[i]!);
    };
    const [f32, f16] = [await change(alike, "f32"), await change(model, "f16")];
    const most = Math.max(...f32.map(Math.abs));
    expect(most).toBeGreaterThan(0);
    const apart = f16.map((moved, i) => Math.abs(moved - f32[i]!));
    expect(Math.max(...apart)).toBeLessThan(0.05 * most);
  });

  test("a training that is resumed goes on as it would have", async () => {
    const runtime = await open();
    const options = { optimizer: adam({ lr: 0.05 }), weightDtype: "f16", ema: { decay: 0.5 } } as const;
    const tokens = (i: number) => ({
      shape: [T, 2],
      data: Int32Array.from({ length: 2 * T }, (_, n) => (i + 3 * n) % 5),
    });
    const steps = async (model: CharModel, trainer: ReturnType<Runtime["trainer"]>, from: number) => {
      const losses = [];
      for (let i = from; i < from + 2; i++)
        losses.push((await trainer.step({ x: tokens(i), target: tokens(i + 1) })).loss);
      return { losses, weights: await runtime.stateDict(model) };
    };
    const model = new CharModel({ vocabSize: 5, hiddenSize: 6 });
    const trainer = runtime.trainer(model, options);
    await steps(model, trainer, 0);
    const saved = await trainer.stateDict();
    const went = await steps(model, trainer, 2);
    const other = new CharModel({ vocabSize: 5, hiddenSize: 6 });
    const resumed = runtime.trainer(other, options);
    resumed.loadStateDict(saved, 2);
    expect(await steps(other, resumed, 2)).toEqual(went);
  });

  test("what cannot be is refused before anything runs", async () => {
    const runtime = await open();
    const model = new CharModel({ vocabSize: 5, hiddenSize: 6 });
    expect(() => runtime.trainer(model, { optimizer: adam(), weightDtype: wrong("int8") })).toThrow(
      /trainer: weightDtype is "int8", expected "f32" or "f16"/,
    );
    const trainer = runtime.trainer(new Independent(), { optimizer: adam(), loss: mse(), weightDtype: "f16" });
    const batch = {
      x: { shape: [2, 1, 4], data: new Float32Array(8) },
      target: { shape: [2, 1, 2], data: new Float32Array(4) },
    };
    await expect(trainer.step(batch)).rejects.toThrow(/Independent has no weight_hh of a recurrent layer/);
  });
});
