import { DeviceLostError, DisposedError, InternalError, LimitError } from "../errors.ts";
import {
  type Allocation,
  type Backend,
  checkUsable,
  type LoadedPlan,
  type Memory,
  noMemory,
  type Owner,
} from "../plan/backend.ts";
import type { BufferSpec, Plan, Target } from "../plan/plan.ts";
import { PlanBudget, type PlanLimits } from "../plan/plan-budget.ts";
import { ScratchPool } from "../plan/scratch-pool.ts";
import { bytesOf, type NumberArray } from "../tensor-data.ts";
import { type GpuBuffer, makeBuffer, Staging, toDevice } from "./gpu-buffer.ts";
import { GpuPlan } from "./gpu-plan.ts";
import { Pipelines } from "./pipelines.ts";

const scratchOwner: Owner = { part: "scratch" };

/** The size of a device's subgroups, where it has them and all are of one size. */
function subgroupOf({ features, adapterInfo }: GPUDevice): number | undefined {
  const { subgroupMinSize, subgroupMaxSize } = adapterInfo ?? {};
  return features.has("subgroups") && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined;
}

/** Runs plans on a GPUDevice. */
export class GpuBackend implements Backend {
  readonly kind = "gpu";
  readonly target: Target;
  readonly budget: PlanBudget;
  readonly device: GPUDevice;
  readonly lost: Promise<DeviceLostError>;
  readonly scratch: ScratchPool<GpuBuffer>;
  /** What is allocated, and how it is given back. */
  readonly #allocations = new Map<Allocation, () => void>();
  readonly #pipelines: Pipelines;
  readonly #owned: boolean;
  #fault: Error | undefined;
  readonly #onLost: LostListener = {};
  /** What to tell when the device goes away. */
  readonly #waiting = new Set<(error: Error) => void>();
  #loading: Promise<unknown> = Promise.resolve();

  /**
   * @param options.software the adapter is a CPU that plays a GPU
   * @param options.tuned see `Target.tuned`
   * @param options.owned the device goes when the backend does; false for one that somebody else opened
   */
  constructor(
    device: GPUDevice,
    options: Pick<Target, "software" | "tuned"> & { readonly owned?: boolean; readonly limits?: PlanLimits },
  ) {
    const { software, tuned, owned = true, limits } = options;
    this.device = device;
    this.#owned = owned;
    this.budget = new PlanBudget(limits);
    this.#pipelines = new Pipelines(device);
    this.scratch = new ScratchPool(
      (spec) => this.#make(spec, scratchOwner),
      (buffer) => this.free(buffer),
    );
    const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = device.limits;
    // Sizes are compared in elements of four bytes and indexed with u32 in the shaders.
    const maxBuffer = Math.min(maxBufferSize, maxStorageBufferBindingSize, 2 ** 32 - 4);
    this.target = {
      maxBufferSize: maxBuffer,
      maxWorkgroups: maxComputeWorkgroupsPerDimension,
      software,
      subgroup: subgroupOf(device),
      tuned,
    };
    this.lost = new Promise((resolve) => {
      this.#onLost.tell = (info) => resolve(this.#lose(info));
    });
    listen(device, this.#onLost);
    if (owned) device.addEventListener("uncapturederror", this.#onError);
  }

  #lose({ reason, message }: GPUDeviceLostInfo): DeviceLostError {
    const how = reason === "destroyed" ? "it was destroyed" : message || "no reason given";
    const error = new DeviceLostError(
      `the GPU device was lost: ${how}; open a new Runtime and load the last checkpoint`,
    );
    // Whoever disposes of a runtime needs no news of its device.
    if (!(this.#fault instanceof DisposedError)) this.#fault = error;
    for (const tell of this.#waiting) tell(this.#fault ?? error);
    return error;
  }

  readonly #onError = ({ error }: { readonly error: GPUError }): void => {
    this.#fault ??=
      error instanceof GPUOutOfMemoryError
        ? new LimitError(`the GPU is out of memory: ${error.message}; choose a smaller batch, window or model`)
        : new InternalError(`the GPU refused a command: ${error.message}`);
  };

  /** Throws what went wrong on the device since, or that the backend is gone. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  /**
   * Does what the device may refuse. On a device of our own its event tells of errors; on one that was given that event
   * tells of the user's errors too, so ours are caught in a scope.
   * @param buffer that it uses: where there is no memory for that, and this is not known yet, the error is a consequence
   */
  guarded<T>(work: () => T, buffer?: GpuBuffer): T {
    if (this.#owned && (!buffer || buffer.isThere)) return work();
    this.device.pushErrorScope("validation");
    try {
      return work();
    } finally {
      this.#whenRefused((error) => {
        if (!buffer?.fault) this.#onError({ error });
      });
    }
  }

  /**
   * Does what there may be no memory for. Commands on what could not be made are refused, too.
   * @returns that there was no memory, and that commands were refused
   */
  async #attempt(work: () => void): Promise<{ readonly full: GPUError | null; readonly refused: GPUError | null }> {
    this.device.pushErrorScope("validation");
    this.device.pushErrorScope("out-of-memory");
    let full: Promise<GPUError | null>;
    let refused: Promise<GPUError | null>;
    try {
      work();
    } finally {
      full = this.#whenHere(this.device.popErrorScope());
      refused = this.#whenHere(this.device.popErrorScope());
    }
    const [first, second] = await Promise.all([full, refused]);
    return { full: first, refused: second };
  }

  #whenRefused(tell: (error: GPUError) => void): void {
    // A scope that goes with the device has nothing to tell: `lost` does.
    this.device.popErrorScope().then(
      (error) => error && tell(error),
      () => {},
    );
  }

