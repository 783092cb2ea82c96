/** weightDtype: what a model runs with whose recurrent weights are stored as f16 or int8. */
import { expect, test } from "vitest";
import {
  adam,
  GRU,
  IndRNN,
  Linear,
  LSTM,
  Module,
  mse,
  type RecurrentState,
  RNN,
  type Runtime,
  type Session,
  SLSTM,
  type StateDict,
  type Tensor,
  type TensorData,
  type WeightDType,
} from "../../src/index.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { wrong } from "../support/mistakes.ts";
import { withRounded } from "../support/rounded-weights.ts";
import { numbers, Streams } from "../support/stream-models.ts";

const { onEach } = await backendsForTests();

const size = { inputSize: 3, hiddenSize: 6 };
const models: Record<string, () => Streams> = {
  rnn: () => new Streams(new RNN(size)),
  "lstm of two layers": () => new Streams(new LSTM({ ...size, numLayers: 2 })),
  gru: () => new Streams(new GRU(size)),
  "gru, reset before": () => new Streams(new GRU({ ...size, resetAfter: false })),
  "slstm with heads": () => new Streams(new SLSTM({ ...size, numHeads: 2 })),
};

const STEPS = 6;
const xs = Array.from({ length: STEPS }, (_, t) => numbers([1, 2, 3], `x${t}`));

const open = (runtime: Runtime, model: Module, weightDtype?: WeightDType) =>
  runtime.session(model, { inputs: { x: [1, 2, 3] }, streams: 2, ...(weightDtype && { weightDtype }) });

/** y of all steps, and the states behind them. */
async function outputs(session: Session<"x">): Promise<StateDict> {
  session.reset();
  const all: Record<string, TensorData> = {};
  for (const [t, x] of xs.entries()) all[`y${t}`] = (await session.run({ x })).y!;
  return { ...all, ...(await session.state()) };
}

/** Text in which tokens come from a GRU. */
class Speaker extends Module {
  rnn = new GRU({ inputSize: 7, hiddenSize: 6 });
  head = new Linear({ inFeatures: 6, outFeatures: 7 });
  forward(tokens: Tensor, before?: RecurrentState) {
    const { output, state } = this.rnn.forward(tokens, before as never);
    return { logits: this.head.forward(output), state };
  }
}

