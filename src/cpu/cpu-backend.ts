import { cellNamed } from "../cells/index.ts";
import { type DeviceLostError, DisposedError, InternalError, LimitError } from "../errors.ts";
import { kernels } from "../kernels/index.ts";
import type { TwinContext } from "../kernels/kernel.ts";
import type { Backend, DeviceBuffer, LoadedPlan } from "../plan/backend.ts";
import type { Command, Plan, Target, View } from "../plan/plan.ts";
import { showBytes } from "../plan/print-plan.ts";
import type { DType, NumberArray } from "../tensor-data.ts";

interface CpuBuffer extends DeviceBuffer {
  readonly data: Float64Array | Int32Array;
}

const dataOf = (buffer: DeviceBuffer) => (buffer as CpuBuffer).data;

/** Runs plans with the kernels' twins, in float64. */
export class CpuBackend implements Backend {
  readonly kind = "cpu";
  readonly target: Target = { maxBufferSize: 2 ** 32, maxWorkgroups: 65535, software: true };
  readonly lost = new Promise<DeviceLostError>(() => {});
  #disposed = false;

  /** Throws once the backend is gone, as the GPU's does. */
  check(): void {
    if (this.#disposed) throw new DisposedError("the runtime was disposed");
  }

  allocate(name: string, dtype: DType, length: number): CpuBuffer {
    this.check();
    try {
      return { name, dtype, length, data: dtype === "i32" ? new Int32Array(length) : new Float64Array(length) };
    } catch {
      const need = showBytes(length * (dtype === "i32" ? 4 : 8));
      throw new LimitError(
        `${name} needs ${need}, more than this process can get; choose a smaller batch, window or model`,
      );
    }
  }

  free(): void {}

  write(buffer: DeviceBuffer, data: NumberArray, offset = 0): void {
    this.check();
    dataOf(buffer).set(data, offset);
  }

  async read(buffers: readonly DeviceBuffer[]): Promise<NumberArray[]> {
    this.check();
    return buffers.map((buffer) => dataOf(buffer).slice());
  }

  async load(plan: Plan, bound: ReadonlyMap<string, DeviceBuffer>): Promise<LoadedPlan> {
    this.check();
    const buffers = plan.buffers.map(({ name, role, dtype, length, initial }) => {
      const given = role === "scratch" ? undefined : bound.get(name);
      if (given && given.length < length)
        throw new InternalError(`buffer "${name}" has ${given.length} elements, plan "${plan.name}" needs ${length}`);
      if (given) return given as CpuBuffer;
      const own = this.allocate(name, dtype, length);
      if (initial) own.data.set(initial);
      return own;
    });
    return new CpuPlan(this, plan, buffers);
  }

  dispose(): void {
    this.#disposed = true;
  }
}

class CpuPlan implements LoadedPlan {
  readonly plan: Plan;
  readonly #backend: CpuBackend;
  readonly #byName: ReadonlyMap<string, CpuBuffer>;
  readonly #steps: readonly (() => void)[];
  #disposed = false;

  constructor(backend: CpuBackend, plan: Plan, buffers: readonly CpuBuffer[]) {
    this.plan = plan;
    this.#backend = backend;
    this.#byName = new Map(
      plan.buffers.map(({ name, role }, id) => [role === "scratch" ? `scratch ${id}` : name, buffers[id]!]),
    );
    this.#steps = plan.commands.map((command) =>
      stepOf(command, (view) => buffers[view.buffer]!.data.subarray(view.offset)),
    );
  }

  buffer(name: string): DeviceBuffer {
    const buffer = this.#byName.get(name);
    if (!buffer) throw new InternalError(`plan "${this.plan.name}" has no buffer "${name}"`);
    return buffer;
  }

  write(name: string, data: NumberArray, offset = 0): void {
    dataOf(this.buffer(name)).set(data, offset);
  }

  run(): void {
    this.#backend.check();
    if (this.#disposed) throw new DisposedError(`plan "${this.plan.name}" was disposed`);
    for (const step of this.#steps) step();
  }

  async runAndRead(names: readonly string[]): Promise<NumberArray[]> {
    this.run();
    const values = names.map((name) => dataOf(this.buffer(name)).slice());
    // Signals, messages and timers get their turn between two replays, as they do while a GPU works.
    await new Promise((resolve) => setTimeout(resolve));
    return values;
  }

  dispose(): void {
    this.#disposed = true;
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
  const kernel = kernels[command.kernel];
  if (!kernel) throw new InternalError(`there is no kernel "${command.kernel}"`);
  const arrays = Object.fromEntries(kernel.bindings.map(({ name }, i) => [name, data(command.bindings[i]!)]));
  const numbers = Object.fromEntries(kernel.params.map(({ name }, i) => [name, command.params[i]!]));
  // Kernels without a cell never look at it.
  const context = {
    constants: command.constants,
    cell: command.cell === undefined ? undefined : cellNamed(command.cell),
  } as TwinContext;
  const twin = kernel.twin as (arrays: object, numbers: object, context: TwinContext) => void;
  return () => twin(arrays, numbers, context);
}
