import { Runtime } from "webgpu-rnn";
import { serve } from "../../shell/training-worker.ts";
import { expectedOf, prepare } from "./prepare.ts";
import { type Measured, measure } from "./program.ts";
import { type Cell, isGpu, isNetwork, type Task, tasksOf } from "./tasks.ts";

export interface Settings {
  readonly cell: Cell;
  readonly isLarge: boolean;
}

export type Result = Task & Measured;

/** Each measurement is a step: between two of them it can be stopped. */
export default serve(async function* (runtime, { cell, isLarge }: Settings) {
  const twins = await Runtime.open({ backend: "cpu" });
  try {
    const tasks = tasksOf({ cell, isLarge, isGpu: isGpu(runtime.info()) });
    const known = new Map<string, Awaited<ReturnType<typeof expectedOf>>>();
    const results: Result[] = [];
    for (const task of tasks) {
      const prepared = await prepare(runtime, task);
      try {
        // Batches of all sizes come to the same.
        const key = JSON.stringify(isNetwork(task) ? { ...task, B: 1 } : task);
        const expected = known.get(key) ?? (await expectedOf(twins, task));
        known.set(key, expected);
        results.push({ ...task, ...(await measure(prepared, expected)) });
      } finally {
        runtime.release(prepared.model);
      }
      yield { step: results.length, steps: tasks.length, view: results };
    }
  } finally {
    twins.dispose();
  }
});
