import { DisposedError, InternalError } from "../errors.ts";
import { uniformOf } from "../kernels/kernel.ts";
import { type LoadedPlan, RING } from "../plan/backend.ts";
import type { Dispatch, Plan, View } from "../plan/plan.ts";
import type { NumberArray } from "../tensor-data.ts";
import { type GpuBackend, type GpuBuffer, readStaging, toDevice } from "./gpu-backend.ts";
import { type Compiled, uniformSize } from "./pipelines.ts";

/** A dispatch as it is replayed: nothing left to look up. */
interface Ready {
  readonly type: "dispatch";
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly offset: number;
  readonly grid: readonly [number, number, number];
}
interface ReadyCopy {
  readonly type: "copy";
  readonly from: GPUBuffer;
  readonly fromOffset: number;
  readonly to: GPUBuffer;
  readonly toOffset: number;
  readonly size: number;
}
interface ReadyClear {
  readonly type: "clear";
  readonly to: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A staging buffer of the ring. */
interface Staging {
  readonly gpu: GPUBuffer;
  busy: boolean;
}

/** Dispatches in one submit at most: a long sequence is cut so that the device starts early and a browser stays alive. */
const SUBMIT = 4096;

/** A plan on the device. Everything is made here, once; replays create only their command encoder. */
export class GpuPlan implements LoadedPlan {
  readonly plan: Plan;
  readonly #backend: GpuBackend;
  readonly #buffers: readonly { readonly buffer: GpuBuffer; readonly owned: boolean }[];
  readonly #byName = new Map<string, GpuBuffer>();
  readonly #uniforms: GPUBuffer;
  readonly #steps: readonly (Ready | ReadyCopy | ReadyClear)[];
  readonly #rings = new Map<string, Staging[]>();
  #disposed = false;

  constructor(
    backend: GpuBackend,
    plan: Plan,
    compiled: readonly (Compiled | undefined)[],
    buffers: readonly { readonly buffer: GpuBuffer; readonly owned: boolean }[],
  ) {
    this.plan = plan;
    this.#backend = backend;
    this.#buffers = buffers;
    plan.buffers.forEach(({ name, role }, id) => {
      if (role !== "scratch") this.#byName.set(name, buffers[id]!.buffer);
    });
    const { device } = backend;
    const dispatches = plan.commands.filter((command) => command.type === "dispatch");
    const slot = slotSize(compiled, device.limits.minUniformBufferOffsetAlignment);
    this.#uniforms = device.createBuffer({
      label: `${plan.name} uniforms`,
      size: Math.max(1, dispatches.length) * slot,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(
      this.#uniforms,
      0,
      packUniforms(
        dispatches,
        compiled.filter((c) => c !== undefined),
        slot,
      ),
    );

    const groups = new Map<string, GPUBindGroup>();
    const gpuOf = (view: View) => buffers[view.buffer]!.buffer.gpu;
    let next = 0;
    this.#steps = plan.commands.map((command, i): Ready | ReadyCopy | ReadyClear => {
      if (command.type === "clear")
        return { type: "clear", to: gpuOf(command.to), offset: command.to.offset * 4, size: command.to.length * 4 };
      if (command.type === "copy") {
        const { from, to } = command;
        return {
          type: "copy",
          from: gpuOf(from),
          fromOffset: from.offset * 4,
          to: gpuOf(to),
          toOffset: to.offset * 4,
          size: to.length * 4,
        };
      }
      const { pipeline, layout, kernel } = compiled[i]!;
      const key = `${command.kernel}|${command.bindings.map(({ buffer }) => buffer).join(",")}`;
      let group = groups.get(key);
      if (!group) {
        const uniform = { binding: 0, resource: { buffer: this.#uniforms, size: uniformSize(kernel) } };
        const storage = command.bindings.map((view, b) => ({ binding: b + 1, resource: { buffer: gpuOf(view) } }));
        group = device.createBindGroup({ label: command.label, layout, entries: [uniform, ...storage] });
        groups.set(key, group);
      }
      return { type: "dispatch", pipeline, group, offset: slot * next++, grid: command.grid };
    });
  }

  buffer(name: string): GpuBuffer {
    const buffer = this.#byName.get(name);
    if (!buffer) throw new InternalError(`plan "${this.plan.name}" has no buffer "${name}"`);
    return buffer;
  }

  write(name: string, data: NumberArray, offset = 0): void {
    this.#check();
    this.#backend.device.queue.writeBuffer(this.buffer(name).gpu, offset * 4, toDevice(data));
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError(`plan "${this.plan.name}" was disposed`);
    this.#backend.check();
  }

