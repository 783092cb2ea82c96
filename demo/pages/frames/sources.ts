/** Where frames come from: what is made up, or a reader who leads a disc or moves a hand. */
import type { Pen } from "../../shell/pad.tsx";

export type Kind = "shapes" | "gestures";

export interface Frame {
  readonly values: readonly number[];
  /** What happens in it; unknown of a reader's hand. */
  readonly truth?: string;
  readonly isFirst: boolean;
  /** Where the hand is, in shares of the field. */
  readonly hand?: readonly [x: number, y: number];
}

export interface Example {
  readonly steps: readonly (readonly number[])[];
  readonly tags: readonly string[];
}

/** Pixels of a row. */
export const SIZE = 8;

/** Frames of made-up rows, one row after the other. */
export class MadeUp {
  readonly #examples: readonly Example[];
  #row = 0;
  #t = 0;
  #hand: readonly [number, number] = [0.5, 0.5];

  constructor(examples: readonly Example[]) {
    this.#examples = examples;
  }

  next(): Frame {
    const { steps, tags } = this.#examples[this.#row]!;
    const t = this.#t;
    const values = steps[t]!;
    const truth = tags[t]!;
    this.#t = (t + 1) % steps.length;
    if (this.#t === 0) this.#row = (this.#row + 1) % this.#examples.length;
    if (values.length !== 2) return { values, truth, isFirst: t === 0 };
    // A hand that leaves the field on one side comes in on the other.
    const [x, y] = this.#hand;
    this.#hand = [wrapped(x + values[0]!), wrapped(y + values[1]!)];
    return { values, truth, isFirst: t === 0, hand: this.#hand };
  }
}

const wrapped = (share: number) => share - Math.floor(share);

/** A reader's hand: how far the pen moved since the frame before. */
export class Hand {
  #before: Pen | undefined;

  next(pen: Pen): Frame {
    const before = this.#before ?? pen;
    const isFirst = this.#before === undefined;
    this.#before = pen;
    return { values: [pen.x - before.x, pen.y - before.y], isFirst, hand: [pen.x, pen.y] };
  }
}

/** A disc that goes one pixel towards the pen in each frame, or grows or shrinks by half a pixel, as the shapes of the training do. */
export class Led {
  #x = SIZE / 2;
  #y = SIZE / 2;
  #radius = SIZE / 5;
  #isFirst = true;

  /** @param growth 1, -1 or 0 */
  next({ x, y }: Pen, growth: number): Frame {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const truth = isFirst ? "still" : this.#move(x * SIZE - this.#x, y * SIZE - this.#y, growth);
    return { values: disc(this.#x, this.#y, this.#radius), truth, isFirst };
  }

  #move(right: number, down: number, growth: number): string {
    const grown = this.#radius + growth / 2;
    if (growth !== 0 && grown >= SIZE / 8 && grown <= SIZE / 3 && this.#fits(this.#x, this.#y, grown)) {
      this.#radius = grown;
      return growth > 0 ? "growing" : "shrinking";
    }
    const isAcross = Math.abs(right) >= Math.abs(down);
    const [x, y] = isAcross ? [this.#x + Math.sign(right), this.#y] : [this.#x, this.#y + Math.sign(down)];
    if (Math.max(Math.abs(right), Math.abs(down)) < 0.75 || !this.#fits(x, y, this.#radius)) return "still";
    [this.#x, this.#y] = [x, y];
    if (isAcross) return right > 0 ? "right" : "left";
    return down > 0 ? "down" : "up";
  }

  #fits(x: number, y: number, radius: number): boolean {
    return [x, y].every((at) => at - radius >= 0 && at + radius <= SIZE);
  }
}

/** The share of each pixel that a disc covers, by 4 by 4 points. */
export function disc(x: number, y: number, radius: number): number[] {
  const points = Array.from({ length: 16 }, (_, i) => [(i % 4) / 4 + 0.125, Math.floor(i / 4) / 4 + 0.125] as const);
  return Array.from({ length: SIZE * SIZE }, (_, pixel) => {
    const [left, top] = [pixel % SIZE, Math.floor(pixel / SIZE)];
    return points.filter(([a, b]) => Math.hypot(left + a - x, top + b - y) <= radius).length / points.length;
  });
}
