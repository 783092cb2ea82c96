import type { DeviceBuffer } from "./backend.ts";
import type { Derivation, Plan } from "./plan.ts";

/**
 * Tells which derived buffers of a loaded plan no longer fit the weights. A parameter's version grows with whatever writes
 * into it, the host or a plan; a derived buffer remembers the versions that it was computed from, added up.
 */
export class Freshness {
  readonly #derivations: readonly Derivation[];
  readonly #buffers: readonly (DeviceBuffer | undefined)[];
  readonly #written: readonly DeviceBuffer[];

  /**
   * @param buffers of the plan, in its order; scratch may be left out
   * @param written which of them its commands write
   */
  constructor(plan: Plan, buffers: readonly (DeviceBuffer | undefined)[], written: ReadonlySet<number>) {
    this.#derivations = plan.derivations ?? [];
    this.#buffers = buffers;
    this.#written = [...written].flatMap((id) => buffers[id] ?? []);
  }

  #versionOf({ from }: Derivation): number {
    return from.reduce((sum, id) => sum + this.#buffers[id]!.version, 0);
  }

  /** Whether derivation i has to run. */
  isStale(i: number): boolean {
    const derivation = this.#derivations[i]!;
    return this.#buffers[derivation.buffer]!.version !== this.#versionOf(derivation);
  }

  /** To be called with each replay, when its derivations are under way. */
  replayed(): void {
    for (const derivation of this.#derivations) this.#buffers[derivation.buffer]!.version = this.#versionOf(derivation);
    for (const buffer of this.#written) buffer.version++;
  }
}

/** The version of a derived buffer that was never computed. */
export const NEVER = -1;