  get allocations(): Iterable<Allocation> {
    return this.#allocations.keys();
  }

  /** Counts memory that was made elsewhere, until `free`. */
  track<A extends Allocation>(allocation: A, destroy: () => void): A {
    this.#allocations.set(allocation, destroy);
    return allocation;
  }

  #make(spec: BufferSpec, owner: Owner): GpuBuffer {
    this.check();
    const buffer = makeBuffer(this.device, spec, owner, this.target.maxBufferSize);
    return this.track(buffer, () => buffer.gpu.destroy());
  }

  allocate(spec: BufferSpec, owner: Owner): GpuBuffer {
    this.device.pushErrorScope("out-of-memory");
    try {
      const buffer = this.#make(spec, owner);
      this.device.popErrorScope().then(
        (error) => {
          buffer.isThere = !error;
          if (!error) return;
          buffer.fault = new LimitError(
            `the GPU has no memory for ${spec.name} of ${owner.model ?? owner.part}: ${error.message}; release other models, or choose a smaller one`,
          );
        },
        () => {},
      );
      return buffer;
    } catch (error) {
      this.#whenRefused(() => {});
      throw error;
    }
  }

  free(allocation: Allocation): void {
    (allocation as GpuBuffer).isFreed = true;
    this.#allocations.get(allocation)?.();
    this.#allocations.delete(allocation);
  }

  write(buffer: GpuBuffer, data: NumberArray, offset = 0): void {
    this.check();
    if (buffer.fault) throw buffer.fault;
    checkUsable("write", [buffer]);
    buffer.version++;
    const at = offset * bytesOf(buffer.dtype);
    this.guarded(() => this.device.queue.writeBuffer(buffer.gpu, at, toDevice(data)), buffer);
  }

  async read(buffers: readonly GpuBuffer[]): Promise<NumberArray[]> {
    this.check();
    for (const { fault } of buffers) if (fault) throw fault;
    checkUsable("read", buffers);
    const { device } = this;
    let staging: Staging | undefined;
    try {
      const { full, refused } = await this.#attempt(() => {
        staging = new Staging(device, { part: "state dict" }, buffers);
        const encoder = device.createCommandEncoder();
        staging.encode(encoder);
        device.queue.submit([encoder.finish()]);
      });
      for (const { fault } of buffers) if (fault) throw fault; // allocated just before, and not there
      if (full) throw new LimitError(`the GPU has no memory for reading back: ${full.message}; free some of it`);
      if (refused) this.#onError({ error: refused });
      this.check();
      return await this.explain(staging!.read());
    } catch (error) {
      this.check();
      throw error;
    } finally {
      staging?.destroy();
    }
  }

  /** The end of an error scope, which may never come when the device goes away. @throws what became of the device then */
  #whenHere(scope: Promise<GPUError | null>): Promise<GPUError | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      scope.then(resolve, () => resolve(null)).finally(() => this.#waiting.delete(reject));
    });
  }

  /** A map that fails because the device went away tells so before `device.lost` does. */
  async explain<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      const pause = new Promise<undefined>((resolve) => setTimeout(resolve, 100));
      throw (await Promise.race([this.lost, pause])) ?? this.#fault ?? cause;
    }
  }

  /** One plan after the other, so that two which want the same new memory do not both make it. */
  load(plan: Plan, owner: Owner = { part: plan.name }, memory: Memory = noMemory): Promise<LoadedPlan> {
    const loaded = this.#loading.then(() => this.#load(plan, owner, memory));
    this.#loading = loaded.catch(() => {});
    return loaded;
  }

  async #load(plan: Plan, owner: Owner, memory: Memory): Promise<LoadedPlan> {
    this.check();
    const compiled = await this.#pipelines.forPlan(plan);
    this.check();
    const made: GpuBuffer[] = [];
    const kept: GpuBuffer[] = [];
    const found: GpuBuffer[] = [];
    const lease = {};
    let loaded: GpuPlan | undefined;
    let fault: unknown;
    const { full, refused } = await this.#attempt(() => {
      try {
        this.scratch.add(lease, plan);
        const buffers = plan.buffers.map((spec) => {
          if (spec.role === "scratch") return undefined;
          const there = memory.find(spec) as GpuBuffer | undefined;
          if (there) {
            found.push(there);
            return usable(there, spec, plan);
          }
          const keeper = memory.ownerOf(spec);
          const buffer = this.#make(spec, keeper ?? owner);
          (keeper ? kept : made).push(buffer);
          if (spec.initial) this.device.queue.writeBuffer(buffer.gpu, 0, toDevice(numbersOf(spec)));
          return buffer;
        });
        loaded = new GpuPlan(this, plan, compiled, { buffers, own: made, owner, lease });
      } catch (error) {
        fault = error;
      }
    });
    if (full)
      fault = new LimitError(
        `plan "${plan.name}" does not fit into the GPU's memory: ${full.message}; choose a smaller batch, window or model`,
      );
    else if (refused) {
      // What was allocated just before may turn out not to be there.
      fault ??= found.find((buffer) => buffer.fault)?.fault;
      fault ??= new InternalError(`the GPU refused plan "${plan.name}": ${refused.message}`);
    }
    if (fault || !loaded) {
      // Scratch first: what could not be allocated must not stay for other plans.
      this.scratch.remove(lease, true);
      (loaded as GpuPlan | undefined)?.dispose();
      for (const buffer of [...made, ...kept]) this.free(buffer);
      throw fault;
    }
    for (const buffer of [...made, ...kept]) buffer.isThere = true;
    for (const buffer of kept) memory.keep(buffer);
    this.check();
    return loaded;
  }

  dispose(): void {
    this.#fault ??= new DisposedError("the runtime was disposed");
    this.device.removeEventListener("uncapturederror", this.#onError);
    for (const allocation of [...this.allocations]) this.free(allocation);
    if (this.#owned) this.device.destroy();
    else delete this.#onLost.tell;
  }
}

interface LostListener {
  tell?: (info: GPUDeviceLostInfo) => void;
}

/** A device that was given may live much longer than a runtime, and must not hold on to more of it than this. */
function listen(device: GPUDevice, listener: LostListener): void {
  device.lost.then((info) => listener.tell?.(info));
}

function usable(buffer: GpuBuffer, { name, length }: BufferSpec, plan: Plan): GpuBuffer {
  if (buffer.fault) throw buffer.fault;
  if (buffer.length < length)
    throw new InternalError(`buffer "${name}" has ${buffer.length} elements, plan "${plan.name}" needs ${length}`);
  return buffer;
}

const numbersOf = ({ dtype, initial }: BufferSpec): NumberArray =>
  dtype === "i32" ? Int32Array.from(initial!) : Float32Array.from(initial!);
