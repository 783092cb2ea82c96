import { cellNamed } from "../cells/cell.ts";
import { type DeviceLostError, DisposedError, InternalError, LimitError } from "../errors.ts";
import { kernelOf, type TwinContext, writtenBy } from "../kernels/kernel.ts";
import {
  type Allocation,
  type Backend,
  checkUsable,
  type DeviceBuffer,
  type LoadedPlan,
  type Memory,
  noMemory,
  type Owner,
} from "../plan/backend.ts";
import { Freshness, NEVER } from "../plan/freshness.ts";
import type { BufferSpec, Command, Plan, Target, View } from "../plan/plan.ts";
import { PlanBudget, type PlanLimits } from "../plan/plan-budget.ts";
import { showBytes } from "../plan/print-plan.ts";
import { ScratchPool } from "../plan/scratch-pool.ts";
import type { NumberArray } from "../tensor-data.ts";
import { twins } from "./twins.ts";

interface CpuBuffer extends DeviceBuffer {
  readonly data: Float64Array | Int32Array;
}

/** Runs plans with the kernels' twins, in float64. */
export class CpuBackend implements Backend {
  readonly kind = "cpu";
  readonly target: Target = { maxBufferSize: 2 ** 32, maxWorkgroups: 65535, software: true };
  readonly lost = new Promise<DeviceLostError>(() => {});
  readonly budget: PlanBudget;
  readonly allocations = new Set<Allocation>();
  readonly scratch = new ScratchPool<CpuBuffer>(
    (spec) => {
      const buffer = this.allocate(spec, { part: "scratch" });
      // Whoever reads scratch memory before writing it gets NaN, and does not get far.
      if (spec.dtype === "f32") buffer.data.fill(Number.NaN);
      return buffer;
    },
    (buffer) => this.free(buffer),
  );
  #disposed = false;

  constructor(limits?: PlanLimits) {
    this.budget = new PlanBudget(limits);
  }

