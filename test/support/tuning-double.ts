import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Module } from "../../src/node.ts";
import type { Backend, LoadedPlan, Memory, Owner } from "../../src/plan/backend.ts";
import type { Dispatch, Plan, Target } from "../../src/plan/plan.ts";
import { type Tuning, tune } from "../../src/tuning/tune.ts";
import type { TuneOptions } from "../../src/tuning/tune-options.ts";

/** An adapter that tests measure on. */
export const adapter = { vendor: "v", architecture: "a", device: "d", description: "test adapter", software: false };

/** How a double behaves. */
export interface Behaviour {
  readonly software?: boolean;
  /** Milliseconds that a dispatch takes. */
  cost?(dispatch: Dispatch): number;
  /** Dispatches that compute something wrong. */
  isWrong?(dispatch: Dispatch): boolean;
  /** Is called before every replay. */
  onRun?(plan: Plan): void;
}

/** Computes with the twins, says that it is a GPU, and has a clock that dispatches put forward. */
export class GpuDouble implements Backend {
  readonly kind = "gpu";
  readonly target: Target;
  readonly lost = new Promise<never>(() => {});
  readonly #host = new CpuBackend();
  readonly #behaviour: Behaviour;
  milliseconds = 0;
  /** Plans that were loaded and are not disposed. */
  readonly loaded = new Set<Plan>();
  replays = 0;

  constructor(behaviour: Behaviour = {}) {
    this.#behaviour = behaviour;
    this.target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: behaviour.software ?? false };
  }

  get budget() {
    return this.#host.budget;
  }
  get allocations() {
    return this.#host.allocations;
  }
  allocate: Backend["allocate"] = (spec, owner) => this.#host.allocate(spec, owner);
  free: Backend["free"] = (buffer) => this.#host.free(buffer);
  write: Backend["write"] = (buffer, data, offset) => this.#host.write(buffer as never, data, offset);
  read: Backend["read"] = (buffers) => this.#host.read(buffers as never);

  async load(plan: Plan, owner?: Owner, memory?: Memory): Promise<LoadedPlan> {
    const { cost = () => 10, isWrong = () => false, onRun } = this.#behaviour;
    const dispatches = plan.commands.filter((command) => command.type === "dispatch");
    // A wrong dispatch computes nothing.
    const commands = plan.commands.filter((command) => command.type !== "dispatch" || !isWrong(command));
    const loaded = await this.#host.load({ ...plan, commands }, owner, memory);
    this.loaded.add(plan);
    const took = dispatches.reduce((sum, dispatch) => sum + cost(dispatch), 0);
    return {
      plan,
      bytes: 0,
      buffer: (name) => loaded.buffer(name),
      write: (name, data, offset) => loaded.write(name, data, offset),
      run: () => loaded.run(),
      runAndRead: (names) => {
        onRun?.(plan);
        this.replays++;
        this.milliseconds += took;
        return loaded.runAndRead(names);
      },
      dispose: () => {
        this.loaded.delete(plan);
        loaded.dispose();
      },
    };
  }

  dispose(): void {
    this.#host.dispose();
  }

  /** Tunes a model on this double. */
  tune(model: Module, options: TuneOptions) {
    const weights = new Weights(this, model, 0);
    const tuning: Tuning = { backend: this, adapter, weights, now: () => this.milliseconds };
    return tune(tuning, options);
  }
}

/** Has everything that this process keeps go to a folder of its own. @returns the folder, and how to undo that */
export function ownCache(name: string): { readonly folder: string; restore(): void } {
  const before = process.env.XDG_CACHE_HOME;
  const folder = join(tmpdir(), `webgpu-rnn-${name}-${process.pid}`);
  process.env.XDG_CACHE_HOME = folder;
  return {
    folder: join(folder, "webgpu-rnn"),
    restore() {
      rmSync(folder, { recursive: true, force: true });
      if (before === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = before;
    },
  };
}
