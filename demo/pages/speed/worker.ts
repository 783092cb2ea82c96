import { LimitError, Runtime } from "webgpu-rnn";
import { serve } from "../../shell/training-worker.ts";
import { expectedOf, prepare } from "./prepare.ts";
import { type Measured, measure } from "./program.ts";
import { type Cell, isGpu, isNetwork, type Task, tasksOf } from "./tasks.ts";

export interface Settings {
  readonly cell: Cell;
  readonly isLarge: boolean;
}

export type Result = Task & Measured;

/** What a device has no room for is left out. */
function tooLarge(error: unknown): undefined {
  if (!(error instanceof LimitError)) throw error;
}

/** Each measurement is a step: between two of them it can be stopped. */
export default serve(async function* (runtime, { cell, isLarge }: Settings) {
  const twins = await Runtime.open({ backend: "cpu" });
  try {
    const tasks = tasksOf({ cell, isLarge, isGpu: isGpu(runtime.info()) });
    const known = new Map<string, Awaited<ReturnType<typeof expectedOf>>>();
    const results: Result[] = [];
    for (const [i, task] of tasks.entries()) {
      const prepared = await prepare(runtime, task).catch(tooLarge);
      if (!prepared) continue;
      try {
        // Batches of all sizes come to the same.
        const key = JSON.stringify(isNetwork(task) ? { ...task, B: 1 } : task);
        const expected = known.get(key) ?? (await expectedOf(twins, task));
        known.set(key, expected);
        results.push({ ...task, ...(await measure(prepared, expected)) });
      } finally {
        runtime.release(prepared.model);
      }
      yield { step: i + 1, steps: tasks.length, view: results };
    }
  } finally {
    twins.dispose();
  }
});