  /** Throws once the backend is gone, as the GPU's does. */
  check(): void {
    if (this.#disposed) throw new DisposedError("the runtime was disposed");
  }

  allocate({ name, role, dtype, length }: BufferSpec, owner: Owner): CpuBuffer {
    this.check();
    const bytes = length * (dtype === "i32" ? Int32Array : Float64Array).BYTES_PER_ELEMENT;
    let data: Float64Array | Int32Array;
    try {
      data = dtype === "i32" ? new Int32Array(length) : new Float64Array(length);
    } catch {
      throw new LimitError(
        `${name} needs ${showBytes(bytes)}, more than this process can get; choose a smaller batch, window or model`,
      );
    }
    const version = role === "derived" ? NEVER : 0;
    const buffer: CpuBuffer = { name, role, dtype, length, owner, bytes, version, data };
    this.allocations.add(buffer);
    return buffer;
  }

  free(allocation: Allocation): void {
    (allocation as CpuBuffer).isFreed = true;
    this.allocations.delete(allocation);
  }

  write(buffer: CpuBuffer, data: NumberArray, offset = 0): void {
    this.check();
    checkUsable("write", [buffer]);
    buffer.version++;
    buffer.data.set(data, offset);
  }

  async read(buffers: readonly CpuBuffer[]): Promise<NumberArray[]> {
    this.check();
    checkUsable("read", buffers);
    return buffers.map(({ data }) => data.slice());
  }

  async load(plan: Plan, owner: Owner = { part: plan.name }, memory: Memory = noMemory): Promise<LoadedPlan> {
    this.check();
    const lease = {};
    const own: CpuBuffer[] = [];
    const kept: CpuBuffer[] = [];
    try {
      this.scratch.add(lease, plan);
      const buffers = plan.buffers.map((spec) => {
        if (spec.role === "scratch") return undefined;
        const found = memory.find(spec) as CpuBuffer | undefined;
        if (found && found.length < spec.length)
          throw new InternalError(
            `buffer "${spec.name}" has ${found.length} elements, plan "${plan.name}" needs ${spec.length}`,
          );
        if (found) return found;
        const keeper = memory.ownerOf(spec);
        const buffer = this.allocate(spec, keeper ?? owner);
        (keeper ? kept : own).push(buffer);
        if (spec.initial) buffer.data.set(spec.initial);
        return buffer;
      });
      for (const buffer of kept) memory.keep(buffer);
      return new CpuPlan(this, plan, { buffers, own, lease });
    } catch (error) {
      for (const buffer of [...own, ...kept]) this.free(buffer);
      this.scratch.remove(lease, true);
      throw error;
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.allocations.clear();
  }
}

class CpuPlan implements LoadedPlan {
  readonly plan: Plan;
  readonly #backend: CpuBackend;
  readonly #buffers: readonly (CpuBuffer | undefined)[];
  readonly #own: readonly CpuBuffer[];
  readonly #lease: object;
  readonly #byName = new Map<string, CpuBuffer>();
  readonly #freshness: Freshness;
  #derivations: readonly (readonly (() => void)[])[] = [];
  #steps: readonly (() => void)[] = [];
  #epoch = -1;
  #disposed = false;

  constructor(
    backend: CpuBackend,
    plan: Plan,
    memory: {
      readonly buffers: readonly (CpuBuffer | undefined)[];
      readonly own: readonly CpuBuffer[];
      readonly lease: object;
    },
  ) {
    this.plan = plan;
    this.#backend = backend;
    this.#buffers = memory.buffers;
    this.#own = memory.own;
    this.#lease = memory.lease;
    this.#freshness = new Freshness(plan, memory.buffers, writtenBy(plan));
    // A constant may bear the name of an input.
    for (const buffer of memory.buffers)
      if (buffer && buffer.role !== "constant") this.#byName.set(buffer.name, buffer);
    this.#bind();
  }

  get bytes(): number {
    return this.#own.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Makes the steps for the scratch memory that there is now. */
  #bind(): void {
    const scratch = this.#backend.scratch.buffersFor(this.plan);
    this.#epoch = this.#backend.scratch.epoch;
    let next = 0;
    const all = this.plan.buffers.map((_, id) => this.#buffers[id] ?? scratch[next++]!);
    const ready = (command: Command) => stepOf(command, ({ buffer, offset }) => all[buffer]!.data.subarray(offset));
    this.#derivations = (this.plan.derivations ?? []).map(({ commands }) => commands.map(ready));
    this.#steps = this.plan.commands.map(ready);
  }

  buffer(name: string): CpuBuffer {
    const buffer = this.#byName.get(name);
    if (!buffer) throw new InternalError(`plan "${this.plan.name}" has no buffer "${name}"`);
    return buffer;
  }

  write(name: string, data: NumberArray, offset = 0): void {
    this.#check();
    this.#backend.write(this.buffer(name), data, offset);
  }

  #check(): void {
    this.#backend.check();
    if (this.#disposed) throw new DisposedError(`plan "${this.plan.name}" was disposed`);
    checkUsable(`plan "${this.plan.name}"`, this.#buffers);
  }

  run(): void {
    this.#check();
    if (this.#epoch !== this.#backend.scratch.epoch) this.#bind();
    for (const [i, steps] of this.#derivations.entries())
      if (this.#freshness.isStale(i)) for (const step of steps) step();
    for (const step of this.#steps) step();
    this.#freshness.replayed();
  }

  async runAndRead(names: readonly string[]): Promise<NumberArray[]> {
    this.run();
    const values = names.map((name) => this.buffer(name).data.slice());
    // Signals, messages and timers get their turn between two replays, as they do while a GPU works.
    await new Promise((resolve) => setTimeout(resolve));
    return values;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#backend.scratch.remove(this.#lease);
    for (const buffer of this.#own) this.#backend.free(buffer);
  }
}

function stepOf(command: Command, data: (view: View) => Float64Array | Int32Array): () => void {
  if (command.type === "clear") {
    const to = data(command.to).subarray(0, command.to.length);
    return () => void to.fill(0);
  }
  if (command.type === "copy") {
    const from = data(command.from).subarray(0, command.to.length);
    const to = data(command.to);
    return () => to.set(from);
  }
  const kernel = kernelOf(command);
  const arrays = Object.fromEntries(kernel.bindings.map(({ name }, i) => [name, data(command.bindings[i]!)]));
  const numbers = Object.fromEntries(kernel.params.map(({ name }, i) => [name, command.params[i]!]));
  // Kernels without a cell never look at it, and neither do those without an expression.
  const context = {
    constants: command.constants,
    expression: command.expression,
    cell: command.cell === undefined ? undefined : cellNamed(command.cell),
  } as TwinContext;
  const others: Readonly<Record<string, unknown>> = twins;
  const twin = (kernel.twin ?? others[kernel.name]) as (arrays: object, numbers: object, context: TwinContext) => void;
  return () => twin(arrays, numbers, context);
}
