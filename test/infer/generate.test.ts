/** Generation: prompts are read as sequences, several of them together, and what is drawn is what each draws alone. */
import { expect, test } from "vitest";
import {
  CharModel,
  DataError,
  Embedding,
  functional,
  GRU,
  Linear,
  LSTM,
  Module,
  OptionError,
  Runtime,
  type Tensor,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf, wrong } from "../support/mistakes.ts";
import { watch } from "../support/watched-device.ts";

const { device, found, onEach } = await backendsForTests();
const seen = device && watch(device);
const V = 13;

const lstm = () => new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 6, hiddenSize: 10, numLayers: 2 });

/** With a state that no recurrent layer holds: the embedding before. */
class Mixed extends Module {
  embedding = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  rnn = new GRU({ inputSize: 4, hiddenSize: 6 });
  head = new Linear({ inFeatures: 6, outFeatures: V });
  forward(tokens: Tensor, state?: { h: Tensor; last: Tensor }) {
    const x = this.embedding.forward(tokens);
    const T = x.shape[0]!;
    const last = state?.last ?? functional.sub(functional.slice(x, 0, 1, 0), functional.slice(x, 0, 1, 0));
    const before = T === 1 ? last : functional.concat([last, functional.slice(x, 0, T - 1, 0)], 0);
    const { output, state: next } = this.rnn.forward(functional.add(x, before), state && { h: state.h });
    return { logits: this.head.forward(output), state: { h: next.h, last: functional.slice(x, T - 1, 1, 0) } };
  }
}

/** With the last three tokens as its state: what it is given, joined to what it had, and the token before by itself. */
class History extends Module {
  embedding = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  forward(tokens: Tensor, state?: { history: Tensor; last: Tensor; before: Tensor }) {
    const [T, B] = tokens.shape as [number, number];
    const zeros = (rows: number) =>
      functional.constant(new Array<number>(rows * B).fill(0), { shape: [rows, B], dtype: "i32" });
    let history = state?.history ?? zeros(3);
    let [last, before] = [state?.last ?? zeros(1), state?.before ?? zeros(1)];
    const all: Tensor[] = [];
    for (let t = 0; t < T; t++) {
      const token = tokens.slice(t, 1, 0);
      history = functional.concat([history.slice(1, 2, 0), token], 0);
      const x = this.embedding.forward(functional.concat([history, last, before], 0));
      all.push(
        x
          .select(0)
          .sub(x.select(1))
          .add(x.select(2).flip(1))
          .add(x.select(3).mul(x.select(4))),
      );
      [last, before] = [token, last];
    }
    const logits = functional.stack(all).matmul(this.embedding.weight.tensor.transpose());
    return { logits: logits.mul(3), state: { history, last, before } };
  }
}

class Learned extends Module {
  embedding = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  rnn = new LSTM({ inputSize: 4, hiddenSize: 6, learnedInitialState: true });
  head = new Linear({ inFeatures: 6, outFeatures: V });
  forward(tokens: Tensor, state?: { h: Tensor; c: Tensor }) {
    const { output, state: next } = this.rnn.forward(this.embedding.forward(tokens), state);
    return { logits: this.head.forward(output), state: next };
  }
}

const prompts = [[1, 2, 3], [4], Array.from({ length: 150 }, (_, i) => (i * i) % V), [5, 6, 7, 8, 9, 10, 11, 12, 1, 2]];

