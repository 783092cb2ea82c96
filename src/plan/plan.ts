import type { DType } from "../tensor-data.ts";

/**
 * What a buffer is for.
 * - `parameter`: weights, one arena for the whole model; shared by every plan of the model
 * - `gradient`: gradients of the weights, laid out as the arena
 * - `state`: lives from one replay to the next: carried h and c, optimizer moments, constants
 * - `input`: written by the host before a replay
 * - `output`: may be read by the host after a replay
 * - `scratch`: only within one replay; several of them may share memory
 */
export type Role = "parameter" | "gradient" | "state" | "input" | "output" | "scratch";

export interface BufferSpec {
  readonly name: string;
  readonly role: Role;
  readonly dtype: DType;
  /** In elements of 4 bytes. */
  readonly length: number;
  /** What it holds before the first replay, for constants; default zeros. */
  readonly initial?: readonly number[];
}

/** A stretch of a buffer: index into `Plan.buffers`, offset and length in elements. */
export interface View {
  readonly buffer: number;
  readonly offset: number;
  readonly length: number;
}

/** What is fixed when a kernel is compiled: register tile sizes, switches. */
export type Constants = Readonly<Record<string, number | boolean>>;

export interface Dispatch {
  readonly type: "dispatch";
  readonly kernel: string;
  readonly label: string;
  /** One view for each binding of the kernel, in its order. */
  readonly bindings: readonly View[];
  /** The kernel's uniform, in its order, offsets of the views not included. */
  readonly params: readonly number[];
  readonly constants: Constants;
  /** Name of the cell whose fragment is composed in. */
  readonly cell?: string;
  /** Workgroups along x, y, z. */
  readonly grid: readonly [number, number, number];
}

export interface Copy {
  readonly type: "copy";
  readonly label: string;
  readonly from: View;
  readonly to: View;
}

/** Sets a stretch to zero. */
export interface Clear {
  readonly type: "clear";
  readonly label: string;
  readonly to: View;
}

export type Command = Dispatch | Copy | Clear;

/** A whole replayable piece of work as plain data. Made once for a model and its shapes, run by any executor. */
export interface Plan {
  readonly name: string;
  readonly buffers: readonly BufferSpec[];
  readonly commands: readonly Command[];
}

/** What the scheduler must know of the machine that a plan is for; all sizes in bytes. */
export interface Target {
  /** The largest buffer, and the largest stretch that one binding may show. */
  readonly maxBufferSize: number;
  /** Workgroups along one axis of a grid. */
  readonly maxWorkgroups: number;
  /** A CPU that plays a GPU (lavapipe, SwiftShader): barriers are dear there, registers cheap. */
  readonly software: boolean;
}

/** The views that a command reads and writes. */
export function viewsOf(command: Command): readonly View[] {
  if (command.type === "dispatch") return command.bindings;
  return command.type === "copy" ? [command.from, command.to] : [command.to];
}
