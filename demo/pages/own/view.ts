/** What a worker says of a file, as plain data. */
import { type Plan, type PlanCounts, type RuntimeInfo, type StateDict, showBytes } from "webgpu-rnn";
import type { FileFacts } from "./file.ts";
import type { compare } from "./program.ts";

/** What is drawn of a plan. */
export interface PlanPicture {
  readonly buffers: readonly { readonly name: string; readonly role: string; readonly bytes: number }[];
  /** In the order in which they run: what they are called, and the places of the buffers that they use. */
  readonly commands: readonly { readonly what: string; readonly label: string; readonly uses: readonly number[] }[];
}

export interface Measured {
  readonly backend: "cpu" | "wasm" | "gpu";
  /** Why it is not to be had, or was left out. */
  readonly why?: string;
  readonly info?: RuntimeInfo;
  readonly milliseconds?: number;
  /** From the first backend that ran; absent for that one. */
  readonly difference?: number;
  /** Some of the last numbers. */
  readonly last?: readonly number[];
  /** Bytes on the device by what they are for. */
  readonly memory?: Readonly<Record<string, number>>;
  readonly counts?: PlanCounts;
  readonly picture?: PlanPicture;
  readonly text?: string;
}

export interface View {
  readonly facts: FileFacts;
  readonly outputs?: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly inputs?: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly measured: readonly Measured[];
}

const bytesOf = { f32: 4, i32: 4, u32: 4 } as const;
/** Commands that are drawn at most. */
const DRAWN = 240;

export function pictureOf({ buffers, commands }: Plan): PlanPicture {
  return {
    buffers: buffers.map(({ name, role, dtype, length }) => ({
      name,
      role,
      bytes: length * (bytesOf[dtype as "f32"] ?? 4),
    })),
    commands: commands.slice(0, DRAWN).map((command) => {
      if (command.type === "dispatch") {
        const uses = [...new Set(command.bindings.map(({ buffer }) => buffer))];
        return { what: command.kernel, label: command.label, uses };
      }
      const uses = command.type === "copy" ? [command.from.buffer, command.to.buffer] : [command.to.buffer];
      return { what: command.type, label: command.label, uses };
    }),
  };
}

/** A few of the last numbers that came out. */
export function lastOf(outputs: StateDict): number[] {
  const [first] = Object.values(outputs);
  return first ? Array.from(first.data.slice(-6)) : [];
}

type Compared = typeof compare extends (...given: never[]) => AsyncGenerator<infer C> ? C : never;
export type Ran = Extract<Compared, { readonly ran: unknown }>["ran"];

export { showBytes };
