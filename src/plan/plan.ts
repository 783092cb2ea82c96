import type { DType } from "../tensor-data.ts";
import type { Expression } from "./expression.ts";

/**
 * What a buffer is for, and so whose memory it is.
 * - `parameter`: weights, one arena for the whole model; shared by every plan of the model
 * - `derived`: computed from weights alone, such as a packed copy of R, and only when these have changed; the model's
 * - `gradient`: gradients of the weights, laid out as the arena; the model's, shared by its plans
 * - `moment`: what an optimizer keeps for each weight, laid out as the arena; the trainer's
 * - `state`: carried from one replay to the next, such as h and c; the trainer's, session's, generator's or evaluator's
 * - `constant`: numbers that never change; the plan's
 * - `input`: written by the host before a replay; the plan's
 * - `output`: may be read by the host after a replay; the plan's
 * - `scratch`: only within one replay; the backend's, shared by all its plans
 */
export const roles = [
  "parameter",
  "derived",
  "gradient",
  "moment",
  "state",
  "constant",
  "input",
  "output",
  "scratch",
] as const;
export type Role = (typeof roles)[number];

export interface BufferSpec {
  readonly name: string;
  readonly role: Role;
  readonly dtype: DType;
  /** In elements. */
  readonly length: number;
  /** What a constant holds. */
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
  /** What a pointwise kernel computes. */
  readonly expression?: Expression;
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

/** How a derived buffer is computed. */
export interface Derivation {
  /** Index into `Plan.buffers`, as those in `from`. */
  readonly buffer: number;
  /** The parameters that it depends on. */
  readonly from: readonly number[];
  readonly commands: readonly Command[];
}

/** What a replay does, as plain data. Made once for a model and its shapes, run by any executor. */
export interface Plan {
  readonly name: string;
  readonly buffers: readonly BufferSpec[];
  /** Run at the beginning of a replay, in order, where the weights have changed since they last ran; default none. */
  readonly derivations?: readonly Derivation[];
  /** States that lie in other buffers than one of their name: where a replay reads them, and where it leaves them. */
  readonly states?: Readonly<Record<string, { readonly before: View; readonly after: View }>>;
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
  /** Invocations of a subgroup, where all have as many and shaders may exchange numbers in them. */
  readonly subgroup?: number | undefined;
  /** Variants that were measured on this machine, by `questionKey`. They go before the built-in tables. */
  readonly tuned?: Readonly<Record<string, unknown>> | undefined;
  /** Is told of every choice that is made for a plan. */
  readonly onChoice?: (choice: VariantChoice) => void;
}

/** What the scheduler asked for, and the variant that it got. */
export interface VariantChoice {
  readonly kernel: string;
  readonly shape: Readonly<Record<string, number>>;
  readonly variant: unknown;
}

/** The host's memory, and no workgroups. */
export const hostTarget: Target = { maxBufferSize: 2 ** 32, maxWorkgroups: 65535, software: true };

/** WebGPU's guaranteed limits on a hardware GPU; a binding is smaller than a buffer there. */
export const defaultTarget: Target = { maxBufferSize: 128 * 2 ** 20, maxWorkgroups: 65535, software: false };

/** The views that a command reads and writes. */
export function viewsOf(command: Command): readonly View[] {
  if (command.type === "dispatch") return command.bindings;
  return command.type === "copy" ? [command.from, command.to] : [command.to];
}

/** Every command of a plan, those of its derivations first. */
export const commandsOf = (plan: Plan): Command[] => [
  ...(plan.derivations ?? []).flatMap(({ commands }) => commands),
  ...plan.commands,
];
