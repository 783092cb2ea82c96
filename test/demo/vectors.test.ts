/** What the page "Words as vectors" calculates by itself, and what it trains. */

import { expect, test } from "vitest";
import { Runtime } from "webgpu-rnn";
import { market, sentences } from "../../demo/pages/vectors/data.ts";
import { oneHot, times } from "../../demo/pages/vectors/one-hot.ts";
import { placeLabels } from "../../demo/pages/vectors/place-labels.ts";
import { learnPrices } from "../../demo/pages/vectors/prices.ts";
import { learnWords } from "../../demo/pages/vectors/program.ts";
import { windowsOf } from "../../demo/pages/vectors/windows.ts";

test("a one-hot vector times a matrix is a row of it", () => {
  const matrix = [
    [1, 2],
    [3, -4],
    [0.5, 6],
  ];
  expect(oneHot(3, 1)).toEqual([0, 1, 0]);
  expect(times(oneHot(3, 1), matrix)).toEqual([3, -4]);
  expect(times([2, 0, 4], matrix)).toEqual([4, 28]);
});

test("labels of points that lie together stand apart, inside the frame", () => {
  const size = { width: 50, height: 17 };
  const points = Array.from({ length: 10 }, (_, i) => ({ x: 290 - (i % 3), y: 10 + (i % 2), ...size }));
  const placed = placeLabels(points, 300, 200).map((at) => ({ ...at, ...size }));
  for (const [i, a] of placed.entries()) {
    expect(a.x).toBeGreaterThanOrEqual(0);
    expect(a.x + a.width).toBeLessThanOrEqual(300);
    expect(a.y).toBeGreaterThanOrEqual(0);
    expect(a.y + a.height).toBeLessThanOrEqual(200);
    for (const { x, y } of points)
      expect(x < a.x || x > a.x + 50 || y < a.y || y > a.y + 17, `a point under ${JSON.stringify(a)}`).toBe(true);
    for (const b of placed.slice(i + 1))
      expect(Math.abs(a.x - b.x) >= 50 || Math.abs(a.y - b.y) >= 17, `${JSON.stringify(a)} ${JSON.stringify(b)}`).toBe(
        true,
      );
  }
});

test("the data is the same for the same seed, and other for another one", () => {
  expect(market(30, 1)).toEqual(market(30, 1));
  expect(market(30, 1)).not.toEqual(market(30, 2));
  const { words, sentences: rows } = sentences("ko", 3);
  expect(rows).toEqual(sentences("ko", 3).sentences);
  expect(rows.every((row) => row.length === 3 && row.every((word) => words[word] !== undefined))).toBe(true);
});

test("a window has the price of its days, and what is known of the days after", () => {
  const days = market(200, 1);
  const { batchOf, price, heldOut } = windowsOf(days, 1);
  const { x, target } = batchOf([3, 50], 4, true);
  expect(x.numbers.shape).toEqual([4, 2, 2]);
  // Step 2 of the second window is day 52.
  expect(x.numbers.data[(2 * 2 + 1) * 2]).toBeCloseTo(price.to(days[52]!.price), 5);
  expect(target.data[2 * 2 + 1]).toBeCloseTo(price.to(days[53]!.price), 5);
  expect(x).toHaveProperty(["weekday", "data", 2 * 2 + 1], days[53]!.weekday);
  expect(batchOf([3], 4, false).x).not.toHaveProperty("weekday");
  expect(price.from(price.to(7))).toBeCloseTo(7, 10);
  expect(heldOut.days[0]).toBe(days[heldOut.first + 1]);
  expect(heldOut.days.at(-1)).toBe(days.at(-1));
});

test("both programs free what they had, also when they are left before their end", async () => {
  using runtime = await Runtime.open({ backend: "wasm" });
  const empty = runtime.memory().bytes;
  const options = { seed: 1, steps: 3 };
  const losses: number[] = [];
  for await (const { loss } of learnWords(runtime, sentences("en", 1), options)) losses.push(loss);
  expect(losses).toHaveLength(3);
  for await (const { days, vectors } of learnPrices(runtime, market(200, 1), options)) {
    expect(days).toHaveLength(56);
    expect(vectors!.weekday).toHaveLength(7);
    break;
  }
  expect(runtime.memory().bytes).toBe(empty);
});