onEach(({ open }) => {
  async function drawn(runtime: Runtime, model: Module, prompt: readonly number[], length: number): Promise<number[]> {
    const all: number[] = [];
    for await (const { tokens } of runtime.generate(model, { prompt, length, temperature: 0, chunk: 8 }))
      all.push(...tokens);
    return all;
  }

  /** The likeliest tokens, from the logits over all that was read, one program for each length. */
  async function likeliest(runtime: Runtime, model: Module, prompt: readonly number[], length: number) {
    const read = [...prompt];
    for (let i = 0; i < length; i++) {
      const program = await runtime.compile(model, {
        inputs: { x: { shape: [read.length, 1], dtype: "i32" } },
        forward: ({ x }): Record<string, Tensor> => ({
          logits: (model.forward as (x: Tensor) => { logits: Tensor })(x!).logits,
        }),
      });
      const { logits } = await program.run({ x: { shape: [read.length, 1], data: Int32Array.from(read) } });
      program.dispose();
      const last = [...logits!.data.slice(-V)];
      read.push(last.indexOf(Math.max(...last)));
    }
    return read.slice(prompt.length);
  }

  test.each([
    ["two layers of lstm", lstm],
    ["a state that no layer holds", () => new Mixed()],
    ["a learned initial state", () => new Learned()],
  ])("%s: prompts together draw what each draws alone, and that is the likeliest", async (_, make) => {
    const runtime = await open();
    const model = make();
    Object.assign(model, { forward: model.forward.bind(model) });
    runtime.initialize(model, { seed: 6 });
    const alone: number[][] = [];
    for (const prompt of prompts) alone.push(await drawn(runtime, model, prompt, 11));
    expect(alone[0]).toEqual(await likeliest(runtime, model, prompts[0]!, 11));
    const together: number[][] = prompts.map(() => []);
    for await (const { tokens } of runtime.generateBatch(model, { prompts, length: 11, temperature: 0, chunk: 4 })) {
      tokens.forEach((row, i) => {
        together[i]!.push(...row);
      });
    }
    expect(together).toEqual(alone);
    // The same once more, from plans that are there already.
    expect(await drawn(runtime, model, prompts[2]!, 11)).toEqual(alone[2]);
    expect(await drawn(runtime, model, prompts[1]!, 11)).toEqual(alone[1]);
    runtime.dispose();
  });

  test.each([1, 2, 3, 8])("a state of tokens is what was read, in chunks of %i", async (chunk) => {
    const runtime = await open();
    const model = new History();
    Object.assign(model, { forward: model.forward.bind(model) });
    runtime.initialize(model, { seed: 5 });
    for (const prompt of [[3, 4, 5, 1], [7]]) {
      const all: number[] = [];
      const traced: number[] = [];
      const options = { prompt, length: 12, temperature: 0, chunk, trace: true };
      for await (const { tokens, trace } of runtime.generate(model, options)) {
        all.push(...tokens);
        traced.push(...trace!.last!.data);
      }
      expect(all).toEqual(await likeliest(runtime, model, prompt, 12));
      expect(traced.slice(0, 12)).toEqual([prompt.at(-1), ...all].slice(0, 12));
    }
    runtime.dispose();
  });

  test("draws do not depend on the rows beside, and a seed draws the same again", async () => {
    const runtime = await open();
    const model = lstm();
    const draw = async (some: readonly (readonly number[])[], seed: number) => {
      const rows: number[][] = some.map(() => []);
      for await (const { tokens } of runtime.generateBatch(model, { prompts: some, length: 20, seed, chunk: 7 }))
        for (const [i, row] of tokens.entries()) rows[i]!.push(...row);
      return rows;
    };
    const all = await draw(prompts, 3);
    expect(await draw(prompts, 3)).toEqual(all);
    expect((await draw(prompts.slice(0, 2), 3)).slice(0, 2)).toEqual(all.slice(0, 2));
    expect(await draw(prompts, 4)).not.toEqual(all);
    runtime.dispose();
  });

  test("bad prompts are refused by name", async () => {
    const runtime = await open();
    const model = lstm();
    const use = (options: object) => runtime.generateBatch(model, wrong({ length: 2, ...options }));
    for (const [options, type, says] of [
      [{ prompts: [] }, OptionError, /generateBatch: prompts is \[\], expected a list of at least one prompt/],
      [{ prompts: "ab" }, OptionError, /prompts is "ab", expected a list/],
      [{ prompts: [[1], []] }, DataError, /the prompts\[1\] is empty; give at least one token/],
      [{ prompts: [[1], "a"] }, OptionError, /prompts\[1\] is a string, expected a list of tokens/],
      [{ prompts: [[1], [2, V]] }, DataError, /prompts\[1\]\[1\] is token 13, expected 0 to 12/],
      [{ prompts: [[1]], prompt: [1] }, OptionError, /unknown option "prompt"/],
    ] as const) {
      const error = await errorOf(() => use(options));
      expect(error, JSON.stringify(options)).toBeInstanceOf(type);
      expect(String(error)).toMatch(says);
    }
    runtime.dispose();
  });
});

test("a long prompt is a few replays, and nothing is made for it the second time", async (context) => {
  context.skip(!device, found.reason);
  const runtime = await Runtime.open({ device: device! });
  const model = lstm();
  const options = { prompt: prompts[2]!, length: 8, chunk: 8 };
  for await (const _ of runtime.generate(model, options));
  seen!.reset();
  for await (const _ of runtime.generate(model, options));
  expect([...seen!.made]).toEqual([]);
  // 149 tokens as 64, 64 and 64 steps; then a chunk.
  expect([seen!.submits, seen!.reads]).toEqual([4, 1]);
  runtime.dispose();
});
