import { StateDictError } from "../errors.ts";
import { pageName } from "../graph/parameter-layout.ts";
import { trainingName } from "../graph/update-parameters.ts";
import { faultsOf } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, DeviceBuffer, Memory, Owner } from "../plan/backend.ts";
import type { BufferSpec } from "../plan/plan.ts";
import type { NumberArray, StateDict } from "../tensor-data.ts";
import type { Optimizer } from "./optimizers.ts";

/** What a trainer keeps for every weight, laid out as the weights are, under its prefix in the state dict. */
interface Kept {
  readonly prefix: string;
  /** By page. */
  readonly buffers: readonly DeviceBuffer[];
}

/** A trainer's memory: the optimizer's moments, averages of the weights, and gradients that are accumulated. */
export class TrainerMemory implements Memory {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #owner: Owner;
  readonly #optimizer: Optimizer;
  readonly #moments: readonly Kept[];
  readonly #average: Kept | undefined;
  readonly #byName = new Map<string, DeviceBuffer>();
  #disposed = false;

  constructor(backend: Backend, weights: Weights, owner: Owner, options: { optimizer: Optimizer; average: boolean }) {
    this.#backend = backend;
    this.#weights = weights;
    this.#owner = owner;
    this.#optimizer = options.optimizer;
    const { moments, initialMoments } = options.optimizer;
    this.#moments = moments.flatMap((slot, i) =>
      slot === undefined
        ? []
        : [this.#keepFor(`optimizer.${slot}.`, (page) => pageName.moments(page, i), initialMoments[i] ?? 0)],
    );
    this.#average = options.average ? this.#keepFor("average.", trainingName.average, 0) : undefined;
  }

  #keepFor(prefix: string, nameOf: (page: number) => string, initial: number): Kept {
    const buffers = this.#weights.layout.pages.map((length, page) => {
      const spec = { name: nameOf(page), role: "moment", dtype: "f32", length } as const;
      const buffer = this.#backend.allocate(spec, this.#owner);
      if (initial !== 0) this.#backend.write(buffer, new Float64Array(length).fill(initial));
      this.#byName.set(buffer.name, buffer);
      return buffer;
    });
    return { prefix, buffers };
  }

  find(spec: BufferSpec): DeviceBuffer | undefined {
    return spec.role === "moment" ? this.#byName.get(spec.name) : this.#weights.find(spec);
  }

  ownerOf(spec: BufferSpec): Owner | undefined {
    return spec.role === "moment" ? this.#owner : this.#weights.ownerOf(spec);
  }

  keep(buffer: DeviceBuffer): void {
    if (buffer.role !== "moment") this.#weights.keep(buffer);
    else if (this.#disposed) this.#backend.free(buffer);
    else this.#byName.set(buffer.name, buffer);
  }

  /** The averages of the weights, by page. */
  get averages(): readonly DeviceBuffer[] {
    return this.#average?.buffers ?? [];
  }

  /** What a state dict holds, besides the weights. */
  #kept(hasAverage: boolean): readonly Kept[] {
    return hasAverage && this.#average ? [...this.#moments, this.#average] : this.#moments;
  }

  /** All that holds what a state dict is made of, for `pick`. */
  buffers(hasAverage: boolean): readonly DeviceBuffer[] {
    return [...this.#weights.pages, ...this.#kept(hasAverage).flatMap(({ buffers }) => buffers)];
  }

  /** The state dict of what `buffers` held. */
  pick(values: readonly NumberArray[], hasAverage: boolean): StateDict {
    const pages = this.#weights.pages.length;
    const dict = this.#weights.pick(values, "model.");
    this.#kept(hasAverage).forEach(({ prefix }, i) => {
      Object.assign(dict, this.#weights.pick(values.slice((i + 1) * pages), prefix));
    });
    return dict;
  }

  /** @throws StateDictError when numbers besides the weights are missing, or do not fit */
  check(dict: StateDict, hasAverage: boolean): void {
    const { name: optimizer } = this.#optimizer;
    for (const { prefix } of this.#kept(hasAverage)) {
      for (const { name, shape } of this.#weights.parts) {
        const tensor = dict[prefix + name];
        if (!tensor)
          throw new StateDictError(
            `${prefix}${name} is missing: the checkpoint was not made with ${prefix === "average." ? "ema" : `${optimizer} and these options`}; resume with the ${prefix === "average." ? "trainer's options" : "optimizer"} that it was made with`,
          );
        const [fault] = faultsOf(prefix + name, tensor, shape);
        if (fault) throw new StateDictError(`${fault}; resume with the sizes that the checkpoint was made with`);
      }
    }
  }

  /** Writes what `check` has passed. */
  load(dict: StateDict, hasAverage: boolean): void {
    for (const { prefix, buffers } of this.#kept(hasAverage)) this.#weights.writeInto(buffers, dict, prefix);
  }

  /** The weights and their averages as they are now: for going back to them. */
  async snapshot(): Promise<() => void> {
    const all = [this.#weights.pages, this.averages];
    const values = await this.#backend.read(all.flat());
    const dicts = [values, values.slice(this.#weights.pages.length)].map((of, i) =>
      all[i]!.length > 0 ? this.#weights.pick(of, "") : undefined,
    );
    return () => {
      dicts.forEach((dict, i) => {
        if (dict) this.#weights.writeInto(all[i]!, dict, "");
      });
    };
  }

  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#byName.values()) this.#backend.free(buffer);
    this.#byName.clear();
  }
}
