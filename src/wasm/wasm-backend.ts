import { cellNamed } from "../cells/cell.ts";
import { HostBackend, type HostBuffer } from "../cpu/host-backend.ts";
import { twinStep } from "../cpu/twin-step.ts";
import { NoAdapterError } from "../errors.ts";
import { kernelOf } from "../kernels/kernel.ts";
import type { RunsOf } from "../plan/backend.ts";
import { keyOfExpression } from "../plan/expression.ts";
import { type BufferSpec, type Command, type Dispatch, hostTarget, type View } from "../plan/plan.ts";
import type { PlanLimits } from "../plan/plan-budget.ts";
import type { NumberArray } from "../tensor-data.ts";
import type { Call } from "./calls.ts";
import { Heap } from "./heap.ts";
import type { Exports } from "./module.generated.ts";
import type { OpenModule } from "./module.ts";
import type { Native, NativeContext } from "./native.ts";
import { type WorkerStarter, workerStarter } from "./start-worker.ts";
import { Team } from "./team.ts";

/** Threads by default, where there are more processors. */
const MOST = 8;

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
  readonly #compiled = new Map<string, Call>();
  #workspace = { address: 0, bytes: 0 };
  #moved = 0;
  readonly #isShared: boolean;
  #startTeam: (() => Team) | undefined;
  #team: Team | undefined;
  /** What was compiled of cells and expressions. */
  readonly #modules: { readonly bytes: Uint8Array<ArrayBuffer>; readonly exports: object }[] = [];
  readonly #threads: number;
  readonly #forSharedMemory: OpenModule["forSharedMemory"];
  readonly refusals = new Set<string>();

  private constructor(
    { wasm, memory, features, modules, forSharedMemory }: OpenModule,
    natives: ReadonlyMap<string, Native>,
    limits: PlanLimits | undefined,
    threads: number,
    starter?: WorkerStarter,
  ) {
    super(limits);
    this.features = features;
    this.#natives = natives;
    this.#wasm = wasm;
    this.#heap = new Heap(memory, wasm.heapBase());
    this.#panels = this.#heap.allocate("the packed operands of a product", threads * wasm.productWorkspace());
    this.#forSharedMemory = forSharedMemory;
    this.#threads = threads;
    this.#isShared = starter !== undefined;
    this.#startTeam = starter && (() => new Team(starter, threads - 1, memory, modules));
  }

  /**
   * @param threads at most; default as many as there are processors, up to 8, where memory can be shared, else 1
   * @throws NoAdapterError where WebAssembly with SIMD is not to be had, or threads that were asked for
   */
  static async open(limits?: PlanLimits, threads?: number): Promise<WasmBackend> {
    // The module and the natives are a chunk of their own, that nobody loads who does not open this backend.
    const { natives, openModule } = await import("../natives-on-demand.ts");
    const starter = threads === 1 ? undefined : workerStarter();
    if (threads !== undefined && threads > 1 && !starter)
      throw new NoAdapterError(
        `threads is ${threads}, but memory cannot be shared here: a page has to be isolated from other origins (its headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy); leave threads out`,
      );
    const count = Math.max(1, threads ?? Math.min(MOST, starter?.processors ?? 1));
    if (count > 1) {
      try {
        return new WasmBackend(await openModule(true), natives, limits, count, starter);
      } catch (error) {
        // Memory that is shared may be had less of. Nobody asked for it where threads were left out.
        if (threads !== undefined) throw error;
      }
    }
    return new WasmBackend(await openModule(false), natives, limits, 1);
  }

  /** How many threads share the work that is worth dividing: one until the workers have started, and after one has failed. */
  get threads(): number {
    return this.#team?.isReady ? this.#threads : 1;
  }

  override dispose(): void {
    super.dispose();
    this.#team?.dispose();
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
    const team = () => this.#teamOf();
    const native = command.type === "dispatch" ? this.#nativeStep(command, address, { workspace, team }) : undefined;
    return native ?? twinStep(command, ({ buffer, offset }: View) => buffers[buffer]!.data.subarray(offset));
  }

  /** A native may leave a case to the twin: it is asked, over addresses that no memory is needed for. */
  readonly runs: RunsOf = (command) => {
    if (command.type !== "dispatch") return undefined;
    const address = ({ buffer, offset }: View) => buffer * 2 ** 32 + 4 * offset;
    return this.#nativeStep(command, address, { workspace: () => 0, team: () => undefined }) ? "native" : "twin";
  };

  #nativeStep(
    command: Dispatch,
    address: (view: View) => number,
    means: Pick<NativeContext, "workspace" | "team">,
  ): (() => void) | undefined {
    const native = this.#natives.get(command.kernel);
    if (!native) return undefined;
    const kernel = kernelOf(command);
    const at = Object.fromEntries(kernel.bindings.map(({ name }, i) => [name, address(command.bindings[i]!)]));
    const numbers = Object.fromEntries(kernel.params.map(({ name }, i) => [name, command.params[i]!]));
    return native(at, numbers, this.#contextOf(command, means));
  }

  #contextOf(
    { constants, expression, cell }: Dispatch,
    means: Pick<NativeContext, "workspace" | "team">,
  ): NativeContext {
    return {
      constants,
      expression,
      cell: cell === undefined ? undefined : cellNamed(cell),
      wasm: this.#wasm,
      panels: this.#panels,
      threads: this.#threads,
      ...means,
      refuse: (why) => this.refusals.add(why),
      compiled: (name, code) => this.#compile(expression ? `${name} ${keyOfExpression(expression)}` : name, code),
    } as NativeContext;
  }

  /** Workers are started when something is divided for the first time; small models never have any. */
  #teamOf(): Team | undefined {
    if (!this.#team && this.#startTeam) {
      try {
        this.#team = this.#startTeam();
      } catch {
        // A page may forbid workers: `threads` stays one.
        this.#startTeam = undefined;
        return undefined;
      }
      for (const { bytes, exports } of this.#modules) this.#team.add(bytes, exports);
    }
    return this.#team;
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

  #compile(name: string, code: () => Uint8Array<ArrayBuffer>): Call {
    const known = this.#compiled.get(name);
    if (known) return known;
    const bytes = this.#isShared ? this.#forSharedMemory(code()) : code();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.#heap.memory } });
    this.#modules.push({ bytes, exports });
    this.#team?.add(bytes, exports);
    const run = exports.run as Call;
    this.#compiled.set(name, run);
    return run;
  }
}
