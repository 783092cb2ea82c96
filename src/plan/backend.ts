import { type DeviceLostError, DisposedError } from "../errors.ts";
import type { DType, NumberArray } from "../tensor-data.ts";
import type { BufferSpec, Command, Plan, Role, Target } from "./plan.ts";
import type { PlanBudget } from "./plan-budget.ts";

/** Whose memory it is, as `Runtime.memory` tells it. */
export interface Owner {
  /** The model; absent for what belongs to the backend. */
  readonly model?: string;
  /** What of it: "weights", a trainer, a session, or a plan with its shapes. */
  readonly part: string;
}

/** A piece of memory that is in use. */
export interface Allocation {
  /** What plans have besides their buffers: the uniforms of their dispatches, and staging memory for reading back. */
  readonly role: Role | "uniform" | "staging";
  readonly bytes: number;
  readonly owner: Owner;
}

/** Memory of a backend. */
export interface DeviceBuffer extends Allocation {
  readonly name: string;
  readonly role: Role;
  readonly dtype: DType;
  /** In elements. */
  readonly length: number;
  /** It was given back: whoever still has it must not use it. */
  isFreed?: true;
  /** How often something was written into it; for a derived buffer the versions that its sources had then, added up. */
  version: number;
}

/** Who keeps the memory that is neither scratch nor a plan's own. */
export interface Memory {
  /** The buffer that a plan is to use; undefined where there is none yet. */
  find(spec: BufferSpec): DeviceBuffer | undefined;
  /** Who gets a buffer that a plan needed and that was not there; undefined: the plan itself. */
  ownerOf(spec: BufferSpec): Owner | undefined;
  /** Takes over such a buffer, before the plan that needed it runs. */
  keep(buffer: DeviceBuffer): void;
}

/** A plan with its memory, ready to be replayed. */
export interface LoadedPlan {
  readonly plan: Plan;
  /** Memory of its own, in bytes: inputs, outputs, constants, uniforms and staging. */
  readonly bytes: number;
  /** The buffer of this name, for reading it later or sharing it with another plan. */
  buffer(name: string): DeviceBuffer;
  /** Sets an input (or state) from its `offset` on, in elements. Takes effect before the next replay. */
  write(name: string, data: NumberArray, offset?: number): void;
  /** Replays the plan. Returns at once on a GPU. */
  run(): void;
  /**
   * Replays the plan and reads buffers back without stalling what comes after: the promise resolves when the device
   * got there. Reads that are under way at once need staging memory of their own.
   */
  runAndRead(names: readonly string[]): Promise<NumberArray[]>;
  dispose(): void;
}

/** What `Runtime.open` can be asked for. */
export const backendChoices = ["auto", "gpu", "wasm", "cpu"] as const;
export type BackendChoice = (typeof backendChoices)[number];

/** Something that runs plans. */
export interface Backend {
  readonly kind: Exclude<BackendChoice, "auto">;
  readonly target: Target;
  /** Which plans stay loaded. */
  readonly budget: PlanBudget;
  /** Everything that was allocated and not freed. */
  readonly allocations: Iterable<Allocation>;
  /** Resolves if the device goes away; never for the CPU. */
  readonly lost: Promise<DeviceLostError>;
  /** Memory set to zero. */
  allocate(spec: BufferSpec, owner: Owner): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  write(buffer: DeviceBuffer, data: NumberArray, offset?: number): void;
  /** What all of them hold at one moment: after everything that was run before the call, and before what is run after it. */
  read(buffers: readonly DeviceBuffer[]): Promise<NumberArray[]>;
  /**
   * Prepares a plan. Scratch is the backend's; other buffers are those that `memory` finds, else new.
   * @param owner of what is the plan's own; default its name
   * @throws LimitError when it does not fit; nothing is left behind then
   */
  load(plan: Plan, owner?: Owner, memory?: Memory): Promise<LoadedPlan>;
  /** How many threads share work now; absent where it has none of its own. */
  readonly threads?: number;
  /** What of the user's own it cannot run fast, and why, in a sentence each; absent where there is no such thing. */
  readonly refusals?: Iterable<string>;
  /** Which way it runs a command; absent where it has only one. */
  readonly runs?: RunsOf;
  dispose(): void;
}

/** How a command runs: by a native of the backend's, or by its kernel's twin; undefined for what has no such choice. */
export type RunsOf = (command: Command) => "native" | "twin" | undefined;

/** @throws DisposedError when memory was given back that is still to be used, such as that of a model that was released */
export function checkUsable(what: string, buffers: Iterable<DeviceBuffer | undefined>): void {
  for (const buffer of buffers) {
    if (!buffer?.isFreed) continue;
    const { model, part } = buffer.owner;
    throw new DisposedError(
      `${what}: the memory of ${model ? `${model}, ${part},` : part} was given back; make it again`,
    );
  }
}

/** Nobody's: a plan then keeps all that it needs. */
export const noMemory: Memory = { find: () => undefined, ownerOf: () => undefined, keep: () => {} };
