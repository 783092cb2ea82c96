/** What the page "How fast is this device" counts and measures, in Node. */
import { afterAll, describe, expect, test, vi } from "vitest";
import { roundsOf, timesOf } from "../../bench/rounds.ts";
import { growthOf, overheads, sweep, typicalSpread } from "../../demo/pages/speed/findings.ts";
import { expectedOf, prepare } from "../../demo/pages/speed/prepare.ts";
import { measure } from "../../demo/pages/speed/program.ts";
import { bytesOf, cells, flopsOf, isNetwork, type Task, tasksOf } from "../../demo/pages/speed/tasks.ts";
import type { Result } from "../../demo/pages/speed/worker.ts";
import { Runtime } from "../../src/node.ts";

const wasm = await Runtime.open({ backend: "wasm", threads: 1 });
const twins = await Runtime.open({ backend: "cpu" });
afterAll(() => {
  wasm.dispose();
  twins.dispose();
});

const of = (kind: "forward" | "training" | "stream", T: number, B: number, H: number): Task => ({
  ...{ kind, cell: "lstm", T, B, H },
});

describe("counts", () => {
  test("of operations are those of the products, by hand", () => {
    // Two products, of [3,2] by [2,8] each, at each of 5 steps: a multiplication and an addition for each of their terms.
    expect(flopsOf(of("forward", 5, 3, 2))).toBe(5 * 2 * (2 * 3 * 2 * 8));
    expect(flopsOf(of("training", 5, 3, 2))).toBe(3 * flopsOf(of("forward", 5, 3, 2)));
    expect(flopsOf({ kind: "forward", cell: "gru", T: 5, B: 3, H: 2 })).toBe((3 / 4) * flopsOf(of("forward", 5, 3, 2)));
    expect(flopsOf({ kind: "product", N: 10, count: 3 })).toBe(3 * 2 * 10 * 10 * 10);
  });

  test("of bytes are what is read and written, by hand", () => {
    // W [8,2] once; at each of 5 steps R [8,2], x [3,2], the gates [3,8] twice and h [3,2] twice.
    expect(bytesOf(of("forward", 5, 3, 2))).toBe(4 * (16 + 5 * (16 + 6 + 2 * 24 + 2 * 6)));
    expect(bytesOf({ kind: "copy", bytes: 1000, count: 2 })).toBe(4000);
  });

  test("grow with every size", () => {
    for (const cell of cells) {
      const tasks = tasksOf({ cell, isLarge: true, isGpu: true }).filter(isNetwork);
      expect(tasks.length).toBeGreaterThan(40);
      for (const a of tasks)
        for (const b of tasks)
          if (a.kind === b.kind && a.T <= b.T && a.B <= b.B && a.H <= b.H)
            expect(flopsOf(a)).toBeLessThanOrEqual(flopsOf(b));
    }
  });

  test("of the sets: a larger one has all of a smaller one but for how often something is repeated", () => {
    const [small, large] = [false, true].map((isLarge) => tasksOf({ cell: "gru", isLarge, isGpu: false }));
    expect(large).toEqual(expect.arrayContaining(small!));
    expect(new Set(large!.map((task) => JSON.stringify(task))).size).toBe(large!.length);
    expect(small![0]).toMatchObject({ kind: "product", N: 64 });
  });
});

