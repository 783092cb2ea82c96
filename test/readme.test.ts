/** README.md: its code runs as it stands there, has the package's types, and does what it says. */
import { afterAll, expect, test, vi } from "vitest";
import type { StateDict } from "../src/node.ts";
import { askForAdapter } from "./support/environment.ts";
import { runPage } from "./support/page-code.ts";

const said: unknown[][] = [];
const log = vi.spyOn(console, "log").mockImplementation((...values) => {
  said.push(values);
});
afterAll(() => log.mockRestore());
await askForAdapter();
const { typeFaults } = await runPage<object>("../README.md");

test("it trains, writes, and streams", () => {
  const steps = said.filter(([step]) => typeof step === "number") as [number, number][];
  expect(steps.map(([step]) => step)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  expect(steps.at(-1)![1]).toBeLessThan(0.5);
  const text = said.filter(([piece]) => typeof piece === "string").join("");
  expect(text).toHaveLength(100);
  expect("What a gate lets in, the state will keep. ".repeat(4)).toContain(text.slice(0, 8));
  const [probability, saved, bytes] = said.at(-1) as [Float32Array, StateDict, number];
  expect(probability).toHaveLength(8);
  // All streams had the same two calls; two of them began anew.
  const { h } = saved as { h: { shape: number[]; data: Float32Array } };
  expect(h.shape).toEqual([1, 8, 128]);
  const streams = Array.from({ length: 8 }, (_, b) => h.data.slice(128 * b, 128 * (b + 1)));
  for (const [b, stream] of streams.entries()) {
    if (b === 2 || b === 5) expect(stream.every((value) => value === 0)).toBe(true);
    else expect(stream).toEqual(streams[0]);
  }
  expect(streams[0]!.some((value) => value !== 0)).toBe(true);
  expect(bytes).toBeGreaterThan(4 * 128 * 3 * (40 + 128));
});

test("a task's training tells its accuracy, and the task what it thinks of a text", () => {
  const epochs = said.flatMap(([record]) => (Object.hasOwn(Object(record), "accuracy") ? [record] : []));
  expect(epochs).toMatchObject([{ epoch: 1 }, { epoch: 2 }, { epoch: 3 }]);
  const [classified] = said.flatMap(([record]) => (Object.hasOwn(Object(record), "probabilities") ? [record] : []));
  expect(classified).toMatchObject({
    known: expect.any(Number),
    label: expect.stringMatching(/negative|neutral|positive/),
  });
});

test("its code has the types of the package, by strict rules", () => {
  expect(typeFaults({})).toEqual([]);
});
