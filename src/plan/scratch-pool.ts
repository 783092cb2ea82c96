import type { DType } from "../tensor-data.ts";
import type { DeviceBuffer } from "./backend.ts";
import type { BufferSpec, Plan } from "./plan.ts";

const scratchOf = ({ buffers }: Plan): BufferSpec[] => buffers.filter(({ role }) => role === "scratch");

/**
 * Scratch memory that all plans of a backend share, because it runs them one after the other. A plan's largest scratch buffer
 * is the pool's first, its second largest the second, and so on; each is as long as the longest that any loaded plan wants there.
 */
export class ScratchPool<B extends DeviceBuffer> {
  readonly #allocate: (spec: BufferSpec) => B;
  readonly #free: (buffer: B) => void;
  readonly #buffers = new Map<DType, (B | undefined)[]>();
  /** What each loaded plan wants, by its lease and dtype, longest first. */
  readonly #wanted = new Map<object, ReadonlyMap<DType, readonly number[]>>();
  #epoch = 0;

  constructor(allocate: (spec: BufferSpec) => B, free: (buffer: B) => void) {
    this.#allocate = allocate;
    this.#free = free;
  }

  /** Changes whenever a buffer was replaced: plans then have to ask again. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Makes room for a plan's scratch buffers, until `remove` is called with the same lease. Throws what allocating throws. */
  add(lease: object, plan: Plan): void {
    const wanted = new Map<DType, number[]>();
    for (const { dtype, length } of scratchOf(plan)) wanted.set(dtype, [...(wanted.get(dtype) ?? []), length]);
    for (const lengths of wanted.values()) lengths.sort((a, b) => b - a);
    this.#wanted.set(lease, wanted);
    this.#grow();
  }

  /**
   * Gives back what only this lease's plan needed: at once where `now` says so, else when half of the pool is of no use, so
   * that plans that come and go do not have it made anew each time. Allocates nothing: the device may be gone.
   */
  remove(lease: object, now = false): void {
    if (!this.#wanted.delete(lease)) return;
    const total = (lengths: Iterable<number>) => [...lengths].reduce((sum, n) => sum + n, 0);
    const has = total([...this.#buffers.values()].flatMap((all) => all.map((buffer) => buffer?.length ?? 0)));
    const wanted = this.#lengths();
    if (!now && has <= 2 * total([...wanted.values()].flat())) return;
    for (const [dtype, buffers] of this.#buffers) {
      const lengths = wanted.get(dtype) ?? [];
      buffers.forEach((buffer, k) => {
        if (!buffer || buffer.length === lengths[k]) return;
        this.#free(buffer);
        this.#epoch++;
        buffers[k] = undefined;
      });
      buffers.length = lengths.length;
    }
  }

  /** The buffers for a plan's scratch, in its order. */
  buffersFor(plan: Plan): B[] {
    this.#grow();
    const scratch = scratchOf(plan);
    const order = scratch.map((spec, at) => ({ spec, at })).sort((a, b) => b.spec.length - a.spec.length);
    const next = new Map<DType, number>();
    const result: B[] = new Array(scratch.length);
    for (const { spec, at } of order) {
      const k = next.get(spec.dtype) ?? 0;
      next.set(spec.dtype, k + 1);
      result[at] = this.#buffers.get(spec.dtype)![k]!;
    }
    return result;
  }

  /** The longest that any plan wants, by rank. */
  #lengths(): Map<DType, number[]> {
    const lengths = new Map<DType, number[]>();
    for (const wanted of this.#wanted.values()) {
      for (const [dtype, own] of wanted) {
        const most = lengths.get(dtype) ?? [];
        own.forEach((length, k) => {
          most[k] = Math.max(most[k] ?? 0, length);
        });
        lengths.set(dtype, most);
      }
    }
    return lengths;
  }

  /** Makes every buffer that is missing or too short. */
  #grow(): void {
    for (const [dtype, lengths] of this.#lengths()) {
      const buffers = this.#buffers.get(dtype) ?? [];
      this.#buffers.set(dtype, buffers);
      lengths.forEach((length, k) => {
        const old = buffers[k];
        if (old && old.length >= length) return;
        // The old one goes first: at its largest the pool is what it needs, not that and the buffer which grows.
        if (old) this.#free(old);
        this.#epoch++;
        buffers[k] = undefined;
        buffers[k] = this.#allocate({ name: `scratch ${dtype} ${k}`, role: "scratch", dtype, length });
      });
    }
  }
}
