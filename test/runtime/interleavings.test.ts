/**
 * Operations of one runtime that overlap: whatever is started while something else is under way gives what it gives in some
 * quiet order, or is refused. Sequences of commands are random; a failure prints the seed and the shortest sequence.
 *
 *   SEQUENCES=1000 npx vitest run test/runtime/interleavings.test.ts
 */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { backendsForTests } from "../support/backends.ts";
import { Interleaving, type Op, type Pause } from "../support/interleaving.ts";
import { type Name, QuietRuntime } from "../support/quiet-runtime.ts";
import { watch } from "../support/watched-device.ts";

const numRuns = Number(process.env.SEQUENCES ?? 50);
const { device, onEach } = await backendsForTests();
const seen = device && watch(device);

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);
process.on("unhandledRejection", onUnhandled);
afterAll(() => {
  process.off("unhandledRejection", onUnhandled);
});

const which = fc.constantFrom("text", "streams");
const number = fc.nat({ max: 5 });
const text = fc.constant("text");
const few = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 });
const op = <K extends string>(kind: K, more: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ kind: fc.constant(kind), ...more }) as unknown as fc.Arbitrary<Op>;
const prompt = fc.array(number, { minLength: 1, maxLength: 12 });
const drawing = fc.record({
  prompts: fc.array(prompt, { minLength: 1, maxLength: 2 }),
  chunk: fc.constantFrom(2, 3),
  length: fc.constantFrom(3, 6),
});
const streams = fc.constantFrom([], [0], [1], [0, 1]);

const ops = fc.oneof(
  { weight: 3, arbitrary: op("fit", { which, batches: few, ahead: fc.nat({ max: 2 }) }) },
  { weight: 8, arbitrary: op("next", { which }) },
  { weight: 3, arbitrary: op("step", { which, batches: few }) },
  { weight: 2, arbitrary: op("break", { which }) },
  { weight: 2, arbitrary: op("trainer state", { which }) },
  { weight: 2, arbitrary: op("load trainer", { which }) },
  { weight: 1, arbitrary: op("reset trainer", { which }) },
  { weight: 1, arbitrary: op("dispose trainer", { which }) },
  { weight: 2, arbitrary: op("state dict", { which }) },
  { weight: 2, arbitrary: op("load state dict", { which }) },
  { weight: 1, arbitrary: op("initialize", { which, seed: fc.nat({ max: 2 }) }) },
  { weight: 3, arbitrary: op("evaluate", { which, batches: fc.oneof(few, fc.constant([4]), fc.constant([4, 5])) }) },
  { weight: 2, arbitrary: op("generate", { which: text, drawing }) },
  { weight: 4, arbitrary: op("draw", { which: text, number }) },
  { weight: 1, arbitrary: op("leave", { which: text, number }) },
  { weight: 2, arbitrary: op("beam search", { which: text, prompt }) },
  { weight: 1, arbitrary: op("compile", { which }) },
  { weight: 3, arbitrary: op("run", { which, batch: fc.constantFrom(0, 2) }) },
  { weight: 2, arbitrary: op("session", { T: fc.constantFrom(1, 3) }) },
  { weight: 6, arbitrary: op("call", { number, input: number }) },
  { weight: 2, arbitrary: op("push", { number, input: number }) },
  { weight: 2, arbitrary: op("reset", { number, streams: fc.option(streams, { nil: undefined }) }) },
  { weight: 1, arbitrary: op("active", { number, streams }) },
  { weight: 2, arbitrary: op("state", { number }) },
  { weight: 1, arbitrary: op("set state", { number }) },
  { weight: 1, arbitrary: op("dispose session", { number }) },
  { weight: 1, arbitrary: op("release", { which }) },
);
const pauses = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Pause>("none") },
  { weight: 3, arbitrary: fc.constant<Pause>("microtasks") },
  { weight: 3, arbitrary: fc.constant<Pause>("turn") },
  { weight: 2, arbitrary: fc.constant<Pause>("settle") },
);

type Model = object;
const commandOf = (all: readonly Op[], pause: Pause): fc.AsyncCommand<Model, Interleaving> => ({
  check: () => true,
  async run(_, real) {
    for (const one of all) real.start(one);
    await real.pause(pause);
  },
  toString: () => `${all.map((one) => JSON.stringify(one)).join(" & ")} (${pause})`,
});
const command = fc
  .tuple(fc.array(ops, { minLength: 1, maxLength: 3 }), pauses)
  .map(([all, pause]) => commandOf(all, pause));
const disposing = pauses.map((pause) => commandOf([{ kind: "dispose" }], pause));
const commands = fc.commands(
  Array.from({ length: 40 }, (_, i) => (i === 0 ? disposing : command)),
  { maxCommands: 24, size: "max" },
);
const settings = fc.record({
  text: fc.constantFrom<Name>("lstm", "gru"),
  streams: fc.constantFrom<Name>("streams", "learned streams"),
  plans: fc.constantFrom({}, { count: 1 }, { count: 2 }, { bytes: 5000 }),
});

onEach(({ kind, open }) => {
  test(`${numRuns} sequences`, { timeout: 60_000 + 5_000 * numRuns }, async () => {
    const quiet = new QuietRuntime(await open());
    const total = { compared: 0, refused: 0 };
    const sequence = fc.asyncProperty(settings, commands, async ({ plans, ...names }, sent) => {
      unhandled.length = 0;
      const bytes = () => (kind === "gpu" ? seen!.bytes - quiet.bytes : undefined);
      const real = await Interleaving.begin(await open({ plans }), quiet, names, bytes);
      try {
        await fc.asyncModelRun(() => ({ model: {}, real }), sent);
        await real.end();
      } finally {
        real.dispose();
      }
      await new Promise((resolve) => setTimeout(resolve));
      expect(unhandled).toEqual([]);
      total.compared += real.counts.compared;
      total.refused += real.counts.refused;
    });
    await fc.assert(sequence, { numRuns, ...(!process.env.SEQUENCES && { seed: 7 }) });
    console.info(`${kind}: ${total.compared} results as in a quiet order, ${total.refused} refused`);
    expect(total.compared).toBeGreaterThan(2 * total.refused);
    quiet.dispose();
  });
});
