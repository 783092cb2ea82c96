import { DeviceLostError, DisposedError, InternalError, LimitError } from "../errors.ts";
import type { Backend, DeviceBuffer, LoadedPlan } from "../plan/backend.ts";
import type { Plan, Target } from "../plan/plan.ts";
import type { DType, NumberArray } from "../tensor-data.ts";
import { GpuPlan } from "./gpu-plan.ts";
import { Pipelines } from "./pipelines.ts";

/** Memory on the device. */
export interface GpuBuffer extends DeviceBuffer {
  readonly gpu: GPUBuffer;
}

/** Numbers as the device holds them: 4 bytes each. */
export const toDevice = (data: NumberArray): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> =>
  (data instanceof Float64Array ? Float32Array.from(data) : data) as
    | Float32Array<ArrayBuffer>
    | Int32Array<ArrayBuffer>;

/** Runs plans on a GPUDevice. */
export class GpuBackend implements Backend {
  readonly kind = "gpu";
  readonly target: Target;
  readonly device: GPUDevice;
  readonly lost: Promise<DeviceLostError>;
  readonly #pipelines: Pipelines;
  #fault: Error | undefined;

  readonly #owned: boolean;

  /**
   * @param software the adapter is a CPU that plays a GPU
   * @param owned the device goes when the backend does; false for one that somebody else opened
   */
  constructor(device: GPUDevice, software: boolean, owned = true) {
    this.device = device;
    this.#owned = owned;
    this.#pipelines = new Pipelines(device);
    const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = device.limits;
    // Sizes are compared in elements of four bytes and indexed with u32 in the shaders.
    const maxBuffer = Math.min(maxBufferSize, maxStorageBufferBindingSize, 2 ** 32 - 4);
    this.target = { maxBufferSize: maxBuffer, maxWorkgroups: maxComputeWorkgroupsPerDimension, software };
    this.lost = device.lost.then((info) => {
      const how = info.reason === "destroyed" ? "it was destroyed" : info.message || "no reason given";
      const error = new DeviceLostError(
        `the GPU device was lost: ${how}; open a new Runtime and load the last checkpoint`,
      );
      // Whoever disposes of a runtime needs no news of its device.
      if (!(this.#fault instanceof DisposedError)) this.#fault = error;
      return error;
    });
    device.addEventListener("uncapturederror", this.#onError);
  }

  readonly #onError = ({ error }: GPUUncapturedErrorEvent): void => {
    this.#fault ??=
      error instanceof GPUOutOfMemoryError
        ? new LimitError(`the GPU is out of memory: ${error.message}; choose a smaller batch, window or model`)
        : new InternalError(`the GPU refused a command: ${error.message}`);
  };

  /** Throws what went wrong on the device since, or that the backend is gone. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  allocate(name: string, dtype: DType, length: number): GpuBuffer {
    this.check();
    const size = Math.max(16, length * 4);
    if (size > this.target.maxBufferSize)
      throw new LimitError(`buffer "${name}" needs ${size} bytes, this adapter allows ${this.target.maxBufferSize}`);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return { name, dtype, length, gpu: this.device.createBuffer({ label: name, size, usage }) };
  }

  free(buffer: DeviceBuffer): void {
    (buffer as GpuBuffer).gpu.destroy();
  }

  write(buffer: DeviceBuffer, data: NumberArray, offset = 0): void {
    this.check();
    this.device.queue.writeBuffer((buffer as GpuBuffer).gpu, offset * 4, toDevice(data));
  }

  async read(buffers: readonly DeviceBuffer[]): Promise<NumberArray[]> {
    this.check();
    const total = buffers.reduce((sum, { length }) => sum + length * 4, 0);
    const staging = this.device.createBuffer({
      label: "read back",
      size: Math.max(16, total),
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    const encoder = this.device.createCommandEncoder();
    let at = 0;
    for (const { gpu, length } of buffers as readonly GpuBuffer[]) {
      encoder.copyBufferToBuffer(gpu, 0, staging, at, length * 4);
      at += length * 4;
    }
    this.device.queue.submit([encoder.finish()]);
    try {
      return await readStaging(staging, buffers);
    } catch (cause) {
      this.check();
      throw await this.#afterLoss(cause);
    } finally {
      staging.destroy();
    }
  }

  /** A map that fails because the device went away tells so before `device.lost` does. */
  async #afterLoss(cause: unknown): Promise<unknown> {
    const pause = new Promise<undefined>((resolve) => setTimeout(resolve, 100));
    return (await Promise.race([this.lost, pause])) ?? this.#fault ?? cause;
  }

  async explain<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      throw await this.#afterLoss(cause);
    }
  }

  async load(plan: Plan, bound: ReadonlyMap<string, DeviceBuffer>): Promise<LoadedPlan> {
    this.check();
    const pipelines = await this.#pipelines.forPlan(plan);
    this.device.pushErrorScope("out-of-memory");
    let loaded: GpuPlan | undefined;
    let fault: unknown;
    try {
      loaded = new GpuPlan(this, plan, pipelines, this.#buffersOf(plan, bound));
    } catch (error) {
      fault = error;
    }
    const full = await this.device.popErrorScope();
    if (full) {
      loaded?.dispose();
      throw new LimitError(
        `plan "${plan.name}" does not fit into the GPU's memory: ${full.message}; choose a smaller batch, window or model`,
      );
    }
    if (!loaded) throw fault;
    this.check();
    return loaded;
  }

  #buffersOf(plan: Plan, bound: ReadonlyMap<string, DeviceBuffer>): { buffer: GpuBuffer; owned: boolean }[] {
    return plan.buffers.map(({ name, role, dtype, length, initial }) => {
      const given = role === "scratch" ? undefined : bound.get(name);
      if (given && given.length < length) {
        throw new InternalError(`buffer "${name}" has ${given.length} elements, plan "${plan.name}" needs ${length}`);
      }
      if (given) return { buffer: given as GpuBuffer, owned: false };
      const buffer = this.allocate(name, dtype, length);
      if (initial) this.write(buffer, dtype === "i32" ? Int32Array.from(initial) : Float32Array.from(initial));
      return { buffer, owned: true };
    });
  }

  dispose(): void {
    this.#fault ??= new DisposedError("the runtime was disposed");
    this.device.removeEventListener("uncapturederror", this.#onError);
    if (this.#owned) this.device.destroy();
  }
}

/** Maps a staging buffer and takes the numbers of several buffers, which lie in it one after the other. */
export async function readStaging(
  staging: GPUBuffer,
  parts: readonly { readonly dtype: DType; readonly length: number }[],
): Promise<NumberArray[]> {
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange();
  let at = 0;
  const result = parts.map(({ dtype, length }): NumberArray => {
    const view = dtype === "i32" ? new Int32Array(bytes, at, length) : new Float32Array(bytes, at, length);
    at += length * 4;
    return view.slice();
  });
  staging.unmap();
  return result;
}
