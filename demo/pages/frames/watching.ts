/** Shows the network frame after frame, and keeps what it said of the last ones. */
import { effect, type Signal, signal } from "@preact/signals";
import type { LiveTraining } from "../../shell/live-training.ts";
import type { Pen } from "../../shell/pad.tsx";
import type { Settings } from "./program.ts";
import { type Frame, Hand, type Kind, Led, MadeUp } from "./sources.ts";
import type { questions } from "./worker.ts";

/** A frame, and what the network said of it. */
export interface Seen extends Frame {
  readonly label: string;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly milliseconds: number;
}

const framesPerSecond: Readonly<Record<Kind, number>> = { shapes: 8, gestures: 20 };
const KEPT = 100;
/** Milliseconds for which the field stays a reader's after the last movement. */
const STAYS = 3000;
/** Frames for which a disc grows when it is told to. */
const GROWS = 3;

export class Watching {
  readonly seen = signal<readonly Seen[]>([]);
  /** Whether what is made up moves by itself: not where the reader's system asks for less motion. */
  readonly isPlaying = signal(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  /** Whether the last frame was the reader's. */
  readonly isReaders = signal(false);
  readonly #training: LiveTraining<Settings, never, typeof questions>;
  readonly #settings: () => Settings;
  #madeUp: MadeUp | undefined;
  #reader: Hand | Led | undefined;
  #pen: Pen = { x: 0.5, y: 0.5, isDown: false };
  #penAt = Number.NEGATIVE_INFINITY;
  #growth = 0;

  constructor(
    training: LiveTraining<Settings, never, typeof questions>,
    { kind, seed }: { readonly kind: Signal<Kind>; readonly seed: Signal<number> },
  ) {
    this.#training = training;
    this.#settings = () => ({ kind: kind.value, seed: seed.value });
    effect(() => {
      this.#settings();
      this.#madeUp = this.#reader = undefined;
      this.seen.value = [];
    });
    void this.#run();
  }

  move(pen: Pen): void {
    this.#pen = pen;
    this.#penAt = performance.now();
  }

  grow(sign: 1 | -1): void {
    this.#growth = sign * GROWS;
    this.move(this.#pen);
  }

  async #run(): Promise<void> {
    for (;;) {
      const { kind } = this.#settings();
      const next = new Promise((resolve) => setTimeout(resolve, 1000 / framesPerSecond[kind]));
      // What fails has failed for the whole page, which says so.
      await this.#frame(kind).catch(() => {});
      await next;
    }
  }

  async #frame(kind: Kind): Promise<void> {
    const frame = await this.#next(kind);
    if (!frame) return;
    const { values, isFirst } = frame;
    const said = await this.#training.ask("push", { values, isFirst });
    // Another choice may have been made meanwhile.
    if (said && kind === this.#settings().kind)
      this.seen.value = [...this.seen.value, { ...frame, ...said }].slice(-KEPT);
  }

  async #next(kind: Kind): Promise<Frame | undefined> {
    const isReaders = performance.now() - this.#penAt < STAYS;
    this.isReaders.value = isReaders;
    if (isReaders) {
      this.#reader ??= kind === "shapes" ? new Led() : new Hand();
      const growth = Math.sign(this.#growth);
      this.#growth -= growth;
      return this.#reader.next(this.#pen, growth);
    }
    this.#reader = undefined;
    if (!this.isPlaying.value) return undefined;
    if (!this.#madeUp) {
      const examples = await this.#training.ask("examples", this.#settings());
      if (!examples || kind !== this.#settings().kind) return undefined;
      this.#madeUp = new MadeUp(examples);
    }
    return this.#madeUp.next();
  }
}
