/** Made-up movements of a hand, frame by frame, and what the hand does in each frame. */
import { RandomStream } from "webgpu-rnn";

export const gestureLabels = ["rest", "line", "clockwise", "anticlockwise", "shake"] as const;
export type Gesture = (typeof gestureLabels)[number];

export interface GestureRow {
  /** How far the hand moved since the frame before, right and down, in sides of the field. */
  readonly steps: number[][];
  readonly tags: Gesture[];
}

/** Frames in a second, of what is made up and of what a reader does. */
export const FRAMES_PER_SECOND = 20;
const FRAMES = 48;

/** Sequences of several gestures, one after the other. */
export function gestures({ count, seed }: { readonly count: number; readonly seed: number }): GestureRow[] {
  const random = new RandomStream(seed, "gestures");
  const between = (low: number, high: number) => low + (high - low) * random.next();
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.next() * list.length)]!;

  /** The speed of a gesture at each of its frames: along an angle that turns, or there and back. */
  function velocities(gesture: Gesture): (t: number) => readonly [number, number] {
    const angle = between(0, 2 * Math.PI);
    const along = (speed: number, at: number) => [speed * Math.cos(at), speed * Math.sin(at)] as const;
    if (gesture === "rest") return () => [0, 0];
    if (gesture === "line") {
      const speed = between(0.01, 0.1);
      return () => along(speed, angle);
    }
    if (gesture === "shake") {
      const [most, period] = [between(0.03, 0.15), between(4, 12)];
      return (t) => along(most * Math.cos((2 * Math.PI * t) / period), angle);
    }
    const turn = ((gesture === "clockwise" ? 1 : -1) * 2 * Math.PI) / between(8, 40);
    const speed = between(0.06, 0.35) * Math.abs(turn);
    return (t) => along(speed, angle + turn * t);
  }

  return Array.from({ length: count }, () => {
    const row: GestureRow = { steps: [], tags: [] };
    while (row.tags.length < FRAMES) {
      const gesture = pick(gestureLabels);
      const velocity = velocities(gesture);
      // No hand is steady.
      const wobble = gesture === "rest" ? 0.001 : 0.15;
      const length = Math.min(Math.round(between(10, 24)), FRAMES - row.tags.length);
      for (let t = 0; t < length; t++) {
        const [dx, dy] = velocity(t);
        const noise = () => wobble * (gesture === "rest" ? 1 : Math.hypot(dx, dy)) * between(-1, 1);
        row.steps.push([dx + noise(), dy + noise()]);
        row.tags.push(gesture);
      }
    }
    return row;
  });
}
