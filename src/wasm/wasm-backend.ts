import { cellNamed } from "../cells/cell.ts";
import { HostBackend, type HostBuffer } from "../cpu/host-backend.ts";
import { twinStep } from "../cpu/twin-step.ts";
import { kernelOf } from "../kernels/kernel.ts";
import type { BufferSpec, Command, Dispatch, Target, View } from "../plan/plan.ts";
import type { PlanLimits } from "../plan/plan-budget.ts";
import type { NumberArray } from "../tensor-data.ts";
import { Heap } from "./heap.ts";
import type { Exports } from "./module.generated.ts";
import { type OpenModule, openModule } from "./module.ts";
import type { NativeContext } from "./native.ts";
import { natives } from "./natives.ts";

/** A range of the WebAssembly memory. */
interface WasmBuffer extends HostBuffer {
  /** Of its first byte. */
  readonly address: number;
}

/** Runs plans with natives, WebAssembly functions with SIMD, and with the twins of kernels that have none; in float32. */
export class WasmBackend extends HostBackend<WasmBuffer> {
  readonly kind = "wasm";
  readonly target: Target = { maxBufferSize: 2 ** 32, maxWorkgroups: 65535, software: true };
  readonly #wasm: Exports;
  readonly #heap: Heap;
  readonly #panels: number;
  readonly #compiled = new Map<string, (...numbers: number[]) => void>();
  #workspace = { address: 0, bytes: 0 };
  #moved = 0;

  private constructor({ wasm, memory }: OpenModule, limits?: PlanLimits) {
    super(limits);
    this.#wasm = wasm;
    this.#heap = new Heap(memory, wasm.heapBase());
    this.#panels = this.#heap.allocate("the packed operands of a product", wasm.productWorkspace());
  }

  /** @throws NoAdapterError where WebAssembly with SIMD is not to be had */
  static async open(limits?: PlanLimits): Promise<WasmBackend> {
    return new WasmBackend(await openModule(), limits);
  }

  override get epoch(): number {
    return super.epoch + this.#heap.epoch + this.#moved;
  }

  protected make({ name, dtype, length }: BufferSpec) {
    const bytes = 4 * length;
    const address = this.#heap.allocate(name, bytes);
    const { memory } = this.#heap;
    let data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | undefined;
    return {
      address,
      bytes,
      get data(): NumberArray {
        // An array ends when the memory under it grows.
        const { buffer } = memory;
        if (data?.buffer !== buffer)
          data = dtype === "i32" ? new Int32Array(buffer, address, length) : new Float32Array(buffer, address, length);
        return data;
      },
    };
  }

  protected release({ address, bytes }: WasmBuffer): void {
    this.#heap.free(address, bytes);
  }

  step(command: Command, buffers: readonly WasmBuffer[]): () => void {
    const native = command.type === "dispatch" ? this.#nativeStep(command, buffers) : undefined;
    return native ?? twinStep(command, ({ buffer, offset }: View) => buffers[buffer]!.data.subarray(offset));
  }

  #nativeStep(command: Dispatch, buffers: readonly WasmBuffer[]): (() => void) | undefined {
    const native = natives.get(command.kernel);
    if (!native) return undefined;
    const kernel = kernelOf(command);
    const address = ({ buffer, offset }: View) => buffers[buffer]!.address + 4 * offset;
    const at = Object.fromEntries(kernel.bindings.map(({ name }, i) => [name, address(command.bindings[i]!)]));
    const numbers = Object.fromEntries(kernel.params.map(({ name }, i) => [name, command.params[i]!]));
    return native(at, numbers, this.#contextOf(command));
  }

  #contextOf({ constants, expression, cell }: Dispatch): NativeContext {
    return {
      constants,
      expression,
      cell: cell === undefined ? undefined : cellNamed(cell),
      wasm: this.#wasm,
      panels: this.#panels,
      workspace: (bytes) => this.#workspaceOf(bytes),
      compiled: (name, code) => this.#compile(name, code),
    } as NativeContext;
  }

  #workspaceOf(bytes: number): number {
    if (bytes > this.#workspace.bytes) {
      if (this.#workspace.bytes > 0) this.#heap.free(this.#workspace.address, this.#workspace.bytes);
      this.#workspace = { address: 0, bytes: 0 };
      // Whoever has the old address asks again.
      this.#moved++;
      this.#workspace = { address: this.#heap.allocate("the natives' workspace", bytes), bytes };
    }
    return this.#workspace.address;
  }

  #compile(name: string, code: () => Uint8Array<ArrayBuffer>): (...numbers: number[]) => void {
    const known = this.#compiled.get(name);
    if (known) return known;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code()), {
      env: { memory: this.#heap.memory },
    });
    const run = exports.run as (...numbers: number[]) => void;
    this.#compiled.set(name, run);
    return run;
  }
}
