import type { SequenceAutoencoder } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { between, restore, shown, squeeze, train } from "./program.ts";
import { type Stroke, signNames } from "./strokes.ts";

interface Learned {
  readonly coder: SequenceAutoencoder;
  readonly strokes: readonly Stroke[];
}

export interface Squeezed extends Stroke {
  readonly vector: readonly number[];
  readonly restored: readonly (readonly number[])[];
  readonly error: number;
}

export const questions = {
  async map({ coder, strokes }: Learned) {
    const found = await squeeze(coder, strokes);
    const usual = strokes.filter(({ isOdd }) => !isOdd).map(({ moves }) => ({ moves }));
    const { r2 = 0 } = await coder.evaluate(usual);
    return { strokes: strokes.map((stroke, i): Squeezed => ({ ...stroke, ...found[i]! })), r2 };
  },
  restore: ({ coder }: Learned, vector: readonly number[]) => restore(coder, vector),
  /** By the signs, one of each. */
  between: ({ coder, strokes }: Learned, [from, to]: readonly [string, string]) => {
    const written = (sign: string) => strokes.find((stroke) => stroke.sign === sign && !stroke.isOdd)!;
    return between(coder, written(from), written(to));
  },
  async own({ coder }: Learned, moves: number[][] | undefined) {
    return moves && (await squeeze(coder, [{ moves }]))[0];
  },
  signs: () => signNames,
};

export default serve((runtime, { seed }: { readonly seed: number }, keep) => {
  let learned: Learned & { dispose(): void };
  return follow(train(runtime, seed), (coder) => {
    learned ??= { coder, strokes: shown(seed), dispose: () => coder.dispose() };
    keep(learned);
  });
}, questions);