onEach(({ kind, open: openRuntime }) => {
  if (kind === "wasm") {
    test("WebAssembly refuses what it does not compute with", async () => {
      const runtime = await openRuntime();
      await expect(open(runtime, models.gru!(), "f16")).rejects.toThrow(/WebAssembly computes with "f32" only/);
      await expect(open(runtime, models.gru!(), "f32")).resolves.toBeDefined();
    });
    return;
  }

  test.each(["f16", "int8"] as const)("as %s it is the model with weights of that format", async (dtype) => {
    const runtime = await openRuntime();
    for (const make of Object.values(models)) {
      const [model, same] = [make(), make()];
      const dict = await runtime.stateDict(model);
      runtime.loadStateDict(same, withRounded(dict, dtype));
      const got = await outputs(await open(runtime, model, dtype));
      expectSame(got, await outputs(await open(runtime, same)), 1e-5);
      expect(got).not.toEqual(await outputs(await open(runtime, model)));
    }
  });

  // Of h = tanh(W·x + b + R·h), where no |h| is above 1 and tanh changes by no more than what it is given: an error of e_t in h and
  // one of r in each sum with R make an error of at most r + s·e_t in the next h, where s is the largest sum of sizes in a row of R.
  // r is 2^-11·s for f16, which has 11 bits (no weight here is below 2^-14), and half a scale for each of the H weights for int8.
  test.each([
    ["f16", (s: number) => 2 ** -11 * s],
    ["int8", () => (6 * 0.15) / 127 / 2],
  ] as const)(
    "as %s the states differ from those of f32, and by no more than its rounding allows",
    async (dtype, r) => {
      const runtime = await openRuntime();
      const model = models.rnn!();
      const dict = await runtime.stateDict(model);
      const R = new Numbers("R").floats(36, 0.15).map((w) => (Math.abs(w) < 2 ** -14 ? 0.1 : w));
      runtime.loadStateDict(model, { ...dict, "rnn.weight_hh_l0": { shape: [6, 6], data: R } });
      const rows = Array.from({ length: 6 }, (_, i) =>
        R.slice(6 * i, 6 * i + 6).reduce((sum, w) => sum + Math.abs(w), 0),
      );
      const s = Math.max(...rows) + r(Math.max(...rows));
      let bound = 1e-6;
      for (let t = 0; t < STEPS; t++) bound = r(s) + s * bound;
      const [plain, stored] = [
        await outputs(await open(runtime, model)),
        await outputs(await open(runtime, model, dtype)),
      ];
      const error = Math.max(...stored.h!.data.map((x, i) => Math.abs(x - plain.h!.data[i]!)));
      expect(error).toBeLessThanOrEqual(bound);
      expect(error).toBeGreaterThan(bound / 1000);
    },
  );

  test("sessions of each format go side by side, and each gives the same numbers every time", async () => {
    const runtime = await openRuntime();
    const model = models.gru!();
    const sessions = await Promise.all([
      open(runtime, model),
      open(runtime, model, "f16"),
      open(runtime, model, "int8"),
    ]);
    const derived = sessions.map(({ plan }) => plan.buffers.filter(({ role }) => role === "derived"));
    expect(new Set(derived.flat().map(({ name }) => name)).size).toBe(3);
    // H 6 is two words of four units: [K,G,8] numbers, half as many words, a quarter as many and four columns of scales.
    expect(derived.map(([one]) => [one!.length, one!.dtype])).toEqual([
      [6 * 3 * 8, "f32"],
      [(6 * 3 * 8) / 2, "i32"],
      [((6 + 4) * 3 * 8) / 4, "i32"],
    ]);
    const first = await Promise.all(sessions.map(outputs));
    expect(first[0]).not.toEqual(first[1]);
    expect(first[1]).not.toEqual(first[2]);
    expect(await Promise.all(sessions.map(outputs))).toEqual(first);
    for (const [i, dtype] of ([undefined, "f16", "int8"] as const).entries())
      expect(await outputs(await open(runtime, model, dtype))).toEqual(first[i]);
  });

  test("weights that change are packed again", async () => {
    const runtime = await openRuntime();
    const [model, other] = [models.gru!(), models.gru!()];
    runtime.initialize(other, { seed: 5 });
    for (const dtype of ["f16", "int8"] as const) {
      runtime.initialize(model);
      const session = await open(runtime, model, dtype);
      const before = await outputs(session);
      runtime.loadStateDict(model, await runtime.stateDict(other));
      const after = await outputs(session);
      expect(after).not.toEqual(before);
      expect(after).toEqual(await outputs(await open(runtime, other, dtype)));
    }
  });

  test("it is there wherever a model is run", async () => {
    const runtime = await openRuntime();
    const model = new Speaker();
    const same = new Speaker();
    runtime.loadStateDict(same, withRounded(await runtime.stateDict(model), "f16"));
    const weightDtype = "f16";
    const tokens = { shape: [5, 2], data: Int32Array.from([1, 2, 3, 4, 5, 6, 0, 1, 2, 3]) };
    const predicted = await runtime.predict(model, tokens, { weightDtype });
    expectSame(predicted, await runtime.predict(same, tokens), 1e-5);
    expect(predicted).not.toEqual(await runtime.predict(model, tokens));
    const program = (options: { weightDtype?: WeightDType }) =>
      runtime.compile(model, {
        inputs: { tokens: { shape: [5, 2], dtype: "i32" } },
        forward: ({ tokens }) => ({ logits: model.forward(tokens).logits }),
        ...options,
      });
    expect((await (await program({ weightDtype })).run({ tokens })).logits).toEqual(predicted.logits);
    const batch = { x: tokens, target: tokens };
    const losses = await Promise.all([
      runtime.evaluate(model, [batch], { weightDtype }),
      runtime.evaluate(same, [batch]),
      runtime.evaluate(model, [batch]),
    ]);
    expect(losses[0]!.loss).toBeCloseTo(losses[1]!.loss, 5);
    expect(losses[0]!.loss).not.toBe(losses[2]!.loss);
    const call = { prompt: [1, 2, 3], length: 8, seed: 3 };
    const drawn = async (of: Module, options: object) => {
      const all = [];
      for await (const { tokens } of runtime.generate(of, { ...call, ...options })) all.push(...tokens);
      return all;
    };
    expect(await drawn(model, { weightDtype })).toEqual(await drawn(same, {}));
    const found = await runtime.beamSearch(model, { prompt: [1, 2], length: 4, weightDtype });
    expect(found[0]!.logProbability).toBeCloseTo(
      (await runtime.beamSearch(same, { prompt: [1, 2], length: 4 }))[0]!.logProbability,
      4,
    );
    const plan = await runtime.generationPlan(model, { chunk: 2, weightDtype });
    const used = plan.commands.flatMap((command) => (command.type === "dispatch" ? [command.kernel] : []));
    expect(used).toContain("recurrent-forward-f16");
    expect(used).not.toContain("recurrent-forward");
  });

  test("a program's gradients are those by the rounded weights", async () => {
    const runtime = await openRuntime();
    const [model, same] = [models.gru!(), models.gru!()];
    runtime.loadStateDict(same, withRounded(await runtime.stateDict(model), "f16"));
    const gradients = async (of: Streams, weightDtype: "f32" | "f16") => {
      const program = await runtime.compile(of, {
        inputs: { x: { shape: [4, 2, 3] } },
        forward: ({ x }) => ({ y: of.forward(x).y }),
        seeds: ["y"],
        gradients: ["x"],
        parameterGradients: true,
        weightDtype,
      });
      return program.run({ x: numbers([4, 2, 3], "x"), "gradient.y": numbers([4, 2, 2], "seed") } as never);
    };
    expectSame(await gradients(model, "f16"), await gradients(same, "f32"), 1e-5);
    expect(await gradients(model, "f16")).not.toEqual(await gradients(model, "f32"));
  });

  test("what cannot be is refused before anything runs", async () => {
    const runtime = await openRuntime();
    const model = models.gru!();
    const x = { x: [1, 2, 3] };
    const refused = (call: () => Promise<unknown>, message: RegExp) =>
      expect(call).rejects.toThrow(
        expect.objectContaining({ name: "OptionError", message: expect.stringMatching(message) }),
      );
    await refused(() => open(runtime, model, wrong("half")), /weightDtype is "half", expected "f32", "f16" or "int8"/);
    await refused(
      () => runtime.session(model, { inputs: x, streams: 2, on: "wasm", weightDtype: "int8" }),
      /weightDtype is "int8", and WebAssembly computes with "f32" only; leave weightDtype out there/,
    );
    await refused(
      () => open(runtime, new Streams(new IndRNN(size)), "f16"),
      /Streams has no weight_hh of a recurrent layer/,
    );
    await refused(
      () =>
        runtime.compile(model, {
          inputs: { x: { shape: [1, 2, 3] } },
          forward: ({ x }) => ({ y: model.forward(x).y }),
          seeds: ["y"],
          weightDtype: "int8",
        }),
      /gradients with weightDtype "int8", which is for running a model only; take "f16" or "f32", or leave seeds out/,
    );
    await refused(() => runtime.predict(model, xs[0]!, wrong({ weightDType: "f16" })), /unknown option "weightDType"/);
    expect(() => runtime.trainer(model, { optimizer: adam(), loss: mse(), weightDtype: wrong("int8") })).toThrow(
      /trainer: weightDtype is "int8", expected "f32" or "f16"/,
    );
  });
});
