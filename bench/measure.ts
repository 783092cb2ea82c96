import { CpuBackend } from "../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import type { Backend } from "../src/plan/backend.ts";
import type { BufferSpec, Dispatch, Plan, View } from "../src/plan/plan.ts";
import { RandomStream } from "../src/random.ts";
import type { NumberArray } from "../src/tensor-data.ts";
import { type Times, timesOf } from "./rounds.ts";

/** Dispatches with the memory that they need. */
export interface KernelCase {
  readonly name: string;
  readonly buffers: readonly BufferSpec[];
  readonly commands: readonly Dispatch[];
  readonly flops: number;
  /** What is in a buffer when it begins; default small numbers. */
  numbers?(spec: BufferSpec): NumberArray;
  /** Only what a buffer adds up to is compared: a kernel that leaves parts of a sum deals them out in another way than its twin. */
  readonly inSum?: boolean;
}

/** Bytes of all that its dispatches bind, each once: the least that goes through the memory. */
export const bytesOf = ({ commands }: KernelCase): number =>
  commands
    .flatMap(({ bindings }) => [...new Map(bindings.map((view) => [`${view.buffer} ${view.offset}`, view])).values()])
    .reduce((sum, { length }) => sum + 4 * length, 0);

/** Something that is measured when it is asked. */
export interface Ready {
  /** Runs it once, until its results are here. Gives the milliseconds of one unit (a dispatch, a step, a call, a text). */
  round(): Promise<number>;
  dispose(): void;
}

export interface ReadyKernel extends Ready {
  readonly variant: string;
  /** Largest difference from the float64 twin, relative to the largest value of its buffer. */
  readonly error: number;
}

/** Measures several in turns (A B A B …), so that what slows the machine for a while slows all of them. */
export async function inTurns(all: readonly Ready[], rounds: number): Promise<Times[]> {
  const times = all.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, ready] of all.entries()) times[i]!.push(await ready.round());
  return times.map(timesOf);
}

/** Above this a kernel is wrong, and is not timed. */
const WRONG = 1e-4;

export const buffer = (name: string, length: number): BufferSpec => ({ name, role: "state", dtype: "f32", length });
export const whole = (buffers: readonly BufferSpec[]): View[] =>
  buffers.map(({ length }, i) => ({ buffer: i, offset: 0, length }));

const smallNumbers = ({ name, length }: BufferSpec): Float32Array => {
  const random = new RandomStream(1, name);
  // What a cell divides by (a normaliser) is a state, or made of what it saved, and never negative.
  const middle = name === "states" || name === "gates" ? 0 : 0.5;
  return Float32Array.from({ length }, () => (random.next() - middle) * 0.5);
};

/** Constants hold what they hold. */
const filled = (buffers: readonly BufferSpec[]) => buffers.filter(({ role }) => role !== "constant");

/** Runs a case once on a backend and once on its twins. */
async function worstError(
  backend: Backend,
  { buffers, commands, name, numbers = smallNumbers, inSum = false }: KernelCase,
): Promise<number> {
  const plan: Plan = { name, buffers, commands };
  const results = [];
  for (const each of [backend, new CpuBackend()]) {
    const loaded = await each.load(plan);
    for (const spec of filled(buffers)) loaded.write(spec.name, numbers(spec));
    results.push(await loaded.runAndRead(filled(buffers).map((spec) => spec.name)));
    loaded.dispose();
  }
  const sumOf = (values: Float64Array) => Float64Array.of(values.reduce((sum, x) => sum + x, 0));
  const [got, expected] = (
    inSum ? results.map((all) => all.map((values) => sumOf(values as Float64Array))) : results
  ) as [Float32Array[], Float64Array[]];
  let worst = 0;
  expected.forEach((values, i) => {
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
    values.forEach((x, k) => {
      worst = Math.max(worst, Math.abs(x - got[i]![k]!) / largest);
    });
  });
  return worst;
}

/**
 * Checks a kernel against its twin, and makes it ready: `repeats` calls in one replay, wall clock.
 * @throws Error when the kernel is wrong: what is not right is not timed
 */
export async function readyKernel(backend: Backend, test: KernelCase, repeats = 8): Promise<ReadyKernel> {
  const { name, buffers, commands, numbers = smallNumbers } = test;
  const error = await worstError(backend, test);
  if (!(error < WRONG)) throw new Error(`${name}: differs from its twin by ${error}, so it is not timed`);
  const plan: Plan = { name, buffers, commands: Array.from({ length: repeats }, () => commands).flat() };
  const loaded = await backend.load(plan);
  for (const spec of filled(buffers)) loaded.write(spec.name, numbers(spec));
  const round = async () => {
    const start = performance.now();
    loaded.run();
    if (backend instanceof GpuBackend) await backend.device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / repeats;
  };
  await round();
  // A GPU's kernel is compiled for its constants; elsewhere what matters is whether there is a native.
  const shown = (command: Dispatch) => {
    const constants = Object.entries(command.constants).map(([key, value]) => `${key}=${value}`);
    return [command.kernel, ...(backend.runs ? [backend.runs(command)] : constants)].join(" ");
  };
  return { variant: commands.map(shown).join(", "), error, round, dispose: () => loaded.dispose() };
}
