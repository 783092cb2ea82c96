import { DisposedError, InternalError } from "../errors.ts";
import { uniformOf, writtenBy } from "../kernels/kernel.ts";
import { type Allocation, checkUsable, type LoadedPlan, type Owner } from "../plan/backend.ts";
import { Freshness } from "../plan/freshness.ts";
import { type Command, commandsOf, type Dispatch, type Plan, type View } from "../plan/plan.ts";
import { bytesOf, type NumberArray } from "../tensor-data.ts";
import type { GpuBackend } from "./gpu-backend.ts";
import { type GpuBuffer, Staging } from "./gpu-buffer.ts";
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
type Step = Ready | ReadyCopy | ReadyClear;

/** Dispatches in one submit at most: a long sequence is cut so that the device starts early and a browser stays alive. */
const SUBMIT = 4096;

/** A plan on the device. Everything is made here, once; replays create only their command encoder. */
export class GpuPlan implements LoadedPlan {
  readonly plan: Plan;
  readonly #backend: GpuBackend;
  readonly #compiled: readonly (Compiled | undefined)[];
  readonly #buffers: readonly (GpuBuffer | undefined)[];
  readonly #own: readonly GpuBuffer[];
  readonly #owner: Owner;
  readonly #lease: object;
  readonly #byName = new Map<string, GpuBuffer>();
  readonly #slot: number;
  readonly #uniforms: Allocation & { readonly gpu: GPUBuffer };
  readonly #freshness: Freshness;
  readonly #rings = new Map<string, Staging[]>();
  #derivations: readonly (readonly Step[])[] = [];
  #steps: readonly Step[] = [];
  /** Of the scratch memory that the steps were made with. */
  #epoch = -1;
  #disposed = false;

