import type { Tensor } from "../graph/tensor.ts";
import type { CarriedSpec } from "../graph/trace.ts";
import { CarriedState } from "../nn/carried-state.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { InitialStates } from "./initial-states.ts";
import { PromptReader } from "./prompt.ts";

/** A loaded plan that draws tokens, chunk by chunk, with the states that it carries and what brings these to a prompt's end. */
export class Decoder {
  readonly loaded: LoadedPlan;
  readonly #carried: CarriedState;
  readonly #initial: InitialStates;
  readonly #prompts: PromptReader;

  private constructor(loaded: LoadedPlan, carried: CarriedState, initial: InitialStates, prompts: PromptReader) {
    this.loaded = loaded;
    this.#carried = carried;
    this.#initial = initial;
    this.#prompts = prompts;
  }

  /**
   * @param traced the plan of a chunk, the states that it carries, and what these begin with where that is learned
   * @param names `who` draws, for messages, and which `part` of the model's memory this is
   */
  static async load(
    backend: Backend,
    weights: Weights,
    traced: {
      readonly plan: Plan;
      readonly states: readonly CarriedSpec[];
      readonly starts: ReadonlyMap<string, Tensor>;
    },
    { who, part }: { readonly who: string; readonly part: string },
  ): Promise<Decoder> {
    const owner = { model: weights.name, part };
    const carried = new CarriedState(backend, owner);
    const loaded = await backend.load(traced.plan, owner, carried.memory(weights));
    carried.attach(traced.states, loaded);
    const initial = new InitialStates(backend, weights, traced.starts);
    return new Decoder(loaded, carried, initial, new PromptReader(backend, weights, who, carried, loaded));
  }

  /**
   * Brings the states to what they are after all tokens of the prompts but the last, a prompt for each row.
   * @param check called when all is there, before the states change; may throw
   */
  async begin(prompts: readonly (readonly number[])[], check: () => void = () => {}): Promise<void> {
    const reader = await this.#prompts.prepare(prompts);
    try {
      const starts = await this.#initial.read();
      check();
      this.#carried.reset(undefined, starts);
      reader.read();
    } finally {
      reader.release();
    }
  }

  dispose(): void {
    this.#prompts.dispose();
    this.#initial.dispose();
    this.#carried.dispose();
  }
}
