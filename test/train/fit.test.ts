/** `fit`: the order of its reports, what runs ahead of them, stopping, failing, and what it refuses while it goes on. */
import { expect, test } from "vitest";
import { adam, type Batch, BusyError, ShapeError, type StateDict, type StepReport } from "../../src/index.ts";
import { runtimesForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import { lossesOf, modelOf, reportsOf, windows } from "../support/training-runs.ts";

const { onEach, runtimes } = await runtimesForTests();

onEach(({ kind }) => {
  const runtime = runtimes[kind];

  test("reports come in order, each with its step, and as many steps late as is asked for", async () => {
    const model = modelOf();
    const trainer = runtime.trainer(model, {
      optimizer: adam({ lr: 0.25 }),
      schedule: { lrAt: (step) => 1 / (1 + step) },
    });
    let taken = 0;
    function* counted(): Generator<Batch> {
      for (const batch of windows(10, 3, 2)) {
        taken++;
        yield batch;
      }
    }
    const late: number[] = [];
    const reports: StepReport[] = [];
    for await (const report of trainer.fit(counted(), { ahead: 3 })) {
      reports.push(report);
      late.push(taken - report.step);
      expect(trainer.steps).toBeGreaterThanOrEqual(report.step);
    }
    expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(late).toEqual([3, 3, 3, 3, 3, 3, 3, 2, 1, 0]);
    reports.forEach(({ step, lr, tokensPerSecond, loss, gradNorm }) => {
      expect(lr).toBeCloseTo(0.25 / step, 12);
      expect(tokensPerSecond).toBeGreaterThan(0);
      expect(Number.isFinite(loss) && gradNorm > 0).toBe(true);
    });
    trainer.dispose();
  });

  test("fit stops after its steps, at the end of the batches, or when it is told to, and goes on later", async () => {
    const model = modelOf("gru");
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const endless = function* () {
      for (;;) yield* windows(1, 3, 2);
    };
    expect(await lossesOf(trainer, endless(), { steps: 5 })).toHaveLength(5);
    expect(await lossesOf(trainer, windows(2, 3, 2))).toHaveLength(2);
    expect(await lossesOf(trainer, endless(), { steps: 0 })).toEqual([]);
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const { step } of trainer.fit(endless(), { signal: stop.signal })) {
      seen.push(step);
      if (step === 10) stop.abort();
    }
    expect(seen).toEqual([8, 9, 10]);
    const another = new AbortController();
    for await (const { step } of trainer.fit(endless(), { signal: another.signal, ahead: 3 })) {
      seen.push(step);
      if (step === 12) another.abort();
    }
    // What was under way is reported still.
    expect(seen.slice(3)).toEqual([11, 12, 13, 14, 15]);
    expect(trainer.steps).toBe(15);
    expect(await lossesOf(trainer, endless(), { signal: AbortSignal.abort() })).toEqual([]);
    trainer.dispose();
  });

  test("a loop that is left has run what it reported and nothing else, and the next one goes on from there", async () => {
    const trainer = runtime.trainer(modelOf("gru"), { optimizer: adam() });
    let ended = 0;
    const endless = function* () {
      try {
        for (;;) yield* windows(1, 3, 2);
      } finally {
        ended++;
      }
    };
    for await (const { step } of trainer.fit(endless())) if (step === 5) break;
    expect([trainer.steps, ended]).toEqual([5, 1]);
    const rest = await reportsOf(trainer.fit(endless(), { steps: 2 }));
    expect(rest.map(({ step }) => step)).toEqual([6, 7]);
    // Steps that were started ahead have run: the trainer is there, and nobody reports them later.
    for await (const { step } of trainer.fit(endless(), { ahead: 2 })) if (step === 9) break;
    expect(trainer.steps).toBe(11);
    expect((await reportsOf(trainer.fit(endless(), { steps: 1 }))).map(({ step }) => step)).toEqual([12]);
    trainer.dispose();
  });

  test.each([0, 3])("batches that throw lose no report, %s steps ahead", async (ahead) => {
    const trainer = runtime.trainer(modelOf("gru"), { optimizer: adam() });
    const failing = function* () {
      for (let i = 1; i < 7; i++) yield* windows(1, 3, 2);
      throw new Error("no seventh batch");
    };
    const seen: number[] = [];
    const error = await errorOf(async () => {
      for await (const { step } of trainer.fit(failing(), { ahead })) seen.push(step);
    });
    expect(String(error)).toContain("no seventh batch");
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    // A batch that does not fit is refused after the reports of those before it.
    const bad = { ...windows(1, 3, 2)[0]!, target: { shape: [2], data: new Int32Array(2) } };
    const misfit = await errorOf(async () => {
      for await (const { step } of trainer.fit([...windows(2, 3, 2), bad], { ahead })) seen.push(step);
    });
    expect(misfit).toBeInstanceOf(ShapeError);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    trainer.dispose();
  });

  test("two fits at once are refused, and so is loading while one goes on", async () => {
    const trainer = runtime.trainer(modelOf("gru"), { optimizer: adam() });
    const saved = await trainer.stateDict();
    const first = trainer.fit(windows(4, 3, 2));
    expect((await first.next()).value!.step).toBe(1);
    const error = await errorOf(() => trainer.fit(windows(1, 3, 2)));
    expect(error).toBeInstanceOf(BusyError);
    expect(String(error)).toContain(
      "another fit of this trainer has not ended; leave its loop, or call return() on it",
    );
    expect(await errorOf(() => trainer.loadStateDict(saved, 0))).toBeInstanceOf(BusyError);
    expect((await first.next()).value!.step).toBe(2);
    await first.return(undefined);
    expect(await lossesOf(trainer, windows(1, 3, 2))).toHaveLength(1);
    expect(trainer.steps).toBe(3);
    trainer.dispose();
  });

  test("a state dict is that of one step, also while training goes on", async () => {
    const model = modelOf("lstm");
    const after: StateDict[] = [];
    const steps: number[] = [];
    const reference = runtime.trainer(model, { optimizer: adam() });
    const start = await reference.stateDict();
    for (const batch of windows(8, 3, 2)) {
      await lossesOf(reference, [batch]);
      after.push(await reference.stateDict());
    }
    reference.loadStateDict(start, 0);
    const reads: Promise<StateDict>[] = [];
    for await (const _ of reference.fit(windows(8, 3, 2), { ahead: 3 })) {
      steps.push(reference.steps);
      reads.push(reference.stateDict());
    }
    const dicts = await Promise.all(reads);
    dicts.forEach((dict, i) => {
      expect(dict, `step ${steps[i]}`).toEqual(after[steps[i]! - 1]);
    });
    expect(new Set(steps).size).toBeGreaterThan(2);
    reference.dispose();
  });
});
