import { CpuBackend } from "../src/cpu/cpu-backend.ts";
import type { GpuBackend } from "../src/gpu/gpu-backend.ts";
import type { BufferSpec, Dispatch, Plan, View } from "../src/plan/plan.ts";
import { RandomStream } from "../src/random.ts";

/** Dispatches with the memory that they need. */
export interface KernelCase {
  readonly name: string;
  readonly buffers: readonly BufferSpec[];
  readonly commands: readonly Dispatch[];
  readonly flops: number;
}

export interface Timing {
  readonly name: string;
  readonly variant: string;
  /** Median and least milliseconds of one call. */
  readonly median: number;
  readonly least: number;
  readonly gflops: number;
  /** Largest difference from the float64 twin, relative to the largest value of its buffer. */
  readonly error: number;
}

/** Above this a kernel is wrong, and is not timed. */
const WRONG = 1e-4;

export const buffer = (name: string, length: number): BufferSpec => ({ name, role: "state", dtype: "f32", length });
export const whole = (buffers: readonly BufferSpec[]): View[] =>
  buffers.map(({ length }, i) => ({ buffer: i, offset: 0, length }));

const numbers = ({ name, length }: BufferSpec): Float32Array => {
  const random = new RandomStream(1, name);
  // What a cell divides by (a normaliser) is a state, or made of what it saved, and never negative.
  const middle = name === "states" || name === "gates" ? 0 : 0.5;
  return Float32Array.from({ length }, () => (random.next() - middle) * 0.5);
};

/** Runs a case once on the device and once on its twin. */
async function worstError(gpu: GpuBackend, { buffers, commands, name }: KernelCase): Promise<number> {
  const plan: Plan = { name, buffers, commands };
  const results = [];
  for (const backend of [gpu, new CpuBackend()]) {
    const loaded = await backend.load(plan);
    for (const spec of buffers) loaded.write(spec.name, numbers(spec));
    results.push(await loaded.runAndRead(buffers.map((spec) => spec.name)));
    loaded.dispose();
  }
  const [got, expected] = results as [Float32Array[], Float64Array[]];
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
 * Checks a kernel against its twin, then times it: `repeats` calls in one submit, several submits, wall clock.
 * @throws Error when the kernel is wrong: what is not right is not timed
 */
export async function timeKernel(gpu: GpuBackend, test: KernelCase, { repeats = 8, rounds = 7 } = {}): Promise<Timing> {
  const { name, buffers, commands, flops } = test;
  const error = await worstError(gpu, test);
  if (!(error < WRONG)) throw new Error(`${name}: differs from its twin by ${error}, so it is not timed`);
  const plan: Plan = { name, buffers, commands: Array.from({ length: repeats }, () => commands).flat() };
  const loaded = await gpu.load(plan);
  for (const spec of buffers) loaded.write(spec.name, numbers(spec));
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    loaded.run();
    await gpu.device.queue.onSubmittedWorkDone();
    if (round > 0) times.push((performance.now() - start) / repeats);
  }
  loaded.dispose();
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1]!;
  const shown = ({ kernel, constants }: Dispatch) =>
    [kernel, ...Object.entries(constants).map(([key, value]) => `${key}=${value}`)].join(" ");
  const variant = commands.map(shown).join(", ");
  return { name, variant, median, least: times[0]!, gflops: flops / median / 1e6, error };
}