describe("what is measured", () => {
  const small: readonly Task[] = [
    { kind: "product", N: 24, count: 3 },
    { kind: "copy", bytes: 4096, count: 2 },
    { kind: "submit", count: 5 },
    ...cells.flatMap((cell): Task[] => [
      { kind: "forward", cell, T: 6, B: 3, H: 8 },
      { kind: "training", cell, T: 6, B: 3, H: 8 },
      { kind: "stream", cell, T: 1, B: 3, H: 8 },
      { kind: "write", cell, H: 8, count: 12 },
    ]),
  ];

  test.each(small.map((task) => [JSON.stringify(task), task] as const))("%s agrees with float64", async (_, task) => {
    const prepared = await prepare(wasm, task);
    const { error, times } = await measure(prepared, await expectedOf(twins, task));
    wasm.release(prepared.model);
    expect(error).toBeLessThan(1e-5);
    expect(times!.least).toBeGreaterThan(0);
    expect(times!.low).toBeLessThanOrEqual(times!.median);
    expect(times!.median).toBeLessThanOrEqual(times!.high);
    expect(times!.rounds).toBeGreaterThanOrEqual(3);
  });

  test("leaves nothing on the device", () => {
    expect(wasm.memory().bytes).toBe(0);
    expect(twins.memory().bytes).toBe(0);
  });

  test("and is not right is not timed", async () => {
    const task: Task = { kind: "product", N: 24, count: 3 };
    const prepared = await prepare(wasm, task);
    const [row] = await expectedOf(twins, task);
    const wrong = Array.from(row!, (x, i) => (i === 7 ? x + 1e-2 : x));
    const measured = await measure(prepared, [wrong]);
    expect(measured.error).toBeGreaterThan(1e-3);
    expect(measured.times).toBeUndefined();
    // Not a number is not right either.
    expect((await measure({ ...prepared, run: async () => [Number.NaN] }, [[1]])).times).toBeUndefined();
    wasm.release(prepared.model);
  });
});

describe("what is found", () => {
  const timed = (task: Task, ...milliseconds: number[]): Result => ({
    ...task,
    error: 0,
    times: timesOf(milliseconds),
  });
  const results = [
    timed(of("training", 32, 8, 64), 10, 10, 10),
    timed(of("training", 32, 32, 64), 30, 30, 30),
    timed(of("training", 32, 1, 64), 6, 4, 5),
    timed(of("training", 32, 8, 128), 33, 33, 33),
    { ...of("training", 32, 4, 64), error: 1 },
  ];

  test("compares the largest with the smallest, and leaves out what is wrong", () => {
    expect(sweep(results, "training", "B").map(({ size, milliseconds }) => [size, milliseconds])).toEqual([
      [1, 5],
      [8, 10],
      [32, 30],
    ]);
    expect(growthOf(results, "training", "B")).toEqual({ from: 1, to: 32, time: 6, flops: 32 });
    expect(growthOf(results, "training", "H", 64)).toEqual({ from: 64, to: 128, time: 3.3, flops: 4 });
    expect(growthOf(results, "forward", "T")).toBeUndefined();
  });

  test("tells a dispatch and a submit apart from a call", () => {
    const calls = [
      timed({ kind: "product", N: 4, count: 1 }, 1),
      timed({ kind: "product", N: 4, count: 65 }, 2.28),
      timed({ kind: "submit", count: 1 }, 1),
      timed({ kind: "submit", count: 65 }, 7.4),
    ];
    const found = overheads(calls)!;
    expect(found).toEqual({
      call: 1,
      dispatch: expect.closeTo(0.02),
      // Of 0.1 for a submit of three dispatches.
      submit: expect.closeTo(0.04),
      readBack: expect.closeTo(0.94),
    });
    expect(overheads(calls.slice(1))).toBeUndefined();
  });

  test("says how noisy it was", () => {
    expect(timesOf([5, 1, 2, 9, 3, 4, 8])).toEqual({ median: 4, least: 1, low: 2, high: 8, rounds: 7 });
    expect(typicalSpread(results)).toBe(0);
    expect(typicalSpread([])).toBeUndefined();
  });
});

describe("rounds", () => {
  test("are long enough for the clock, also where the first runs were held up", async () => {
    let clock = 0;
    const spy = vi.spyOn(performance, "now").mockImplementation(() => Math.floor(clock * 10) / 10);
    const runs: number[] = [];
    const round = await roundsOf(
      async (units) => {
        runs.push(units);
        clock += units * 0.01 + (runs.length === 2 ? 30 : 0);
      },
      { milliseconds: 8, least: 1, most: 1000 },
    );
    expect(await round()).toBeCloseTo(0.01);
    // To warm up, to count, one that is too short, one to count anew.
    expect(runs.slice(0, 3)).toEqual([1, 1, 1]);
    expect(runs.at(-1)! * 0.01).toBeGreaterThanOrEqual(2);
    spy.mockRestore();
  });
});
