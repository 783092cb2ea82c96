// Who may use which memory, in numbers: scratch within a plan, scratch of several plans, and plans that stay loaded.
import { expect, test } from "vitest";
import type { DeviceBuffer, LoadedPlan } from "../../src/plan/backend.ts";
import type { BufferSpec, Command, Plan } from "../../src/plan/plan.ts";
import { PlanBudget } from "../../src/plan/plan-budget.ts";
import { printPlan } from "../../src/plan/print-plan.ts";
import { reuseMemory } from "../../src/plan/reuse-memory.ts";
import { ScratchPool } from "../../src/plan/scratch-pool.ts";

const buffer = (name: string, role: BufferSpec["role"], length: number): BufferSpec => ({
  name,
  role,
  dtype: "f32",
  length,
});
const copy = (from: number, to: number, length: number): Command => ({
  type: "copy",
  label: `${from} to ${to}`,
  from: { buffer: from, offset: 0, length },
  to: { buffer: to, offset: 0, length },
});

test("scratch whose lives do not overlap shares memory, the smallest that is large enough first", () => {
  // Scratch 1 and 2 live through commands 0 to 2, 3 and 4 from command 3 on.
  const plan: Plan = {
    name: "chain",
    buffers: [
      buffer("in", "input", 8),
      buffer("large", "scratch", 8),
      buffer("small", "scratch", 4),
      buffer("later", "scratch", 3),
      buffer("later and larger", "scratch", 6),
      buffer("never used", "scratch", 100),
      buffer("out", "output", 4),
    ],
    commands: [copy(0, 1, 8), copy(1, 2, 4), copy(2, 6, 4), copy(0, 3, 3), copy(3, 4, 3), copy(4, 6, 3)],
  };
  const { buffers, commands } = reuseMemory(plan);
  expect(buffers.map(({ name, length }) => [name, length])).toEqual([
    ["in", 8],
    ["out", 4],
    ["large | later and larger", 8],
    ["small | later", 4],
  ]);
  expect(commands.map((command) => (command.type === "copy" ? [command.from.buffer, command.to.buffer] : []))).toEqual([
    [0, 2],
    [2, 3],
    [3, 1],
    [0, 3],
    [3, 2],
    [2, 1],
  ]);
});

/** A pool, and the lengths of what is allocated and freed. */
function pool() {
  const log: string[] = [];
  const made = new ScratchPool<DeviceBuffer>(
    ({ length }) => {
      log.push(`+${length}`);
      return { length, version: 0 } as DeviceBuffer;
    },
    ({ length }) => void log.push(`-${length}`),
  );
  const plan = (...lengths: number[]): Plan => ({
    name: "plan",
    buffers: lengths.map((length, i) => buffer(`scratch ${i}`, "scratch", length)),
    commands: [],
  });
  return { pool: made, log, plan };
}

test("plans that go leave the pool as it is until half of it is of no use", () => {
  const { pool: scratch, log, plan } = pool();
  const [small, half, most] = [{}, {}, {}];
  scratch.add(small, plan(30));
  scratch.add(half, plan(20, 50));
  expect(log).toEqual(["+30", "-30", "+50", "+20"]);
  scratch.add(most, plan(100));
  expect(log.splice(0)).toEqual(["+30", "-30", "+50", "+20", "-50", "+100"]);
  const { epoch } = scratch;
  scratch.remove(most); // 120 elements are there, 70 wanted
  expect([log, scratch.epoch]).toEqual([[], epoch]);
  scratch.remove(half); // 30 wanted
  expect(log).toEqual(["-100", "-20"]);
  expect(scratch.epoch).toBeGreaterThan(epoch);
  expect(scratch.buffersFor(plan(30)).map(({ length }) => length)).toEqual([30]);
  expect(log.splice(0)).toEqual(["-100", "-20", "+30"]);
  scratch.add(most, plan(40));
  log.length = 0;
  scratch.remove(most, true);
  expect(log).toEqual(["-40"]);
});

test("a plan's scratch is the pool's by size, whatever their order in the plan", () => {
  const { pool: scratch, plan } = pool();
  scratch.add({}, plan(5, 9, 7));
  expect(scratch.buffersFor(plan(5, 9, 7)).map(({ length }) => length)).toEqual([5, 9, 7]);
  expect(scratch.buffersFor(plan(1, 2)).map(({ length }) => length)).toEqual([7, 9]);
});

/** Begins and ends plans of so many bytes, one after the other; tells which were dropped. */
function used(budget: PlanBudget, bytes: readonly number[]): number[] {
  const dropped: number[] = [];
  bytes.forEach((size, i) => {
    const entry = {
      loaded: { bytes: size } as LoadedPlan,
      uses: 0,
      drop() {
        dropped.push(i);
        budget.forget(entry);
      },
    };
    budget.begin(entry);
    budget.end(entry);
  });
  return dropped;
}

test("64 plans stay loaded, and 256 MiB of them", () => {
  expect(used(new PlanBudget(), Array(64).fill(1))).toEqual([]);
  expect(used(new PlanBudget(), Array(66).fill(1))).toEqual([0, 1]);
  expect(used(new PlanBudget(), [2 ** 27, 2 ** 27])).toEqual([]);
  expect(used(new PlanBudget(), [2 ** 27, 2 ** 27, 1])).toEqual([0]);
});

test("a plan that is used is not dropped, the next one is; one used again is the last to go", () => {
  const budget = new PlanBudget({ count: 2 });
  const dropped: string[] = [];
  const entry = (name: string) => {
    const made = {
      loaded: { bytes: 1 } as LoadedPlan,
      uses: 0,
      drop() {
        dropped.push(name);
        budget.forget(made);
      },
    };
    return made;
  };
  const [a, b, c, d] = [entry("a"), entry("b"), entry("c"), entry("d")];
  budget.begin(a);
  for (const one of [b, c]) {
    budget.begin(one);
    budget.end(one);
  }
  expect(dropped).toEqual(["b"]);
  budget.end(a);
  budget.begin(a);
  budget.end(a);
  budget.begin(d);
  expect(dropped).toEqual(["b", "c"]);
  // All in use and one too many: the first that ends goes.
  budget.begin(a);
  budget.begin(b);
  expect(dropped).toEqual(["b", "c"]);
  budget.end(d);
  expect(dropped).toEqual(["b", "c", "d"]);
});

test("a plan prints its memory in bytes, its cells, and no heading of nothing", () => {
  const plan: Plan = {
    name: "small",
    buffers: [buffer("x", "input", 512), buffer("y", "output", 300)],
    commands: [
      copy(0, 1, 300),
      {
        type: "dispatch",
        kernel: "product",
        label: "layer",
        bindings: [{ buffer: 0, offset: 4, length: 8 }],
        params: [],
        constants: {},
        grid: [2, 1, 1],
      },
      { type: "clear", label: "all", to: { buffer: 1, offset: 0, length: 300 } },
      { type: "clear", label: "all", to: { buffer: 1, offset: 100, length: 200 } },
    ],
  };
  expect(printPlan(plan)).toBe(`plan "small"

buffers
  input       2.00 KiB  f32  x
  output      1.17 KiB  f32  y

commands
         copy      0 to 1: x -> y (1.17 KiB)
         dispatch  layer: product [2x1x1] (x+4)
     2 x clear     all: y (1.17 KiB)

totals
  1 dispatches, 1 copies, 2 clears
       1 x product
  memory 3.17 KiB: input 2.00 KiB, output 1.17 KiB`);
});
