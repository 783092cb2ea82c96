import { follow } from "../../shell/follow.ts";
import type { Report } from "../../shell/messages.ts";
import { serve } from "../../shell/training-worker.ts";
import { type Readers, read, train } from "./program.ts";

type Subject = { -readonly [K in keyof Readers]?: Readers[K] };

export const questions = {
  read: (readers: Subject, sequence: string) => readers.motif && readers.frames && read(readers as Readers, sequence),
};

const named = (name: string, values: Report["values"] = {}) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name} ${key}`, value]));

/** A step of the one and a step of the other, by turns. */
export default serve(async function* (
  runtime,
  settings: Parameters<typeof train>[1],
  keep: (subject: Subject) => void,
) {
  const readers: Subject = {};
  keep(readers);
  const { motif, frames } = train(runtime, settings);
  const going = [
    { name: "motif", reports: follow(motif, (task) => Object.assign(readers, { motif: task })) },
    { name: "frames", reports: follow(frames, (task) => Object.assign(readers, { frames: task })) },
  ];
  try {
    for (let step = 1, steps = 0; going.length > 0; step++) {
      let values: Report["values"] = {};
      for (const one of [...going]) {
        const { done, value } = await one.reports.next();
        if (done) going.splice(going.indexOf(one), 1);
        else {
          values = { ...values, ...named(one.name, value.values) };
          steps = Math.max(steps, value.steps);
        }
      }
      if (going.length > 0) yield { step: Math.min(step, steps), steps, values };
    }
  } finally {
    for (const { reports } of going) await reports.return(undefined);
  }
}, questions);
