/** What the page "Translate" says of a beam search: it asks for texts that are cut off, one unit later each time. */
import { expect, test } from "vitest";
import { Runtime } from "webgpu-rnn";
import { pairs, search, train } from "../../demo/pages/translate/program.ts";

const settings = { lesson: "digitsToDates", language: "en", seed: 3 } as const;

test("the hypotheses of each step go on from those of the step before, down to the search's own result", async () => {
  const runtime = await Runtime.open({ backend: "wasm" });
  // Some updates only: then many hypotheses are kept and dropped.
  const fit = train(runtime, settings);
  let steps: Awaited<ReturnType<typeof search>>["steps"] = [];
  for await (const { task, step } of fit) {
    if (step < 60) continue;
    const text = pairs({ ...settings, seed: 99 }, 1)[0]!.source;
    const found = await search(task, { text, beam: 4 });
    steps = found.steps;
    const whole = await task.translate(text, { beam: 4, nBest: 4 });
    expect(steps.at(-1)!.every(({ hasEnded }) => hasEnded)).toBe(true);
    expect(steps.at(-1)!.map(({ units }) => units.join(""))).toEqual(
      [whole, ...whole.alternatives!].map(({ targetUnits }) => targetUnits.join("")),
    );
    break;
  }
  expect(steps.length).toBeGreaterThan(10);
  for (const [i, kept] of steps.entries()) {
    expect(kept).toHaveLength(4);
    const scores = kept.map(({ score }) => score);
    expect([...scores].sort((one, other) => other - one)).toEqual(scores);
    for (const { units, hasEnded } of kept) {
      expect(hasEnded ? units.length <= i : units.length === i + 1).toBe(true);
      if (i === 0) continue;
      const before = hasEnded && units.length < i ? units : units.slice(0, i);
      const parents = steps[i - 1]!.filter((one) => one.units.join("") === before.join(""));
      expect(parents, `${units.join("")} after ${i} units`).not.toHaveLength(0);
    }
  }
  runtime.dispose();
});
