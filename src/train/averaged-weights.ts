import { pageName } from "../graph/parameter-layout.ts";
import type { Backend, DeviceBuffer, Memory, Owner } from "../plan/backend.ts";
import type { BufferSpec } from "../plan/plan.ts";

/** The averages of a model's weights, for plans that are to use them in place of the weights. */
export class AveragedWeights implements Memory {
  readonly #backend: Backend;
  readonly #pages: readonly DeviceBuffer[];
  readonly #owner: Owner;
  /** What is derived from the averages. */
  readonly #derived = new Map<string, DeviceBuffer>();
  #disposed = false;

  constructor(backend: Backend, pages: readonly DeviceBuffer[], owner: Owner) {
    this.#backend = backend;
    this.#pages = pages;
    this.#owner = owner;
  }

  get version(): number {
    return this.#pages.reduce((sum, { version }) => sum + version, 0);
  }

  find({ role, name }: BufferSpec): DeviceBuffer | undefined {
    if (role === "derived") return this.#derived.get(name);
    return role === "parameter" ? this.#pages.find((_, page) => pageName.parameter(page) === name) : undefined;
  }

  ownerOf({ role }: BufferSpec): Owner | undefined {
    return role === "derived" ? this.#owner : undefined;
  }

  keep(buffer: DeviceBuffer): void {
    if (this.#disposed) this.#backend.free(buffer);
    else this.#derived.set(buffer.name, buffer);
  }

  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#derived.values()) this.#backend.free(buffer);
    this.#derived.clear();
  }
}
