import { CpuBackend } from "../cpu/cpu-backend.ts";
import { kernelOf } from "../kernels/kernel.ts";
import type { Backend, DeviceBuffer, Memory, Owner } from "../plan/backend.ts";
import { type BufferSpec, type Command, type Dispatch, type Plan, viewsOf } from "../plan/plan.ts";
import { RandomStream } from "../random.ts";
import type { NumberArray } from "../tensor-data.ts";

// A plan that is compiled for one variant or another differs in some commands only. These are taken out of it with memory and numbers
// of their own, so that they can be checked and timed without the rest, and nothing of the model's is touched.

/** How large the numbers are: small, so that a recurrence of any length stays bounded. */
const SCALE = 0.05;

/** What every plan of this file has besides; reading it waits for the commands before. */
export const MARKER = { name: "marker", role: "output", dtype: "f32", length: 1 } as const satisfies BufferSpec;

const dispatchesOf = (plan: Plan): Dispatch[] => plan.commands.filter((command) => command.type === "dispatch");

/** A dispatch without the numbers of its buffers, which another variant may shift. */
const textOf = ({ kernel, label, params, constants, grid }: Dispatch): string =>
  JSON.stringify([kernel, label, params, constants, grid]);

/** The labels of the dispatches in which one of the plans differs from the first one. */
export function labelsThatDiffer([first, ...others]: readonly Plan[]): ReadonlySet<string> {
  const labels = new Set<string>();
  const compare = (left: readonly Dispatch[], right: readonly Dispatch[]) => {
    const texts = new Set(left.map(textOf));
    for (const command of right) if (!texts.has(textOf(command))) labels.add(command.label);
  };
  for (const other of others) {
    compare(dispatchesOf(first!), dispatchesOf(other));
    compare(dispatchesOf(other), dispatchesOf(first!));
  }
  return labels;
}

/** A buffer of a part: all of them are its own, and have names that are the same for all variants of a plan. */
interface PartBuffer extends BufferSpec {
  /** What a buffer of whole numbers is filled with. */
  readonly fill: number;
}

/** What whole numbers are where a kernel binds them under this name: all steps are real. Other ones are indices, and 0. */
const FILLS: Readonly<Record<string, number>> = { control: 1, mask: 1, given: 1, lengths: 2 ** 30, steps: 2 ** 30 };

function bufferOf(plan: Plan, number: number): PartBuffer {
  const { name, role, dtype, length, initial } = plan.buffers[number]!;
  const alike = plan.buffers.slice(0, number).filter((other) => other.name === name && other.length === length).length;
  let fill = 0;
  for (const command of dispatchesOf(plan)) {
    const { bindings } = kernelOf(command);
    command.bindings.forEach(({ buffer }, i) => {
      if (buffer === number) fill = Math.max(fill, FILLS[bindings[i]!.name] ?? 0);
    });
  }
  const key = `${role} ${name} ${length} ${alike}`;
  return { name: key, role: initial ? "constant" : "output", dtype, length, fill, ...(initial && { initial }) };
}

/** Some commands of a plan, and the buffers that they name. */
function only(plan: Plan, commands: readonly Command[]): Plan {
  const numbers = [...new Set(commands.flatMap((command) => viewsOf(command).map(({ buffer }) => buffer)))];
  const place = new Map(numbers.map((number, i) => [number, i]));
  const moved = <V extends { readonly buffer: number }>(view: V): V => ({ ...view, buffer: place.get(view.buffer)! });
  return {
    name: "tuning",
    buffers: [...numbers.map((number) => plan.buffers[number]!), MARKER],
    commands: commands.map((command): Command => {
      if (command.type === "dispatch") return { ...command, bindings: command.bindings.map(moved) };
      if (command.type === "clear") return { ...command, to: moved(command.to) };
      return { ...command, from: moved(command.from), to: moved(command.to) };
    }),
  };
}

/** The dispatches of a plan that bear one of these labels, as a plan that needs nothing else; without labels all commands. */
export const partOf = (plan: Plan, labels?: ReadonlySet<string>): Plan =>
  only(
    { ...plan, buffers: plan.buffers.map((_, number) => bufferOf(plan, number)) },
    labels ? dispatchesOf(plan).filter(({ label }) => labels.has(label)) : plan.commands,
  );

/** The same commands several times, so that one submit has many of them. */
export const repeated = (plan: Plan, times: number): Plan => ({
  ...plan,
  commands: Array.from({ length: times }, () => plan.commands).flat(),
});

