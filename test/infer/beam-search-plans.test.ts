/** What beam searches are made of and leave behind: dispatches, copies, calls of the device, memory. */
import "../support/all-commands.ts";
import { describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { BeamSearcher } from "../../src/infer/beam-search.ts";
import { Weights } from "../../src/nn/weights.ts";
import {
  CharModel,
  countPlan,
  Embedding,
  LimitError,
  Linear,
  LSTM,
  Module,
  Runtime,
  type Tensor,
} from "../../src/node.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import { watch } from "../support/watched-device.ts";

const { device, onEach } = await backendsForTests();
const seen = device ? watch(device) : (undefined as never);

const V = 7;

class Learned extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  readonly rnn = new LSTM({ inputSize: 4, hiddenSize: 5, numLayers: 2, learnedInitialState: true });
  readonly head = new Linear({ inFeatures: 5, outFeatures: V });
  forward(tokens: Tensor, given?: never) {
    const { output, state } = this.rnn.forward(this.embedding.forward(tokens), given);
    return { logits: this.head.forward(output), state };
  }
}

onEach(({ open }) => {
  test("memory is given back: of plans that had to make room, and of a model that is released", async () => {
    const small = await open({ plans: { count: 2 } });
    const model = new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 4, hiddenSize: 5 });
    const options = { prompt: [1, 2], length: 3, nBest: 2 };
    const search = (width: number) => small.beamSearch(model, { ...options, width, chunk: 4 });
    const first = await search(4);
    await search(2);
    await search(3);
    await search(4);
    const { bytes } = small.memory();
    for (const width of [2, 3, 4, 2, 3]) await search(width);
    expect(await search(4)).toEqual(first);
    expect(small.memory().bytes).toBe(bytes);
    small.release(model);
    const left = small.memory().models;
    expect(left).toEqual([]);
    small.dispose();
  });
});

describe("what a plan consists of", () => {
  const planOf = (numLayers: number, chunk: number) => {
    const backend = new CpuBackend();
    const model = new CharModel({ vocabSize: 11, cell: "lstm", embeddingDim: 6, hiddenSize: 8, numLayers });
    return new BeamSearcher(backend, new Weights(backend, model, 0)).plan(4, chunk).plan;
  };

  test.each([1, 2, 3])(
    "of %i layers: the model, two kernels and one for each state a step, copies only at the end",
    (L) => {
      for (const K of [1, 8]) {
        const { perKernel, copies, clears } = countPlan(planOf(L, K));
        expect(perKernel).toEqual({
          "column-gather": K,
          matmul: K * L,
          "recurrent-initial": K * L,
          "recurrent-forward": K * L,
          "beam-candidates": K,
          "beam-step": K,
          "row-gather": K * 2 * L,
        });
        expect([copies, clears]).toEqual([3 + 2 * L, 0]);
      }
    },
  );
});

describe.skipIf(!device)("on a watched device", () => {
  test("a search makes nothing after the first ones; it submits and reads once a chunk", async () => {
    const runtime = await Runtime.open({ device: device! });
    const model = new Learned();
    const options = { prompt: [1, 2, 3], length: 20, width: 3, nBest: 2, chunk: 8 };
    await runtime.beamSearch(model, options);
    // The second search binds anew what was loaded before scratch memory grew.
    await runtime.beamSearch(model, options);
    seen.reset();
    await runtime.beamSearch(model, { ...options, lengthPenalty: 0.5, endToken: 6, nBest: 3, length: 24 });
    expect([...seen.made]).toEqual([]);
    // The learned states, the prompt, three chunks.
    expect([seen.submits, seen.encoders, seen.reads]).toEqual([1 + 1 + 3, 1 + 1 + 3, 1 + 3]);
    const states = ["carry.h 0", "carry.h 1", "carry.c 0", "carry.c 1"];
    const search = ["totals", "hypotheses", "token", "settings"];
    runtime.dispose();
    expect(seen.written).toEqual([...states, "prompt", "steps", ...search]);
  });
});

test("a search of which a plan does not load can be tried again, and leaves no memory behind", async () => {
  const backend = new CpuBackend();
  const searcher = new BeamSearcher(backend, new Weights(backend, new Learned(), 0));
  const options = { prompt: [1, 2], length: 2 };
  // What is derived from weights stays with these.
  const kept = () => [...backend.allocations].filter(({ role }) => role !== "derived").length;
  const before = kept();
  const load = backend.load.bind(backend);
  for (const name of ["beam search", "prompt", "start"]) {
    backend.load = ((...given: Parameters<Backend["load"]>) => {
      if (given[0].name === name) throw new LimitError("too large");
      return load(...given);
    }) as typeof backend.load;
    expect(await errorOf(() => searcher.run(options))).toBeInstanceOf(LimitError);
    if (name === "beam search") expect(kept()).toBe(before);
  }
  backend.load = load;
  expect(await searcher.run(options)).toHaveLength(1);
  searcher.dispose();
  expect(kept()).toBe(before);
});
