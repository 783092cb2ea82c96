/** trainer({ memory: "recompute" }): the same training with the gates and cell states of a few steps at a time. */
import { describe, expect, test } from "vitest";
import { adam, CharModel, countPlan, type Module, OptionError, Runtime } from "../../src/index.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { labelledBatches, labellers } from "../support/labellers.ts";

const { onEach } = await backendsForTests();
const [T, B] = [19, 3];

const asTensor = (losses: readonly number[]) => ({
  losses: { shape: [losses.length], data: Float64Array.from(losses) },
});

onEach(({ kind, open }) => {
  const tolerance = kind === "cpu" ? 1e-12 : 2e-5;

  async function trained(runtime: Runtime, model: Module, memory: "save" | "recompute", batches: readonly never[]) {
    runtime.initialize(model, { seed: 4 });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), clipNorm: 1, memory, seed: 2 });
    const losses = [];
    for (const batch of batches) {
      const { loss, gradNorm } = await trainer.step(batch);
      losses.push(loss, gradNorm);
    }
    const state = await trainer.stateDict();
    trainer.dispose();
    return { losses, state };
  }

  test.each(labellers)("%s: losses, gradients and weights are those without it", async (name, make) => {
    const runtime = await open();
    const batches = labelledBatches(name, T, [T, 7, 12], 3);
    const model = make();
    const save = await trained(runtime, model, "save", batches);
    const recompute = await trained(runtime, model, "recompute", batches);
    expect(recompute.losses[0]).toBe(save.losses[0]);
    expectSame(asTensor(recompute.losses), asTensor(save.losses), tolerance);
    const weights = ({ state }: typeof save) =>
      Object.fromEntries(Object.entries(state).filter(([key]) => !key.startsWith("optimizer.")));
    expectSame(weights(recompute), weights(save), Math.max(tolerance, kind === "cpu" ? 1e-9 : 1e-3));
    runtime.dispose();
  });

  // Chunks are an eighth of the steps, or √T of them where that is less: of 70 steps nine, and seven in the last one.
  test.each([T, 70])("tokens, with a state that goes on, %i steps", async (steps) => {
    const runtime = await open();
    const model = new CharModel({ vocabSize: 11, cell: "lstm", embeddingDim: 5, hiddenSize: 7, numLayers: 2 });
    const numbers = new Numbers("tokens");
    const tokens = () => ({ shape: [steps, B], data: numbers.integers(steps * B, 0, 10) });
    const batches = [0, 1, 2].map((i) => ({ x: tokens(), target: tokens(), resetState: i === 0 })) as never[];
    const save = await trained(runtime, model, "save", batches);
    const recompute = await trained(runtime, model, "recompute", batches);
    expectSame(asTensor(recompute.losses), asTensor(save.losses), tolerance);
    runtime.dispose();
  });
});

describe("memory", () => {
  test("of an LSTM is 6 numbers a step, row and unit, and where it is recomputed h and few more", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const [rows, H] = [2, 32];
    const bytes = async (V: number, steps: number, memory: "save" | "recompute") => {
      const model = new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 1, hiddenSize: H });
      const trainer = runtime.trainer(model, { optimizer: adam(), memory });
      return countPlan(await trainer.plan({ T: steps, B: rows })).bytes.scratch / (4 * rows * H);
    };
    // Without the embedding, the logits with their gradient, which the outputs' gradient shares, a loss, and the grouped tokens.
    const V = 64;
    const besides = (1 + 2 * V + 1 + 2) / H;
    const grows = async (memory: "save" | "recompute") =>
      ((await bytes(V, 1024, memory)) - (await bytes(V, 512, memory))) / 512 - besides;
    expect(await grows("save")).toBe(6);
    expect(await grows("recompute")).toBeLessThan(1.15);
    // With few logits, in whose memory a chunk could lie.
    const kept = async (steps: number) =>
      6 - ((await bytes(2, steps, "save")) - (await bytes(2, steps, "recompute"))) / steps;
    expect(await kept(64)).toBeLessThan(1.9);
    expect(await kept(1024)).toBeLessThan(1.25);
    runtime.dispose();
  });

  test("what is neither is refused", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const model = new CharModel({ vocabSize: 2 });
    const make = () => runtime.trainer(model, { optimizer: adam(), memory: "less" as never });
    expect(make).toThrow(OptionError);
    expect(make).toThrow('trainer: memory is "less", expected "save" or "recompute"');
    runtime.dispose();
  });
});
