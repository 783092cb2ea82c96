import { cellNamed } from "../cells/cell.ts";
import { HostBackend, type HostBuffer } from "../cpu/host-backend.ts";
import { twinStep } from "../cpu/twin-step.ts";
import { kernelOf } from "../kernels/kernel.ts";
import type { RunsOf } from "../plan/backend.ts";
import { keyOfExpression } from "../plan/expression.ts";
import { type BufferSpec, type Command, type Dispatch, hostTarget, type View } from "../plan/plan.ts";
import type { PlanLimits } from "../plan/plan-budget.ts";
import type { NumberArray } from "../tensor-data.ts";
import { Heap } from "./heap.ts";
import type { Exports } from "./module.generated.ts";
import type { OpenModule } from "./module.ts";
import type { Native, NativeContext } from "./native.ts";

/** A range of the WebAssembly memory. */
interface WasmBuffer extends HostBuffer {
  /** Of its first byte. */
  readonly address: number;
}

/** Runs plans with natives, WebAssembly functions with SIMD, and with the twins of kernels that have none; in float32. */
export class WasmBackend extends HostBackend<WasmBuffer> {
  readonly kind = "wasm";
  readonly target = hostTarget;
  readonly features: readonly string[];
  readonly #natives: ReadonlyMap<string, Native>;
  readonly #wasm: Exports;
  readonly #heap: Heap;
  readonly #panels: number;
  readonly #compiled = new Map<string, (...numbers: number[]) => void>();
  #workspace = { address: 0, bytes: 0 };
  #moved = 0;
  readonly refusals = new Set<string>();

  private constructor(
    { wasm, memory, features }: OpenModule,
    natives: ReadonlyMap<string, Native>,
    limits?: PlanLimits,
  ) {
    super(limits);
    this.features = features;
    this.#natives = natives;
    this.#wasm = wasm;
    this.#heap = new Heap(memory, wasm.heapBase());
    this.#panels = this.#heap.allocate("the packed operands of a product", wasm.productWorkspace());
  }

  /** @throws NoAdapterError where WebAssembly with SIMD is not to be had */
  static async open(limits?: PlanLimits): Promise<WasmBackend> {
    // The module and the natives are a chunk of their own, that nobody loads who does not open this backend.
    const { natives, openModule } = await import("./natives.ts");
    return new WasmBackend(await openModule(), natives, limits);
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
    const address = ({ buffer, offset }: View) => buffers[buffer]!.address + 4 * offset;
    const workspace = (bytes: number) => this.#workspaceOf(bytes);
    const native = command.type === "dispatch" ? this.#nativeStep(command, address, workspace) : undefined;
    return native ?? twinStep(command, ({ buffer, offset }: View) => buffers[buffer]!.data.subarray(offset));
  }

  /** A native may leave a case to the twin: it is asked, over addresses that no memory is needed for. */
  readonly runs: RunsOf = (command) => {
    if (command.type !== "dispatch") return undefined;
    const address = ({ buffer, offset }: View) => buffer * 2 ** 32 + 4 * offset;
    return this.#nativeStep(command, address, () => 0) ? "native" : "twin";
  };

  #nativeStep(
    command: Dispatch,
    address: (view: View) => number,
    workspace: (bytes: number) => number,
  ): (() => void) | undefined {
    const native = this.#natives.get(command.kernel);
    if (!native) return undefined;
    const kernel = kernelOf(command);
    const at = Object.fromEntries(kernel.bindings.map(({ name }, i) => [name, address(command.bindings[i]!)]));
    const numbers = Object.fromEntries(kernel.params.map(({ name }, i) => [name, command.params[i]!]));
    return native(at, numbers, this.#contextOf(command, workspace));
  }

  #contextOf({ constants, expression, cell }: Dispatch, workspace: (bytes: number) => number): NativeContext {
    return {
      constants,
      expression,
      cell: cell === undefined ? undefined : cellNamed(cell),
      wasm: this.#wasm,
      panels: this.#panels,
      workspace,
      refuse: (why) => this.refusals.add(why),
      compiled: (name, code) => this.#compile(expression ? `${name} ${keyOfExpression(expression)}` : name, code),
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