  /**
   * @param compiled of `commandsOf(plan)`
   * @param memory `buffers` of the plan without its scratch; those in `own` go with it, and so does the `lease` of scratch
   */
  constructor(
    backend: GpuBackend,
    plan: Plan,
    compiled: readonly (Compiled | undefined)[],
    memory: {
      readonly buffers: readonly (GpuBuffer | undefined)[];
      readonly own: readonly GpuBuffer[];
      readonly owner: Owner;
      readonly lease: object;
    },
  ) {
    this.plan = plan;
    this.#backend = backend;
    this.#compiled = compiled;
    this.#buffers = memory.buffers;
    this.#own = memory.own;
    this.#owner = memory.owner;
    this.#lease = memory.lease;
    this.#freshness = new Freshness(plan, memory.buffers, writtenBy(plan));
    // A constant may bear the name of an input.
    for (const buffer of memory.buffers)
      if (buffer && buffer.role !== "constant") this.#byName.set(buffer.name, buffer);
    const { device } = backend;
    const kernels = compiled.filter((entry) => entry !== undefined);
    const dispatches = commandsOf(plan).filter((command) => command.type === "dispatch");
    this.#slot = slotSize(kernels, device.limits.minUniformBufferOffsetAlignment);
    const size = Math.max(1, dispatches.length) * this.#slot;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const gpu = device.createBuffer({ label: `${plan.name} uniforms`, size, usage });
    this.#uniforms = { role: "uniform", bytes: size, owner: memory.owner, gpu };
    backend.track(this.#uniforms, () => gpu.destroy());
    device.queue.writeBuffer(gpu, 0, packUniforms(dispatches, kernels, this.#slot));
    this.#bind();
  }

  get bytes(): number {
    const staging = [...this.#rings.values()].flat();
    return [...this.#own, this.#uniforms, ...staging].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Makes the steps for the scratch memory that there is now. */
  #bind(): void {
    const { plan } = this;
    const scratch = this.#backend.scratch.buffersFor(plan);
    this.#epoch = this.#backend.scratch.epoch;
    let next = 0;
    const all = plan.buffers.map((_, id) => this.#buffers[id] ?? scratch[next++]!);
    const groups = new Map<string, GPUBindGroup>();
    let at = 0;
    let dispatches = 0;
    const stepOf = (command: Command): Step => {
      const compiled = this.#compiled[at++];
      if (command.type === "clear")
        return { type: "clear", to: all[command.to.buffer]!.gpu, ...range(all, command.to) };
      if (command.type === "copy") {
        const [from, to] = [range(all, command.from), range(all, command.to)];
        return {
          type: "copy",
          from: all[command.from.buffer]!.gpu,
          fromOffset: from.offset,
          to: all[command.to.buffer]!.gpu,
          toOffset: to.offset,
          size: to.size,
        };
      }
      const { pipeline, layout, kernel } = compiled!;
      const key = `${command.kernel}|${command.bindings.map(({ buffer }) => buffer).join(",")}`;
      let group = groups.get(key);
      if (!group) {
        const uniform = { binding: 0, resource: { buffer: this.#uniforms.gpu, size: uniformSize(kernel) } };
        const storage = command.bindings.map(({ buffer }, b) => ({
          binding: b + 1,
          resource: { buffer: all[buffer]!.gpu },
        }));
        group = this.#backend.device.createBindGroup({
          label: command.label,
          layout,
          entries: [uniform, ...storage],
        });
        groups.set(key, group);
      }
      return { type: "dispatch", pipeline, group, offset: this.#slot * dispatches++, grid: command.grid };
    };
    this.#derivations = (plan.derivations ?? []).map(({ commands }) => commands.map(stepOf));
    this.#steps = plan.commands.map(stepOf);
  }

  buffer(name: string): GpuBuffer {
    const buffer = this.#byName.get(name);
    if (!buffer) throw new InternalError(`plan "${this.plan.name}" has no buffer "${name}"`);
    return buffer;
  }

  write(name: string, data: NumberArray, offset = 0): void {
    this.#check();
    this.#backend.write(this.buffer(name), data, offset);
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError(`plan "${this.plan.name}" was disposed`);
    this.#backend.check();
    checkUsable(`plan "${this.plan.name}"`, this.#buffers);
  }

  run(): void {
    this.#check();
    this.#backend.guarded(() => this.#replay(() => {}));
  }

  #replay(last: (encoder: GPUCommandEncoder) => void): void {
    if (this.#epoch !== this.#backend.scratch.epoch) this.#bind();
    const { device } = this.#backend;
    let encoder = device.createCommandEncoder({ label: this.plan.name });
    let pass: GPUComputePassEncoder | undefined;
    let pipeline: GPUComputePipeline | undefined;
    let inSubmit = 0;
    const encode = (steps: readonly Step[]) => {
      for (const step of steps) {
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
    };
    for (const [i, steps] of this.#derivations.entries()) if (this.#freshness.isStale(i)) encode(steps);
    encode(this.#steps);
    pass?.end();
    last(encoder);
    device.queue.submit([encoder.finish()]);
    this.#freshness.replayed();
  }

  async runAndRead(names: readonly string[]): Promise<NumberArray[]> {
    this.#check();
    const staging = this.#staging(names);
    staging.busy = true;
    try {
      this.#backend.guarded(() => this.#replay((encoder) => staging.encode(encoder)));
      return await this.#backend.explain(staging.read());
    } catch (cause) {
      this.#check(); // a plan that was disposed meanwhile destroyed what was to be read
      throw cause;
    } finally {
      staging.busy = false;
    }
  }

  /** Free staging memory for these names; there is as much as was ever in use at once. */
  #staging(names: readonly string[]): Staging {
    const key = names.join("|");
    const ring = this.#rings.get(key) ?? [];
    this.#rings.set(key, ring);
    const free = ring.find(({ busy }) => !busy);
    if (free) return free;
    const buffers = names.map((name) => this.buffer(name));
    const made = new Staging(this.#backend.device, this.#owner, buffers);
    ring.push(this.#backend.track(made, () => made.destroy()));
    return made;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#backend.scratch.remove(this.#lease);
    for (const one of [...this.#own, this.#uniforms, ...[...this.#rings.values()].flat()]) this.#backend.free(one);
  }
}

/** A stretch of a buffer, in bytes. */
function range(buffers: readonly GpuBuffer[], { buffer, offset, length }: View): { offset: number; size: number } {
  const bytes = bytesOf(buffers[buffer]!.dtype);
  return { offset: offset * bytes, size: length * bytes };
}

/** Bytes from one uniform struct to the next. A device may allow offsets finer than a struct is long (lavapipe: 16). */
function slotSize(compiled: readonly Compiled[], alignment: number): number {
  const longest = compiled.reduce((most, { kernel }) => Math.max(most, uniformSize(kernel)), 1);
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
