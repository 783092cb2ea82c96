import { buildPlan } from "../graph/build-plan.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import type { NumberArray } from "../tensor-data.ts";

/** What states begin with where that is learned: computed from the weights each time, because these may have changed. */
export class InitialStates {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #outputs: Readonly<Record<string, Tensor>>;
  readonly #plans: LoadedPlans<{ readonly loaded: LoadedPlan }>;

  /** @param starts by path */
  constructor(backend: Backend, weights: Weights, starts: ReadonlyMap<string, Tensor>) {
    this.#backend = backend;
    this.#weights = weights;
    this.#outputs = Object.fromEntries(starts);
    this.#plans = new LoadedPlans(backend.budget);
  }

  /** The numbers by path; empty where nothing is learned. */
  async read(): Promise<Readonly<Record<string, NumberArray>>> {
    const paths = Object.keys(this.#outputs);
    if (paths.length === 0) return {};
    const { target } = this.#backend;
    const load = async () => {
      const plan = buildPlan({ name: "start", target, layout: this.#weights.layout, outputs: this.#outputs });
      const owner = { model: this.#weights.name, part: "initial states" };
      return { loaded: await this.#backend.load(plan, owner, this.#weights) };
    };
    const values = await this.#plans.use("start", load, ({ loaded }) => loaded.runAndRead(paths));
    return Object.fromEntries(paths.map((path, i) => [path, values[i]!]));
  }

  dispose(): void {
    this.#plans.dispose();
  }
}
