import { DataError, OptionError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { inputTensor } from "../graph/tensor.ts";
import { type SequenceModel, traceStreaming } from "../graph/trace.ts";
import type { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";

/** Steps of a prompt that are read at once: many while many are left, then a few. */
const MANY_STEPS = 64;
const FEW_STEPS = 8;

/** Reads prompts, as sequences, into the states that a chunk begins with. */
export class PromptReader {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #who: string;
  readonly #carried: CarriedState;
  readonly #chunk: LoadedPlan;
  readonly #plans: LoadedPlans<{ readonly loaded: LoadedPlan }>;
  #isHeldByStep: boolean | undefined;

  /**
   * @param who for messages
   * @param carried the states
   * @param chunk the plan that goes on from them
   */
  constructor(backend: Backend, weights: Weights, who: string, carried: CarriedState, chunk: LoadedPlan) {
    this.#backend = backend;
    this.#weights = weights;
    this.#who = who;
    this.#carried = carried;
    this.#chunk = chunk;
    this.#plans = new LoadedPlans(backend.budget);
  }

  #trace(rows: number, T: number) {
    const x = inputTensor("prompt", [T, rows], "i32");
    const steps = inputTensor("steps", [rows], "i32");
    return traceStreaming(this.#weights.model as Module & SequenceModel, x, { who: this.#who, steps });
  }

  /** The plan that reads `T` steps of prompts: each row as many of them as `steps` says. */
  async #load(rows: number, T: number): Promise<{ loaded: LoadedPlan }> {
    const { plan: chunk } = this.#chunk;
    const places = Object.entries(chunk.states ?? {}).map(([name, { before }]) => {
      const { name: buffer, length } = chunk.buffers[before.buffer]!;
      return [name, { buffer, length, offset: before.offset }] as const;
    });
    const plan = buildPlan({
      name: "prompt",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: {},
      carries: this.#trace(rows, T).states.flatMap(({ parts }) => parts),
      places: Object.fromEntries(places),
    });
    const owner = { model: this.#weights.name, part: `prompt ${rows}x${T} tokens` };
    return { loaded: await this.#backend.load(plan, owner, this.#carried.memory(this.#weights)) };
  }

  /**
   * Loads what reads all tokens of the prompts but the last, a prompt for each row. A model that has states which no recurrent
   * layer holds for shorter prompts reads them token by token.
   * @returns `read`, which does so at once: whatever changes the weights comes before or after all of it
   */
  async prepare(prompts: readonly (readonly number[])[]): Promise<{ read(): void; release(): void }> {
    const rows = prompts.length;
    const longest = this.#carried.states.size > 0 ? Math.max(...prompts.map(({ length }) => length - 1)) : 0;
    const pieces: { readonly at: number; readonly T: number }[] = [];
    for (let at = 0; at < longest; at += pieces.at(-1)!.T) pieces.push({ at, T: this.#stepsFor(longest - at) });
    const held = new Map<number, { readonly made: { readonly loaded: LoadedPlan }; release(): void }>();
    const release = () => {
      for (const plan of held.values()) plan.release();
      held.clear();
    };
    try {
      for (const { T } of pieces)
        if (!held.has(T)) held.set(T, await this.#plans.hold(`${rows} ${T}`, () => this.#load(rows, T)));
    } catch (error) {
      release();
      throw error;
    }
    const read = () => {
      for (const { at, T } of pieces) {
        const { loaded } = held.get(T)!.made;
        const tokenOf = (i: number) => prompts[i % rows]![at + Math.floor(i / rows)] ?? 0;
        const left = prompts.map(({ length }) => Math.max(0, Math.min(T, length - 1 - at)));
        // States need not depend on the tokens.
        if (loaded.plan.buffers.some(({ name }) => name === "prompt"))
          loaded.write(
            "prompt",
            Int32Array.from({ length: T * rows }, (_, i) => tokenOf(i)),
          );
        loaded.write("steps", Int32Array.from(left));
        loaded.run();
      }
    };
    return { read, release };
  }

  #stepsFor(left: number): number {
    this.#isHeldByStep ??= this.#trace(1, 1).isHeldByStep;
    if (!this.#isHeldByStep) return 1;
    return left > FEW_STEPS ? MANY_STEPS : FEW_STEPS;
  }

  dispose(): void {
    this.#plans.dispose();
  }
}

/**
 * The tokens of a prompt.
 * @param name for messages, as the caller knows the prompt
 * @throws OptionError when it is no list, DataError when it is empty
 */
export function promptOf(who: string, name: string, prompt: ArrayLike<number>): readonly number[] {
  if (typeof prompt !== "object" || prompt === null) {
    const got = typeof prompt === "string" ? "a string" : String(prompt);
    throw new OptionError(
      `${who}: ${name} is ${got}, expected a list of tokens; encode it with the model's vocabulary`,
    );
  }
  const given = Array.from(prompt);
  if (given.length === 0) throw new DataError(`${who}: the ${name} is empty; give at least one token to start from`);
  return given;
}

/** @throws DataError for a token that is not in the vocabulary */
export function checkTokens(who: string, name: string, prompt: readonly number[], vocabulary: number): void {
  const bad = prompt.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= vocabulary);
  if (bad >= 0)
    throw new DataError(
      `${who}: ${name}[${bad}] is token ${prompt[bad]}, expected 0 to ${vocabulary - 1}; encode the prompt with the model's own vocabulary`,
    );
}
