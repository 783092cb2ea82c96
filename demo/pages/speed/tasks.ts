/** What is measured, in which sizes, and how much work each is. */
import type { RuntimeInfo } from "webgpu-rnn";

export const cells = ["lstm", "gru", "rnn"] as const;
export type Cell = (typeof cells)[number];

/** T steps of B sequences, H inputs and H units: a forward pass, an update, or one step of B streams (T is 1). */
export interface NetworkTask {
  readonly kind: "forward" | "training" | "stream";
  readonly cell: Cell;
  readonly T: number;
  readonly B: number;
  readonly H: number;
}

export type Task =
  | NetworkTask
  /** Characters that a network draws one after the other. */
  | { readonly kind: "write"; readonly cell: Cell; readonly H: number; readonly count: number }
  /** So many products of square matrices in a row, each a dispatch, in one submit. */
  | { readonly kind: "product"; readonly N: number; readonly count: number }
  | { readonly kind: "copy"; readonly bytes: number; readonly count: number }
  /** So many submits of three tiny dispatches, the last one with its result read back. */
  | { readonly kind: "submit"; readonly count: number };

export type Kind = Task["kind"];

export const isNetwork = (task: Task): task is NetworkTask =>
  task.kind === "forward" || task.kind === "training" || task.kind === "stream";

/** What the others vary, one number at a time. */
export const base = { T: 32, B: 8, H: 64 } as const;

/** From these two, what one dispatch and one submit more cost. */
export const few = 1;
export const many = 65;

/** What one number goes through while the others stay; a larger set goes on, and a GPU that is one still further. */
const sizes = {
  T: [8, 32, 128, 256, 512],
  B: [1, 4, 8, 32, 128, 512],
  H: [16, 32, 64, 128, 256, 512, 1024],
  N: [64, 128, 256, 512, 1024, 2048],
  bytes: [2 ** 14, 2 ** 18, 2 ** 21, 2 ** 24, 2 ** 26, 2 ** 27],
} as const;
const sets = {
  small: { T: 128, B: 32, H: 256, N: 512, bytes: 2 ** 24 },
  large: { T: 512, B: 128, H: 512, N: 1024, bytes: 2 ** 26 },
  largeOnGpu: { T: 512, B: 512, H: 1024, N: 2048, bytes: 2 ** 27 },
} as const;

export interface SetOptions {
  readonly cell: Cell;
  readonly isLarge: boolean;
  /** A GPU that is one is measured on more work: it has done the small one before a clock has seen it. */
  readonly isGpu: boolean;
}

export const isGpu = ({ backend, adapter }: Pick<RuntimeInfo, "backend" | "adapter">): boolean =>
  backend === "gpu" && !adapter?.software;

/** In the order in which they are measured: what says most comes first. */
export function tasksOf({ cell, isLarge, isGpu }: SetOptions): Task[] {
  const most = sets[isLarge ? (isGpu ? "largeOnGpu" : "large") : "small"];
  const each = <T>(name: keyof typeof sizes, make: (size: number) => T | T[]): T[] =>
    sizes[name].filter((size) => size <= most[name]).flatMap(make);
  const count = isGpu ? 32 : 4;
  const updates = (changed: Partial<NetworkTask> = {}): Task[] =>
    (["forward", "training"] as const).map((kind) => ({ kind, cell, ...base, ...changed }));
  const all = (changed: Partial<NetworkTask> = {}): Task[] => [
    ...updates(changed),
    { kind: "stream", cell, ...base, ...changed, T: 1 },
  ];
  const tasks: Task[] = [
    ...each("N", (N): Task => ({ kind: "product", N, count })),
    ...each("bytes", (bytes): Task => ({ kind: "copy", bytes, count })),
    ...all(),
    ...[few, many].map((count): Task => ({ kind: "product", N: 4, count })),
    ...[few, many].map((count): Task => ({ kind: "submit", count })),
    ...each("B", (B) => all({ B })),
    ...each("T", (T) => updates({ T })),
    ...each("H", (H) => all({ H })),
    { kind: "write", cell, H: base.H, count: 200 },
  ];
  return [...new Map(tasks.map((task) => [JSON.stringify(task), task])).values()];
}

const gates: Readonly<Record<Cell, number>> = { lstm: 4, gru: 3, rnn: 1 };
const BYTES = 4;

/** Multiplications and additions of the matrix products; gates and losses add a few in a hundred. */
export function flopsOf(task: Task): number {
  if (task.kind === "product") return 2 * task.N ** 3 * task.count;
  if (!isNetwork(task)) return 0;
  const { kind, cell, T, B, H } = task;
  const forward = 2 * gates[cell] * H * (H + H) * B * T;
  // Backwards, each product becomes two: for what came before, and for the weights.
  return kind === "training" ? 3 * forward : forward;
}

/**
 * Bytes that are read and written when each tensor comes from memory whenever a dispatch needs it: W once, R at each step, x, the
 * gates and h going in and out.
 */
export function bytesOf(task: Task): number {
  if (task.kind === "product") return 3 * task.N ** 2 * BYTES * task.count;
  if (task.kind === "copy") return 2 * task.bytes * task.count;
  if (!isNetwork(task)) return 0;
  const { kind, cell, T, B, H } = task;
  const G = gates[cell];
  const forward = BYTES * (G * H * H + T * (G * H * H + B * (H + 2 * G * H + 2 * H)));
  return kind === "training" ? 3 * forward : forward;
}

/** Operations for each byte: arithmetic intensity. */
export const intensityOf = (task: Task): number => flopsOf(task) / bytesOf(task);
