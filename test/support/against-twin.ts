/** Runs dispatches on a backend and with their twins, on the same numbers, and compares everything that they may write. */
import { beforeEach, expect } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { runsOn } from "../../src/kernels/choose-variant.ts";
import { kernels } from "../../src/kernels/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Expression } from "../../src/plan/expression.ts";
import type { BufferSpec, Command, Constants, Dispatch, Plan, View } from "../../src/plan/plan.ts";
import { RandomStream } from "../../src/random.ts";
import type { NumberArray, StateDict } from "../../src/tensor-data.ts";

/** Repeatable numbers for one case. */
export class Numbers {
  readonly #stream: RandomStream;

  constructor(name: string, seed = 1) {
    this.#stream = new RandomStream(seed, name);
  }

  /** Numbers that f32 can hold, uniform in ±scale. */
  floats(length: number, scale = 1): Float32Array {
    return Float32Array.from({ length }, () => scale * (2 * this.#stream.next() - 1));
  }

  /** Whole numbers from `low` to `high`, both included. */
  integers(length: number, low: number, high: number): Int32Array {
    return Int32Array.from({ length }, () => low + Math.floor(this.#stream.next() * (high - low + 1)));
  }
}

/** For the tests of one `describe`: skips what a backend cannot run. */
export function whereItRuns({ target }: Backend, constants: Constants): void {
  const reason = `not all subgroups of the adapter have ${constants.SHARED} invocations`;
  beforeEach(({ skip }) => skip(!runsOn(target, constants), reason));
}

export interface TwinCase {
  readonly kernel: string;
  readonly constants: Constants;
  readonly cell?: string;
  readonly expression?: Expression;
  readonly params: Readonly<Record<string, number>>;
  /** Numbers by binding; the name of another binding shares its buffer, as the scheduler does for what is not given. */
  readonly data: Readonly<Record<string, Float32Array | Int32Array | string>>;
  readonly grid: readonly [number, number, number];
  /** The binding that has packed weights. */
  readonly packed?: string;
}

// Every buffer is longer than its data on both sides. What is there is far from any data, so that a kernel that reads it
// gives a wrong result, and it is compared like the rest, so that a kernel that writes it is found.
const FRONT = { f32: [3, 5, 6, 9, 10, 7, 1, 2], vec4f: [8, 4, 12, 16, 20, 24, 28, 32] } as const;
const BACK = 9;

function surrounded(data: Float32Array | Int32Array, front: number): Float32Array | Int32Array {
  const length = front + data.length + BACK;
  // Behind the data stands a token like any other, so that one round too many does something.
  const all = data instanceof Int32Array ? new Int32Array(length).fill(54321, 0, front) : new Float32Array(length);
  if (all instanceof Float32Array) for (let i = 0; i < length; i++) all[i] = 1000 + i;
  all.set(data, front);
  return all;
}

interface Laid {
  readonly spec: BufferSpec;
  readonly data: Float32Array | Int32Array;
  readonly writable: boolean;
}

/** A case as part of a plan: its buffers (named after the case) and its command. */
function lay(name: string, first: number, given: TwinCase): { buffers: Laid[]; command: Dispatch } {
  const kernel = kernels[given.kernel]!;
  const buffers: Laid[] = [];
  const views = new Map<string, View>();
  kernel.bindings.forEach(({ name: binding, type, access }, i) => {
    const data = given.data[binding];
    if (data === undefined) throw new Error(`${given.kernel}: no data for ${binding}`);
    if (typeof data === "string") return;
    // Packed weights begin at a word of four units, as those of f32 do.
    const isWhole = type === "vec4f" || given.packed === binding;
    const offset = FRONT[isWhole ? "vec4f" : "f32"][i]!;
    const all = surrounded(data, offset);
    const dtype = all instanceof Int32Array ? "i32" : "f32";
    const writable = access === "read_write";
    views.set(binding, { buffer: first + buffers.length, offset, length: data.length });
    buffers.push({
      spec: { name: `${name} ${binding}`, role: writable ? "output" : "input", dtype, length: all.length },
      data: all,
      writable,
    });
  });
  const bindings = kernel.bindings.map(({ name: binding }) => {
    const data = given.data[binding];
    return views.get(typeof data === "string" ? data : binding)!;
  });
  const params = kernel.params.map(({ name: param }) => {
    const value = given.params[param];
    if (value === undefined) throw new Error(`${given.kernel}: no value for ${param}`);
    return value;
  });
  const { constants, cell, expression, grid } = given;
  const command: Dispatch = {
    type: "dispatch",
    kernel: given.kernel,
    label: name,
    bindings,
    params,
    constants,
    grid,
    ...(cell !== undefined && { cell }),
    ...(expression && { expression }),
  };
  return { buffers, command };
}

async function runOn(backend: Backend, plan: Plan, laid: readonly Laid[]): Promise<NumberArray[]> {
  const loaded = await backend.load(plan);
  for (const { spec, data } of laid) loaded.write(spec.name, data);
  const values = await loaded.runAndRead(laid.filter(({ writable }) => writable).map(({ spec }) => spec.name));
  loaded.dispose();
  return values;
}

/** Where two results differ by more than rounding; untouched places must be equal bit for bit. */
export function differences(
  what: string,
  { before, expected, got }: { before: NumberArray | undefined; expected: NumberArray; got: NumberArray },
  tolerance = 1e-5,
): string[] {
  const faults: string[] = [];
  // What lies around the data says nothing about the size of results, nor does what stands for infinity.
  let scale = 0;
  expected.forEach((x, i) => {
    if (x !== before?.[i] && Math.abs(x) < 1e30) scale = Math.max(scale, Math.abs(x));
  });
  for (const [i, want] of expected.entries()) {
    const have = got[i]!;
    if (want === have || (Number.isNaN(want) && Number.isNaN(have))) continue;
    const allowed = want === before?.[i] ? 0 : tolerance * Math.abs(want) + 0.2 * tolerance * scale + 1e-12;
    if (!(Math.abs(want - have) <= allowed)) faults.push(`${what}[${i}] is ${have}, the twin says ${want}`);
  }
  return faults;
}

/** Requires the same names and nearly the same numbers. */
export function expectSame(got: StateDict, expected: StateDict, tolerance: number): void {
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected)) {
    const faults = differences(name, { before: undefined, expected: data, got: got[name]!.data }, tolerance);
    expect(faults.slice(0, 3)).toEqual([]);
  }
}

/** Runs all cases in one plan on a backend, and with the twins in float64, and requires the same of both. */
export async function expectTwins(
  backend: Backend,
  cases: Readonly<Record<string, TwinCase>>,
  tolerance?: number,
): Promise<void> {
  const laid: Laid[] = [];
  const commands: Command[] = [];
  for (const [name, given] of Object.entries(cases)) {
    const { buffers, command } = lay(name, laid.length, given);
    laid.push(...buffers);
    commands.push(command);
  }
  const plan: Plan = { name: "against twin", buffers: laid.map(({ spec }) => spec), commands };
  const values = await runOn(backend, plan, laid);
  const twins = await runOn(new CpuBackend(), plan, laid);
  const faults = laid
    .filter(({ writable }) => writable)
    .flatMap(({ spec, data }, i) =>
      differences(spec.name, { before: data, expected: twins[i]!, got: values[i]! }, tolerance).slice(0, 3),
    );
  expect(faults).toEqual([]);
}

/** A variant as text, for titles. */
export const titleOf = (constants: Constants): string =>
  Object.entries(constants)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ") || "its only variant";