/** How much of a large dispatch is enough to check it: a few tiles with their edges, a few steps. Strides are params of their own. */
const ENOUGH: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  matmul: { M: 130, N: 130 },
  "matmul-tiled": { M: 130, N: 130 },
  "recurrent-forward": { stepCount: 3 },
  "recurrent-backward": { stepCount: 3 },
};

/** One dispatch of each kind, no larger than a twin computes quickly. */
function sampleOf(part: Plan): Plan {
  const kinds = new Map<string, Dispatch>();
  for (const command of dispatchesOf(part)) {
    const key = JSON.stringify([command.kernel, command.cell, command.constants, command.label]);
    if (!kinds.has(key)) kinds.set(key, command);
  }
  const commands = [...kinds.values()].map((command) => {
    const { params } = kernelOf(command);
    const most = ENOUGH[command.kernel] ?? {};
    const least = (value: number, i: number) => Math.min(value, most[params[i]!.name] ?? value);
    return { ...command, params: command.params.map(least) };
  });
  return only(part, commands);
}

/** Memory for parts of one plan, filled with numbers from a fixed seed. */
export class TuningMemory implements Memory {
  readonly #backend: Backend;
  readonly #owner: Owner;
  readonly #buffers = new Map<string, DeviceBuffer>();

  constructor(backend: Backend, model: string) {
    this.#backend = backend;
    this.#owner = { model, part: "tuning" };
  }

  find(spec: BufferSpec): DeviceBuffer | undefined {
    if (spec.role === "constant") return undefined;
    let buffer = this.#buffers.get(spec.name);
    if (!buffer) {
      buffer = this.#backend.allocate(spec, this.#owner);
      this.#buffers.set(spec.name, buffer);
      this.#backend.write(buffer, numbersOf(spec));
    }
    return buffer;
  }

  ownerOf(): undefined {}

  keep(): void {}

  /** Puts the numbers back that commands may have changed. */
  refill(plan: Plan): void {
    for (const spec of plan.buffers) {
      const buffer = this.#buffers.get(spec.name);
      if (buffer) this.#backend.write(buffer, numbersOf(spec));
    }
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#backend.free(buffer);
    this.#buffers.clear();
  }
}

/** Numbers for all buffers, which read them from different places on. A prime, so that no row of a matrix is like another. */
let drawn: Float32Array | undefined;
const DRAWN = 65521;

function numbersOf(spec: BufferSpec): NumberArray {
  const { name, dtype, length } = spec;
  if (dtype === "i32") return new Int32Array(length).fill((spec as PartBuffer).fill);
  const random = new RandomStream(1, "tuning");
  drawn ??= Float32Array.from({ length: DRAWN }, () => SCALE * (2 * random.next() - 1));
  const numbers = new Float32Array(length);
  let from = Math.floor(new RandomStream(1, name).next() * DRAWN);
  for (let at = 0; at < length; from = 0) {
    const piece = drawn.subarray(from, from + length - at);
    numbers.set(piece, at);
    at += piece.length;
  }
  return numbers;
}

/** How far a variant may be from the twin: of the number itself, and of the largest one in its buffer. */
const TOLERANCE = 1e-4;

/**
 * Runs one dispatch of each kind on the backend and with the kernels' float64 twins, on the same numbers.
 * @returns where they differ by more than rounding, in words; undefined where they do not
 */
export async function faultOf(backend: Backend, memory: TuningMemory, part: Plan): Promise<string | undefined> {
  const sample = sampleOf(part);
  const names = sample.buffers.filter(({ role }) => role === "output").map(({ name }) => name);
  const results: NumberArray[][] = [];
  for (const on of [backend, new CpuBackend()]) {
    const own = on === backend ? memory : new TuningMemory(on, "twins");
    const loaded = await on.load(sample, { part: "tuning" }, own);
    try {
      own.refill(sample);
      results.push(await loaded.runAndRead(names));
    } finally {
      loaded.dispose();
    }
  }
  const [got, expected] = results as [NumberArray[], NumberArray[]];
  for (const [i, name] of names.entries()) {
    let largest = 0;
    for (const value of expected[i]!) if (Math.abs(value) < 1e30) largest = Math.max(largest, Math.abs(value));
    for (const [at, want] of expected[i]!.entries()) {
      const have = got[i]![at]!;
      if (want === have || (Number.isNaN(want) && Number.isNaN(have))) continue;
      if (Math.abs(want - have) <= TOLERANCE * Math.max(Math.abs(want), 0.2 * largest)) continue;
      return `${name}[${at}] is ${have}, and its twin says ${want}`;
    }
  }
  return undefined;
}
