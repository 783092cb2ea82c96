import type { DeviceLostError } from "../errors.ts";
import type { DType, NumberArray } from "../tensor-data.ts";
import type { Plan, Target } from "./plan.ts";

/** Memory of a backend. */
export interface DeviceBuffer {
  readonly name: string;
  readonly dtype: DType;
  readonly length: number;
}

/** A plan with its memory, ready to be replayed. */
export interface LoadedPlan {
  readonly plan: Plan;
  /** The buffer of this name, for reading it later or sharing it with another plan. */
  buffer(name: string): DeviceBuffer;
  /** Sets an input (or state) from its `offset` on, in elements. Takes effect before the next replay. */
  write(name: string, data: NumberArray, offset?: number): void;
  /** Replays the plan. Returns at once on a GPU. */
  run(): void;
  /**
   * Replays the plan and reads buffers back without stalling what comes after: the promise resolves when the device
   * got there. Up to `RING` reads of the same names may be under way before new staging memory is needed.
   */
  runAndRead(names: readonly string[]): Promise<NumberArray[]>;
  dispose(): void;
}

/** Reads that may be under way at once. */
export const RING = 4;

/** Something that runs plans. */
export interface Backend {
  readonly kind: "gpu" | "cpu";
  readonly target: Target;
  /** Resolves if the device goes away; never for the CPU. */
  readonly lost: Promise<DeviceLostError>;
  /** Memory set to zero. */
  allocate(name: string, dtype: DType, length: number): DeviceBuffer;
  free(buffer: DeviceBuffer): void;
  write(buffer: DeviceBuffer, data: NumberArray, offset?: number): void;
  read(buffers: readonly DeviceBuffer[]): Promise<NumberArray[]>;
  /** Prepares a plan. Buffers that are not scratch are taken from `bound` by name where it has them, else allocated. */
  load(plan: Plan, bound: ReadonlyMap<string, DeviceBuffer>): Promise<LoadedPlan>;
  dispose(): void;
}
