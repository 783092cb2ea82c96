import { type DeviceLostError, DisposedError, InternalError } from "../errors.ts";
import { writtenBy } from "../kernels/kernel.ts";
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
import type { BufferSpec, Command, Plan, Target } from "../plan/plan.ts";
import { PlanBudget, type PlanLimits } from "../plan/plan-budget.ts";
import { ScratchPool } from "../plan/scratch-pool.ts";
import type { NumberArray } from "../tensor-data.ts";

/** Memory that this process reads and writes itself. */
export interface HostBuffer extends DeviceBuffer {
  readonly data: NumberArray;
}

/** Where a step finds a buffer of the plan, by its number. */
export type Buffers<B> = readonly B[];

/** How long plans run before signals, messages and timers get their turn, in ms: less than a frame. */
const TURN = 8;

/** Runs plans on the host, command by command. What it differs in from others is its memory, and what a command becomes. */
export abstract class HostBackend<B extends HostBuffer> implements Backend {
  abstract readonly kind: Backend["kind"];
  abstract readonly target: Target;
  readonly lost = new Promise<DeviceLostError>(() => {});
  readonly budget: PlanBudget;
  readonly allocations = new Set<Allocation>();
  readonly scratch: ScratchPool<B>;
  #disposed = false;
  /** While replays go on: since when, and what waits until everything else had its turn. */
  #busy: { readonly since: number; readonly over: Promise<void> } | undefined;

  constructor(limits?: PlanLimits) {
    this.budget = new PlanBudget(limits);
    this.scratch = new ScratchPool<B>(
      (spec) => this.#allocateScratch(spec),
      (buffer) => this.free(buffer),
    );
  }

  /** A buffer's memory, set to zero. @throws LimitError when there is no room */
  protected abstract make(spec: BufferSpec): Pick<B, "data" | "bytes"> & object;
  /** Gives it back. */
  protected abstract release(buffer: B): void;
  /** What a command does each time. */
  abstract step(command: Command, buffers: Buffers<B>): () => void;

  /** Changes whenever steps have to be made anew, because what they work on has moved. */
  get epoch(): number {
    return this.scratch.epoch;
  }

  /** Throws once the backend is gone, as the GPU's does. */
  check(): void {
    if (this.#disposed) throw new DisposedError("the runtime was disposed");
  }

  #allocateScratch(spec: BufferSpec): B {
    const buffer = this.allocate(spec, { part: "scratch" });
    // Whoever reads scratch memory before writing it gets NaN, and does not get far.
    if (spec.dtype === "f32") buffer.data.fill(Number.NaN);
    return buffer;
  }

  allocate(spec: BufferSpec, owner: Owner): B {
    this.check();
    const { name, role, dtype, length } = spec;
    const version = role === "derived" ? NEVER : 0;
    // Assigned to, not spread: `data` may be a getter.
    const buffer = Object.assign(this.make(spec), { name, role, dtype, length, owner, version }) as unknown as B;
    this.allocations.add(buffer);
    return buffer;
  }

  free(allocation: Allocation): void {
    const buffer = allocation as B;
    if (!this.allocations.delete(buffer)) return;
    buffer.isFreed = true;
    this.release(buffer);
  }

  write(buffer: B, data: NumberArray, offset = 0): void {
    this.check();
    checkUsable("write", [buffer]);
    buffer.version++;
    buffer.data.set(data, offset);
  }

  async read(buffers: readonly B[]): Promise<NumberArray[]> {
    this.check();
    checkUsable("read", buffers);
    return buffers.map(({ data }) => data.slice());
  }

  async load(plan: Plan, owner: Owner = { part: plan.name }, memory: Memory = noMemory): Promise<LoadedPlan> {
    this.check();
    const lease = {};
    const own: B[] = [];
    const kept: B[] = [];
    try {
      this.scratch.add(lease, plan);
      const buffers = plan.buffers.map((spec) => {
        if (spec.role === "scratch") return undefined;
        const found = memory.find(spec) as B | undefined;
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
      return new HostPlan(this, plan, { buffers, own, lease });
    } catch (error) {
      for (const buffer of [...own, ...kept]) this.free(buffer);
      this.scratch.remove(lease, true);
      throw error;
    }
  }

  /**
   * Lets signals, messages and timers have their turn, as they do while a GPU works; not after every short replay. Replays are
   * over in the order in which they ran.
   * @param since when the replay began
   */
  turn(since: number): Promise<void> {
    this.#busy ??= {
      since,
      over: new Promise((resolve) => setTimeout(resolve)).then(() => {
        this.#busy = undefined;
      }),
    };
    return performance.now() - this.#busy.since < TURN ? Promise.resolve() : this.#busy.over;
  }

  dispose(): void {
    this.#disposed = true;
    this.allocations.clear();
  }
}

class HostPlan<B extends HostBuffer> implements LoadedPlan {
  readonly plan: Plan;
  readonly #backend: HostBackend<B>;
  readonly #buffers: readonly (B | undefined)[];
  readonly #own: readonly B[];
  readonly #lease: object;
  readonly #byName = new Map<string, B>();
  readonly #freshness: Freshness;
  #derivations: readonly (readonly (() => void)[])[] = [];
  #steps: readonly (() => void)[] = [];
  #epoch = -1;
  #disposed = false;

  constructor(
    backend: HostBackend<B>,
    plan: Plan,
    memory: { readonly buffers: readonly (B | undefined)[]; readonly own: readonly B[]; readonly lease: object },
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

  /** Makes the steps for the memory that there is now. */
  #bind(): void {
    const scratch = this.#backend.scratch.buffersFor(this.plan);
    let next = 0;
    const all = this.plan.buffers.map((_, id) => this.#buffers[id] ?? scratch[next++]!);
    const ready = (command: Command) => this.#backend.step(command, all);
    let epoch: number;
    do {
      // Making a step may move what those before it work on.
      epoch = this.#backend.epoch;
      this.#derivations = (this.plan.derivations ?? []).map(({ commands }) => commands.map(ready));
      this.#steps = this.plan.commands.map(ready);
    } while (epoch !== this.#backend.epoch);
    // Only now: steps that could not be made are made at the next replay.
    this.#epoch = epoch;
  }

  buffer(name: string): B {
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
    if (this.#epoch !== this.#backend.epoch) this.#bind();
    for (const [i, steps] of this.#derivations.entries())
      if (this.#freshness.isStale(i)) for (const step of steps) step();
    for (const step of this.#steps) step();
    this.#freshness.replayed();
  }

  async runAndRead(names: readonly string[]): Promise<NumberArray[]> {
    const began = performance.now();
    this.run();
    const values = names.map((name) => this.buffer(name).data.slice());
    await this.#backend.turn(began);
    return values;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#backend.scratch.remove(this.#lease);
    for (const buffer of this.#own) this.#backend.free(buffer);
  }
}
