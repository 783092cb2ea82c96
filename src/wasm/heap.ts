import { LimitError } from "../errors.ts";
import { showBytes } from "../plan/print-plan.ts";

/** Size of a page of WebAssembly memory, and how many there can be: 4 GiB. */
const PAGE = 65536;
const PAGES = 65536;
/** Buffers begin at multiples of this, a cache line. */
const ALIGNMENT = 64;
/** Kernels read whole vectors: what lies behind a buffer's last number may be read. */
const BEHIND = 16;
/** The least that the memory grows by. */
const GROWTH = 4 * 2 ** 20;

/** A piece of memory: its byte address and its size, with what lies behind it. */
interface Range {
  readonly address: number;
  readonly bytes: number;
}

/** Hands out ranges of one WebAssembly memory, which grows and never shrinks. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  /** What is free, in the order of addresses; neighbours are one range. */
  #free: Range[] = [];
  /** Where what was never handed out begins. */
  #end: number;
  #epoch = 0;

  /** @param base the first byte that the kernels' module leaves free */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.memory = memory;
    this.#end = Math.ceil(base / ALIGNMENT) * ALIGNMENT;
  }

  /** Changes whenever the memory has grown: arrays over it have to be made anew. Addresses stay. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * A range of zeros.
   * @param what names it in messages
   * @throws LimitError when there is no room, with what was needed
   */
  allocate(what: string, bytes: number): number {
    const size = Math.ceil((bytes + BEHIND) / ALIGNMENT) * ALIGNMENT;
    // The smallest that is large enough, so that large ones stay for what is large.
    let best = -1;
    for (const [i, range] of this.#free.entries())
      if (range.bytes >= size && (best < 0 || range.bytes < this.#free[best]!.bytes)) best = i;
    if (best < 0) return this.#append(what, bytes, size);
    const { address, bytes: found } = this.#free[best]!;
    if (found === size) this.#free.splice(best, 1);
    else this.#free[best] = { address: address + size, bytes: found - size };
    new Uint8Array(this.memory.buffer, address, size).fill(0);
    return address;
  }

  /** At the end of what was handed out, where the memory is zero. */
  #append(what: string, bytes: number, size: number): number {
    const last = this.#free.at(-1);
    // What is free at the end is the beginning of it.
    const address = last && last.address + last.bytes === this.#end ? last.address : this.#end;
    const end = address + size;
    const has = this.memory.buffer.byteLength;
    if (end > has) this.#grow(what, bytes, end - has);
    if (address < this.#end) {
      this.#free.pop();
      new Uint8Array(this.memory.buffer, address, this.#end - address).fill(0);
    }
    this.#end = end;
    return address;
  }

  #grow(what: string, bytes: number, needed: number): void {
    const has = this.memory.buffer.byteLength;
    const refuse = (why: string): never => {
      throw new LimitError(
        `${what} needs ${showBytes(bytes)}, and with it the WebAssembly memory ${showBytes(has + needed)}, ${why}; choose a smaller batch, window or model`,
      );
    };
    if (has + needed > PAGES * PAGE) refuse("more than its 4 GiB");
    // A quarter more, so that not every allocation has every plan bound anew; where that is not to be had, what is needed.
    const wanted = Math.min(PAGES * PAGE - has, Math.max(needed, has / 4, GROWTH));
    for (const growth of [wanted, needed]) {
      try {
        this.memory.grow(Math.ceil(growth / PAGE));
        this.#epoch++;
        return;
      } catch {}
    }
    refuse("more than this process can get");
  }

  /** Gives a range back. */
  free(address: number, bytes: number): void {
    const size = Math.ceil((bytes + BEHIND) / ALIGNMENT) * ALIGNMENT;
    let i = this.#free.findIndex((range) => range.address > address);
    if (i < 0) i = this.#free.length;
    const before = this.#free[i - 1];
    const after = this.#free[i];
    const joinsBefore = before !== undefined && before.address + before.bytes === address;
    const joinsAfter = after !== undefined && address + size === after.address;
    const from = joinsBefore ? before.address : address;
    const to = joinsAfter ? after.address + after.bytes : address + size;
    const first = joinsBefore ? i - 1 : i;
    const replaced = (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0);
    this.#free.splice(first, replaced, { address: from, bytes: to - from });
  }
}
