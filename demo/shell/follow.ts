/** Reports of a task's training for a page. */
import type { Progress, TaskFit } from "webgpu-rnn/tasks";
import type { Report } from "./messages.ts";

/**
 * What charts show of a task's training: `loss`, and after each epoch `heldOut`, the loss on rows that were kept apart, with the
 * metrics of these. The task can be asked from its first step on.
 */
export async function* follow<T>(fit: TaskFit<T>, keep: (task: T) => void): AsyncGenerator<Report<never>> {
  let last = { step: 0, loss: 0 };
  for await (const { task, step, steps, loss, validation } of fit as AsyncIterable<Progress<T>>) {
    keep(task);
    // What comes at the end of an epoch has the mean of its losses, which would stand out among those of single updates.
    if (step > last.step) last = { step, loss };
    yield {
      step,
      steps,
      values: { loss: last.loss, ...(validation && { heldOut: validation.loss, ...validation.metrics }) },
    };
  }
  keep(await fit);
}
