/** The frames that a reader of the page "frames" makes. */
import { expect, test } from "vitest";
import { movingShapes } from "webgpu-rnn/tasks/data";
import { gestures } from "../../demo/pages/frames/gestures.ts";
import { disc, Hand, Led, MadeUp, SIZE } from "../../demo/pages/frames/sources.ts";

const pen = (x: number, y: number) => ({ x, y, isDown: false });

test("a disc is drawn as the circles of the training are", () => {
  const first = movingShapes({ count: 30, size: SIZE, length: 1 }).map(({ frames }) => frames[0]!);
  expect(first).toContainEqual(disc(SIZE / 2, SIZE / 2, SIZE / 5));
});

test("a disc goes towards the pen, one pixel in each frame, and stays in the field", () => {
  const led = new Led();
  const frames = Array.from({ length: 6 }, () => led.next(pen(1, 0.5), 0));
  expect(frames.map(({ truth }) => truth)).toEqual(["still", "right", "right", "still", "still", "still"]);
  expect(frames.map(({ isFirst }) => isFirst)).toEqual([true, false, false, false, false, false]);
  const mass = (values: readonly number[]) => values.reduce((sum, grey) => sum + grey, 0);
  const columnOf = (values: readonly number[]) =>
    values.reduce((sum, grey, i) => sum + grey * (i % SIZE), 0) / mass(values);
  expect(columnOf(frames[1]!.values) - columnOf(frames[0]!.values)).toBeCloseTo(1, 10);
  expect(led.next(pen(0, 0.5), 0).truth).toBe("left");
  const before = mass(frames[5]!.values);
  const smaller = led.next(pen(0.6, 0.5), -1);
  expect([smaller.truth, mass(smaller.values) < before]).toEqual(["shrinking", true]);
  expect(led.next(pen(0.6, 0), 1).truth).toBe("growing");
  expect(led.next(pen(0.6, 0), 0).truth).toBe("up");
});

test("a hand's frame is how far it moved", () => {
  const hand = new Hand();
  expect(hand.next(pen(0.5, 0.5))).toMatchObject({ values: [0, 0], isFirst: true });
  expect(hand.next(pen(0.75, 0.25))).toMatchObject({ values: [0.25, -0.25], isFirst: false });
});

test("made-up gestures turn the way that they are called, and follow each other frame by frame", () => {
  const rows = gestures({ count: 40, seed: 3 });
  expect(gestures({ count: 40, seed: 3 })).toEqual(rows);
  const turns = { clockwise: [] as number[], anticlockwise: [] as number[] };
  for (const { steps, tags } of rows)
    for (let t = 1; t < steps.length; t++) {
      const name = tags[t]!;
      if (name !== tags[t - 1] || (name !== "clockwise" && name !== "anticlockwise")) continue;
      const [[a, b], [c, d]] = [steps[t - 1] as [number, number], steps[t] as [number, number]];
      turns[name].push(Math.sign(a * d - b * c));
    }
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  // Down is positive: what turns from right to down turns clockwise.
  expect(mean(turns.clockwise)).toBeGreaterThan(0.8);
  expect(mean(turns.anticlockwise)).toBeLessThan(-0.8);

  const shown = new MadeUp(rows.slice(0, 2));
  const frames = Array.from({ length: 97 }, () => shown.next());
  expect(frames.filter(({ isFirst }) => isFirst)).toHaveLength(3);
  expect(frames[48]!.values).toEqual(rows[1]!.steps[0]);
  for (const { hand } of frames) expect(hand!.every((share) => share >= 0 && share < 1)).toBe(true);
});
