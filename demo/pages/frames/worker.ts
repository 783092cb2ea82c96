import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { examples, type Settings, train, Watcher } from "./program.ts";

interface Frame {
  readonly values: readonly number[];
  readonly isFirst: boolean;
}

export const questions = {
  push: (watcher: Watcher, { values, isFirst }: Frame) => watcher.push(values, isFirst),
  /** Rows that the training does not have, to be shown. */
  examples: (_: Watcher, settings: Settings) => examples({ ...settings, seed: settings.seed + 10_000 }, 12),
};

export default serve((runtime, settings: Settings, keep) => {
  let watcher: Watcher | undefined;
  return follow(train(runtime, settings), (tagger) => {
    watcher ??= new Watcher(tagger);
    keep(watcher);
  });
}, questions);
