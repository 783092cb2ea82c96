/** Initial states that are learned: where a sequence starts from them, and where that cannot be. */
import { expect, test } from "vitest";
import { adam, type Batch, Linear, LSTM, Module, OptionError, type Tensor } from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";

const V = 5;

class Model extends Module {
  readonly rnn = new LSTM({ inputSize: V, hiddenSize: [6, 4], learnedInitialState: true });
  readonly head = new Linear({ inFeatures: 4, outFeatures: V });
  forward(tokens: Tensor, state?: never) {
    const { output, state: next } = this.rnn.forward(tokens, state);
    return { logits: this.head.forward(output), state: next };
  }
}

const batch: Batch = {
  x: { shape: [3, 2], data: Int32Array.of(0, 1, 2, 3, 4, 0) },
  target: { shape: [3, 2], data: Int32Array.of(1, 2, 3, 4, 0, 1) },
};

const { onEach, runtimes } = await runtimesForTests();

onEach(({ kind }) => {
  const runtime = runtimes[kind];
  test("are trained when every batch starts anew, and measured so", async () => {
    const model = new Model();
    const before = await runtime.stateDict(model);
    const { loss } = await runtime.evaluate(model, [batch], { carryState: false });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.05 }), carryState: false });
    const losses: number[] = [];
    for await (const report of trainer.fit(Array(30).fill(batch))) losses.push(report.loss);
    expect(losses[0]).toBeCloseTo(loss, 5);
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    const after = await runtime.stateDict(model);
    for (const name of ["rnn.initial_h_l0", "rnn.initial_c_l0", "rnn.initial_h_l1", "rnn.initial_c_l1"])
      expect(after[name]!.data).not.toEqual(before[name]!.data);
    trainer.dispose();
  });

  test("begin what is generated", async () => {
    const model = new Model();
    const dict = await runtime.stateDict(model);
    const draw = async () => {
      for await (const { trace } of runtime.generate(model, { prompt: [1], length: 1, temperature: 0, trace: true }))
        return trace!["h.0"]!.data;
      return undefined;
    };
    const from = await draw();
    const first = await runtime.compile(model, {
      inputs: { x: { shape: [1, 1], dtype: "i32" } },
      forward: ({ x }) => ({ h: (model.forward(x!).state.h as unknown as Tensor[])[0]! }),
    });
    const { h } = await first.run({ x: { shape: [1, 1], data: Int32Array.of(1) } });
    for (const [i, value] of Array.from(h!.data).entries()) expect(from![i]).toBeCloseTo(value, 5);
    // Other values, other states: the start is read anew for each run.
    dict["rnn.initial_h_l0"] = { shape: [6], data: new Float32Array(6).fill(3) };
    runtime.loadStateDict(model, dict);
    expect(Array.from((await draw())!)).not.toEqual(Array.from(from!));
  });

  test("cannot go on from batch to batch, because those begin with zeros", async () => {
    const model = new Model();
    const trainer = runtime.trainer(model, { optimizer: adam(), carryState: true });
    const expected = /the state h\.0 begins with learned values.*carryState: false/;
    await expect(trainer.fit([batch]).next()).rejects.toThrow(expected);
    await expect(trainer.fit([batch]).next()).rejects.toThrow(OptionError);
    await expect(runtime.evaluate(model, [batch], { carryState: true })).rejects.toThrow(expected);
    trainer.dispose();
  });
});