  run(): void {
    this.#replay(() => {});
  }

  #replay(last: (encoder: GPUCommandEncoder) => void): void {
    this.#check();
    const { device } = this.#backend;
    let encoder = device.createCommandEncoder({ label: this.plan.name });
    let pass: GPUComputePassEncoder | undefined;
    let pipeline: GPUComputePipeline | undefined;
    let inSubmit = 0;
    for (const step of this.#steps) {
      if (step.type !== "dispatch") {
        pass?.end();
        pass = undefined;
        if (step.type === "copy")
          encoder.copyBufferToBuffer(step.from, step.fromOffset, step.to, step.toOffset, step.size);
        else encoder.clearBuffer(step.to, step.offset, step.size);
        continue;
      }
      if (inSubmit === SUBMIT) {
        pass?.end();
        pass = undefined;
        device.queue.submit([encoder.finish()]);
        encoder = device.createCommandEncoder({ label: this.plan.name });
        inSubmit = 0;
      }
      if (!pass) {
        pass = encoder.beginComputePass();
        pipeline = undefined;
      }
      if (pipeline !== step.pipeline) {
        pipeline = step.pipeline;
        pass.setPipeline(pipeline);
      }
      pass.setBindGroup(0, step.group, [step.offset]);
      pass.dispatchWorkgroups(...step.grid);
      inSubmit++;
    }
    pass?.end();
    last(encoder);
    device.queue.submit([encoder.finish()]);
  }

  async runAndRead(names: readonly string[]): Promise<NumberArray[]> {
    const buffers = names.map((name) => this.buffer(name));
    const staging = this.#staging(names, buffers);
    staging.busy = true;
    this.#replay((encoder) => {
      let at = 0;
      for (const { gpu, length } of buffers) {
        encoder.copyBufferToBuffer(gpu, 0, staging.gpu, at, length * 4);
        at += length * 4;
      }
    });
    try {
      return await this.#backend.explain(readStaging(staging.gpu, buffers));
    } catch (cause) {
      this.#check(); // a plan that was disposed meanwhile destroyed what was to be read
      throw cause;
    } finally {
      staging.busy = false;
    }
  }

  /** A free staging buffer for these names; the ring is made at the first call. */
  #staging(names: readonly string[], buffers: readonly GpuBuffer[]): Staging {
    const key = names.join("|");
    const size = Math.max(
      16,
      buffers.reduce((sum, { length }) => sum + length * 4, 0),
    );
    const make = (): Staging => ({
      gpu: this.#backend.device.createBuffer({
        label: `${this.plan.name} read back`,
        size,
        usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
      }),
      busy: false,
    });
    let ring = this.#rings.get(key);
    if (!ring) {
      ring = Array.from({ length: RING }, make);
      this.#rings.set(key, ring);
    }
    let free = ring.find(({ busy }) => !busy);
    if (!free) {
      free = make();
      ring.push(free);
    }
    return free;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#uniforms.destroy();
    for (const { buffer, owned } of this.#buffers) if (owned) buffer.gpu.destroy();
    for (const ring of this.#rings.values()) for (const { gpu } of ring) gpu.destroy();
  }
}

/** Bytes from one uniform struct to the next. A device may allow offsets finer than a struct is long (lavapipe: 16). */
function slotSize(compiled: readonly (Compiled | undefined)[], alignment: number): number {
  const longest = compiled.reduce((most, entry) => Math.max(most, entry ? uniformSize(entry.kernel) : 0), 1);
  return Math.ceil(longest / alignment) * alignment;
}

/** All uniform structs one after the other, each in a slot of its own. */
function packUniforms(dispatches: readonly Dispatch[], compiled: readonly Compiled[], slot: number): ArrayBuffer {
  const bytes = new ArrayBuffer(Math.max(1, dispatches.length) * slot);
  const view = new DataView(bytes);
  dispatches.forEach((dispatch, i) => {
    const values = [...dispatch.params, ...dispatch.bindings.map(({ offset }) => offset)];
    uniformOf(compiled[i]!.kernel).forEach(({ type }, p) => {
      const at = i * slot + p * 4;
      if (type === "f32") view.setFloat32(at, values[p]!, true);
      else if (type === "i32") view.setInt32(at, values[p]!, true);
      else view.setUint32(at, values[p]!, true);
    });
  });
  return bytes;
}
