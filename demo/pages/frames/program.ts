/** A tagger that says of every frame what moves and how, as soon as the frame is there. */
import type { Runtime } from "webgpu-rnn";
import { SequenceTagger, type TagStream } from "webgpu-rnn/tasks";
import { movingShapes } from "webgpu-rnn/tasks/data";
import { gestures } from "./gestures.ts";

export interface Settings {
  /** An image of 8 by 8 pixels in each frame, or how far a hand moved. */
  readonly kind: "shapes" | "gestures";
  readonly seed: number;
}

/** Made-up rows: a list of frames, and a list of what happens in each of them. */
export function examples({ kind, seed }: Settings, count: number) {
  if (kind === "gestures") return gestures({ count, seed });
  return movingShapes({ count, seed, size: 8 }).map(({ frames, labels }) => ({ steps: frames, tags: labels }));
}

export function train(runtime: Runtime, settings: Settings) {
  return SequenceTagger.fit(runtime, examples(settings, 1500), {
    cell: "gru",
    hiddenSize: settings.kind === "shapes" ? 64 : 32,
    bidirectional: false, // a frame knows those before it, and none that is still to come
    dropout: 0,
    epochs: 10,
    batch: 16,
    optimizer: { name: "adam", lr: 0.01 },
    seed: settings.seed,
  });
}

/** Shows a tagger one frame after the other. Its hidden state stays where it computes. */
export class Watcher {
  readonly #tagger: SequenceTagger;
  #stream: Promise<TagStream> | undefined;

  constructor(tagger: SequenceTagger) {
    this.#tagger = tagger;
  }

  /** What happens in this frame, and how many milliseconds it took to say so. */
  async push(frame: readonly number[], isFirst: boolean) {
    this.#stream ??= this.#tagger.stream();
    const stream = await this.#stream;
    if (isFirst) stream.reset();
    const began = performance.now();
    const said = await stream.push({ steps: frame });
    return { ...said, milliseconds: performance.now() - began };
  }

  dispose(): void {
    this.#stream?.then((stream) => stream.dispose());
    this.#tagger.dispose();
  }
}
