import type { Kernel, Numbers, TwinContext } from "../kernels/kernel.ts";
import type { Call } from "./calls.ts";
import type { Exports } from "./module.generated.ts";
import type { Team } from "./team.ts";

/** What natives work with. */
export interface NativeContext extends TwinContext {
  /** The functions of src/wasm/assembly/. */
  readonly wasm: Exports;
  /** Where `product` packs its operands: `productWorkspace()` bytes for each thread. */
  readonly panels: number;
  /** Threads that a dispatch may be divided among, and who has them; one where there is no team. */
  readonly threads: number;
  team(): Team | undefined;
  /** The address of memory for within one dispatch, which all natives share; at least this long. */
  workspace(bytes: number): number;
  /** Tells users why something of theirs is left to the twin. */
  refuse(why: string): void;
  /** A WebAssembly module over the same memory, by a name that says what is in it besides the dispatch's expression. Its `run`. */
  compiled(name: string, code: () => Uint8Array<ArrayBuffer>): Call;
}

/**
 * The type of a kernel's native: from the byte address of each binding (its offset included) and the params it makes what a
 * dispatch does each time; undefined for what it leaves to the twin.
 */
export type NativeOf<K> =
  K extends Kernel<infer B, infer P>
    ? (
        at: { readonly [Name in B[number]["name"]]: number },
        numbers: Numbers<P>,
        context: NativeContext,
      ) => (() => void) | undefined
    : never;

/** Any of them, as the backend calls it. */
export type Native = (
  at: Readonly<Record<string, number>>,
  numbers: Readonly<Record<string, number>>,
  context: NativeContext,
) => (() => void) | undefined;

/** The addresses of pieces of the workspace, each for so many bytes. */
export function pieces({ workspace }: NativeContext, ...bytes: readonly number[]): number[] {
  const sizes = bytes.map((size) => Math.ceil((size + 16) / 64) * 64);
  let at = workspace(sizes.reduce((sum, size) => sum + size, 0));
  return sizes.map((size) => {
    at += size;
    return at - size;
  });
}

/** From how many multiplications and additions on a dispatch is divided: some dozen microseconds. */
const WORTH = 1e6;

/** How many threads so much work is worth. */
export const threadsFor = ({ threads }: NativeContext, flops: number): number => (flops < WORTH ? 1 : threads);

/** Where the products of one thread of a dispatch pack their operands. */
export const panelsOf = ({ wasm, panels }: NativeContext, thread: number): number =>
  panels + thread * wasm.productWorkspace();
