import { LimitError } from "../errors.ts";
import type { Allocation, DeviceBuffer, Owner } from "../plan/backend.ts";
import { NEVER } from "../plan/freshness.ts";
import type { BufferSpec } from "../plan/plan.ts";
import { showBytes } from "../plan/print-plan.ts";
import { bytesOf, type DType, type NumberArray } from "../tensor-data.ts";

/** Memory on the device. */
export interface GpuBuffer extends DeviceBuffer {
  readonly gpu: GPUBuffer;
  /** Why it cannot be used: the device had no memory for it. */
  fault?: Error;
  /** Whether the device has it; absent while that is not known. */
  isThere?: boolean;
}

/** WebGPU binds nothing smaller. */
const LEAST_BYTES = 16;

/** Makes a buffer of zeros. @throws LimitError when it is larger than the device allows */
export function makeBuffer(device: GPUDevice, spec: BufferSpec, owner: Owner, maxBytes: number): GpuBuffer {
  const { name, role, dtype, length } = spec;
  const bytes = Math.max(LEAST_BYTES, length * bytesOf(dtype));
  if (bytes > maxBytes)
    throw new LimitError(
      `buffer "${name}" needs ${showBytes(bytes)}, this adapter allows ${showBytes(maxBytes)}; choose a smaller batch, window or model`,
    );
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const gpu = device.createBuffer({ label: name, size: bytes, usage });
  return { name, role, dtype, length, owner, bytes, gpu, version: role === "derived" ? NEVER : 0 };
}

/** Numbers as the device holds them. */
export const toDevice = (data: NumberArray): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> =>
  (data instanceof Float64Array ? Float32Array.from(data) : data) as
    | Float32Array<ArrayBuffer>
    | Int32Array<ArrayBuffer>;

const fromDevice = (dtype: DType, bytes: ArrayBuffer, at: number, length: number): NumberArray =>
  (dtype === "i32" ? new Int32Array(bytes, at, length) : new Float32Array(bytes, at, length)).slice();

/** Staging memory for reading some buffers back at once: several GPU buffers where one would be larger than the device allows. */
export class Staging implements Allocation {
  readonly role = "staging";
  readonly bytes: number;
  readonly owner: Owner;
  /** Whether a read is under way. */
  busy = false;
  readonly #parts: readonly { readonly gpu: GPUBuffer; readonly sources: readonly GpuBuffer[] }[];

  constructor(device: GPUDevice, owner: Owner, sources: readonly GpuBuffer[]) {
    this.owner = owner;
    const groups: { sources: GpuBuffer[]; size: number }[] = [];
    for (const source of sources) {
      const size = source.length * bytesOf(source.dtype);
      const last = groups.at(-1);
      if (last && last.size + size <= device.limits.maxBufferSize) {
        last.sources.push(source);
        last.size += size;
      } else groups.push({ sources: [source], size });
    }
    this.bytes = groups.reduce((sum, { size }) => sum + Math.max(LEAST_BYTES, size), 0);
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    this.#parts = groups.map((group) => ({
      gpu: device.createBuffer({ label: `${owner.part} read back`, size: Math.max(LEAST_BYTES, group.size), usage }),
      sources: group.sources,
    }));
  }

  encode(encoder: GPUCommandEncoder): void {
    for (const { gpu, sources } of this.#parts) {
      let at = 0;
      for (const source of sources) {
        const size = source.length * bytesOf(source.dtype);
        encoder.copyBufferToBuffer(source.gpu, 0, gpu, at, size);
        at += size;
      }
    }
  }

  /** The numbers of each source, when the device has come to the copies. */
  async read(): Promise<NumberArray[]> {
    const parts = await Promise.all(
      this.#parts.map(async ({ gpu, sources }) => {
        await gpu.mapAsync(GPUMapMode.READ);
        const bytes = gpu.getMappedRange();
        let at = 0;
        const values = sources.map(({ dtype, length }) => {
          const numbers = fromDevice(dtype, bytes, at, length);
          at += length * bytesOf(dtype);
          return numbers;
        });
        gpu.unmap();
        return values;
      }),
    );
    return parts.flat();
  }

  destroy(): void {
    for (const { gpu } of this.#parts) gpu.destroy();
  }
}
