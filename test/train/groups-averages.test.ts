/** Groups of parameters, and averages of the weights. */
import { describe, expect, test } from "vitest";
import { adam, adamW, OptionError, type StateDict, sgd, type Trainer, type TrainerOptions } from "../../src/node.ts";
import { differences } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import { parts, T, whole } from "../support/row-batches.ts";
import { modelOf } from "../support/training-runs.ts";

const { onEach, runtimes } = await runtimesForTests();

onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-12 : 1e-5;
  const runtime = runtimes[kind];

  const expectClose = (got: StateDict, expected: StateDict) => {
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    for (const [name, { data }] of Object.entries(expected)) {
      const both = { before: undefined, expected: Float64Array.from(data), got: got[name]!.data };
      expect(differences(name, both, tolerance)).toEqual([]);
    }
  };
  const begin = (options: Partial<TrainerOptions> = {}) => {
    const model = modelOf("gru", 2);
    runtime.initialize(model, { seed: 1 });
    return { model, trainer: runtime.trainer(model, { optimizer: adam({ lr: 0.02 }), ...options }) };
  };

  describe("groups of parameters", () => {
    const gradientsOf = async (options: Partial<TrainerOptions>) => {
      const { trainer } = begin(options);
      const before = await trainer.stateDict();
      await trainer.step(whole);
      const after = await trainer.stateDict();
      trainer.dispose();
      return { before, after };
    };
    const moved = ({ before, after }: { before: StateDict; after: StateDict }, name: string) =>
      Float64Array.from(before[`model.${name}`]!.data, (value, i) => after[`model.${name}`]!.data[i]! - value);

    test("each has its own learning rate and weight decay, which the schedule multiplies", async () => {
      const plain = await gradientsOf({ optimizer: sgd({ lr: 4 }) });
      const halved = { lrAt: () => 0.5 };
      const groups = [
        { match: "head.bias", lr: 16 },
        { match: /^rnn\.bias/, weightDecay: 0.25 },
        { match: "rnn", lr: 0.8 },
        { match: "head", lr: 0 },
      ];
      const run = await gradientsOf({ optimizer: sgd({ lr: 4 }), schedule: halved, groups });
      // The weights move by 0.001 to 0.1, and are f32 on the GPU.
      const near = (got: Float64Array, expected: Float64Array, name: string) =>
        expect(Math.max(...got.map((x, i) => Math.abs(x - expected[i]!))), name).toBeLessThan(
          kind === "cpu" ? 1e-12 : 1e-6,
        );
      const scaled = (name: string, factor: number) => moved(plain, name).map((x) => x * factor);
      near(moved(run, "embedding.weight"), scaled("embedding.weight", 0.5), "of no group");
      near(moved(run, "head.bias"), scaled("head.bias", 2), "the first that matches");
      near(moved(run, "head.weight"), scaled("head.weight", 0), "no rate");
      near(moved(run, "rnn.weight_hh_l1"), scaled("rnn.weight_hh_l1", 0.1), "a path");
      const { data: bias } = plain.before["model.rnn.bias_hh_l0"]!;
      const decayed = scaled("rnn.bias_hh_l0", 0.5).map((x, i) => x - 2 * 0.25 * bias[i]!);
      near(moved(run, "rnn.bias_hh_l0"), decayed, "a decay");
    });

    test("what is frozen has no gradient and no update, and does not count for the norm", async () => {
      const all = await gradientsOf({ optimizer: adamW({ lr: 0.1, weightDecay: 0.1 }) });
      const frozen = begin({
        optimizer: adamW({ lr: 0.1, weightDecay: 0.1 }),
        groups: [
          { match: "embedding", freeze: true },
          { match: /./, lr: 0.1 },
        ],
      });
      const before = await frozen.trainer.stateDict();
      const { gradNorm } = await frozen.trainer.step(whole);
      const after = await frozen.trainer.stateDict();
      expect(after["model.embedding.weight"]).toEqual(before["model.embedding.weight"]);
      expect(after["optimizer.exp_avg.embedding.weight"]!.data.every((value) => value === 0)).toBe(true);
      expect(after["model.head.weight"]).not.toEqual(before["model.head.weight"]);
      expectClose({ w: after["model.head.weight"]! }, { w: all.after["model.head.weight"]! });
      const { gradients } = await frozen.trainer.gradients(whole);
      expect(Object.keys(gradients)).not.toContain("embedding.weight");
      expect(gradNorm).toBeGreaterThan(0);
      const hasGradient = async (trainer: Trainer) =>
        (await trainer.plan({ T, B: 2 })).commands.some(({ label }) => /embedding.*gradient/.test(label));
      const free = begin();
      expect([await hasGradient(free.trainer), await hasGradient(frozen.trainer)]).toEqual([true, false]);
      free.trainer.dispose();
      frozen.trainer.dispose();
    });

    test("groups that mean nothing are refused", async () => {
      const cases: readonly (readonly [TrainerOptions["groups"], RegExp])[] = [
        [
          [{ match: "encoder", lr: 1 }],
          /groups\[0\] \(encoder\) matches no parameter; the model has embedding\.weight/,
        ],
        [[{ match: "rnn" }, { match: /rnn\.w/ }], /groups\[1\] .* matches only parameters that a group before it has/],
        [[{ match: /./, freeze: true }], /the groups freeze all parameters/],
        [[{ match: 3 as never }], /groups\[0\]\.match is 3, expected a name/],
        [[{ match: "rnn", lr: -1 }], /groups\[0\]\.lr is -1/],
        [[{ match: "rnn", rate: 1 } as never], /unknown option "rate"/],
        [{ match: "rnn" } as never, /groups are \{ match: "rnn" \}, expected a list/],
      ];
      for (const [groups, says] of cases) {
        const error = await errorOf(() => begin({ groups: groups! }));
        expect(error).toBeInstanceOf(OptionError);
        expect(String(error)).toMatch(says);
      }
    });
  });

  describe("averages of the weights", () => {
    test("begin with the weights after the first step, and follow them", async () => {
      const decay = 0.75;
      const { model, trainer } = begin({ ema: { decay } });
      expect(await trainer.averages()).toEqual(await runtime.stateDict(model));
      let expected: StateDict | undefined;
      for (const batch of [whole, parts[0]!, whole]) {
        await trainer.step(batch);
        const weights = await runtime.stateDict(model);
        const before = expected;
        expected = Object.fromEntries(
          Object.entries(weights).map(([name, { shape, data }]) => [
            name,
            {
              shape,
              data: Float64Array.from(data, (w, i) => (before ? decay * before[name]!.data[i]! + (1 - decay) * w : w)),
            },
          ]),
        );
        expectClose(await trainer.averages(), expected);
      }
      // Measured on the averages; the model is measured on its weights.
      const copy = modelOf("gru", 2);
      runtime.loadStateDict(copy, await trainer.averages());
      const onAverages = await trainer.evaluate([whole]);
      expect(Math.abs(onAverages.loss - (await runtime.evaluate(copy, [whole])).loss)).toBeLessThan(tolerance);
      expect(onAverages.loss).not.toBe((await runtime.evaluate(model, [whole])).loss);
      await trainer.step(whole);
      expect((await trainer.evaluate([whole])).loss).not.toBe(onAverages.loss);
      const saved = await trainer.stateDict();
      const later = await trainer.step(whole);
      const end = await trainer.stateDict();
      trainer.loadStateDict(saved, 4);
      expect((await trainer.step(whole)).loss).toBe(later.loss);
      expect(await trainer.stateDict()).toEqual(end);
      const { "average.head.bias": _, ...less } = saved;
      expect(String(await errorOf(() => trainer.loadStateDict(less, 4)))).toMatch(
        /average\.head\.bias is missing: the checkpoint was not made with ema/,
      );
      trainer.dispose();
      const without = begin();
      expect(await errorOf(() => without.trainer.averages())).toBeInstanceOf(OptionError);
      without.trainer.dispose();
      expect(await errorOf(() => begin({ ema: { decay: 1.5 } }))).toBeInstanceOf(OptionError);
    });

    test("memory of averages, accumulated gradients and what is derived from them goes with the trainer", async () => {
      const { model, trainer: first } = begin();
      await first.step(whole);
      await runtime.evaluate(model, [whole]);
      first.dispose();
      const kept = () => {
        const { moment = 0, derived = 0, state = 0 } = runtime.memory().roles;
        return { moment, derived, state };
      };
      const before = kept();
      const trainer = runtime.trainer(model, { optimizer: adam(), ema: { decay: 0.9 } });
      await trainer.step(...parts);
      const training = kept();
      expect(training.moment - before.moment).toBeGreaterThan(3 * (before.moment || 1));
      await trainer.evaluate([whole]);
      expect(kept()).toEqual(training);
      trainer.dispose();
      expect(kept()).toEqual(before);
    });
  });
});
