import { checkCount, checkNumber, checkOptions, DataError, OptionError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { concat, reshape, slice } from "../graph/ops/layout.ts";
import { sampleNext } from "../graph/ops/sample.ts";
import { inputTensor, stateTensor, type Tensor } from "../graph/tensor.ts";
import {
  type CarriedSpec,
  callModel,
  carriedStates,
  initialState,
  leavesOf,
  refuseFromEnd,
  type SequenceModel,
  startsOf,
} from "../graph/trace.ts";
import { sampleSettings } from "../kernels/sample.ts";
import { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import { checkSeed } from "../random.ts";
import type { NumberArray, Shape } from "../tensor-data.ts";

export interface GenerateOptions {
  /** Tokens to start from, at least one. */
  readonly prompt: ArrayLike<number>;
  /** How many tokens to draw. */
  readonly length: number;
  /** Above 1 wilder, below 1 tamer, 0 always takes the likeliest; default 1. */
  readonly temperature?: number;
  /** Draw from the K likeliest tokens only; default 0: from all. */
  readonly topK?: number;
  /** Draw from the smallest set that reaches this probability; default 1: from all. */
  readonly topP?: number;
  /** The same seed draws the same tokens; default 0. */
  readonly seed?: number;
  /** Tokens between two read-backs; default 32. */
  readonly chunk?: number;
  /** Also give the states after each token; default false. */
  readonly trace?: boolean;
  readonly signal?: AbortSignal;
}

/** What one chunk drew. */
export interface Generated {
  /** New tokens, the prompt is not among them. */
  readonly tokens: Int32Array;
  /** With `trace`: each state after having read each of these tokens' predecessors, `[K, L, H]`, by name. */
  readonly trace?: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
}

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly carried: CarriedState;
  readonly states: readonly CarriedSpec[];
  /** What states begin with where that is learned, by path. */
  readonly starts: Readonly<Record<string, Tensor>>;
  readonly vocabulary: number;
}

/**
 * Generates from a model, token after token on the device: a chunk is one replay that reads tokens, runs the model, draws
 * and feeds back, and one read-back. A prompt goes through the same steps with its tokens forced.
 */
export class Generator {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #prepared: LoadedPlans<Prepared>;
  /** Keys of the plans that are in use. */
  readonly #running = new Set<string>();

  constructor(backend: Backend, weights: Weights) {
    this.#backend = backend;
    this.#weights = weights;
    this.#prepared = new LoadedPlans(backend.budget);
  }

  /** The plan of one chunk. */
  plan(chunk: number, trace = false): { plan: Plan } & Omit<Prepared, "loaded" | "carried"> {
    const model = this.#weights.model as Module & SequenceModel;
    const probe = callModel(model, inputTensor("probe", [1, 1], "i32"), undefined);
    refuseFromEnd(probe.state, "which generated text does not have yet", "use layers of one direction", "generate: ");
    const V = probe.logits.shape.at(-1)!;
    const settings = inputTensor("settings", [5], "i32");
    const forced = inputTensor("forced", [chunk, 1], "i32");
    const firstToken = stateTensor("token", [1, 1], "i32");
    const before = initialState(probe.state);

    let token: Tensor = firstToken;
    let state = before;
    const tokens: Tensor[] = [];
    const traced = new Map<string, Tensor[]>();
    for (let k = 0; k < chunk; k++) {
      const { logits, state: next } = callModel(model, token, state);
      token = sampleNext(`token ${k}`, logits, slice(forced, k, 1), settings, k);
      tokens.push(token);
      state = next;
      if (trace) for (const [path, leaf] of leavesOf(next)) traced.set(path, [...(traced.get(path) ?? []), leaf]);
    }
    const states = carriedStates(model.constructor.name, before, state);
    const outputs: Record<string, Tensor> = { tokens: concat(tokens) };
    for (const [path, leaves] of traced)
      outputs[`trace.${path}`] = concat(leaves.map((leaf) => reshape(leaf, [1, leaf.size])));
    const plan = buildPlan({
      name: "generate",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs,
      carries: [{ from: token, to: firstToken }, ...states.flatMap(({ parts }) => parts)],
    });
    return { plan, states, starts: Object.fromEntries(startsOf(probe.state)), vocabulary: V };
  }

  /** The numbers that learned initial states are now. */
  async #startsOf(outputs: Prepared["starts"]): Promise<Readonly<Record<string, NumberArray>>> {
    const paths = Object.keys(outputs);
    if (paths.length === 0) return {};
    const plan = buildPlan({ name: "start", target: this.#backend.target, layout: this.#weights.layout, outputs });
    const loaded = await this.#backend.load(plan, { model: this.#weights.name, part: "initial states" }, this.#weights);
    const values = await loaded.runAndRead(paths);
    loaded.dispose();
    return Object.fromEntries(paths.map((path, i) => [path, values[i]!]));
  }

  async #load(chunk: number, trace: boolean): Promise<Prepared> {
    const { plan, ...rest } = this.plan(chunk, trace);
    const owner = { model: this.#weights.name, part: `generate ${chunk} tokens` };
    const carried = new CarriedState(this.#backend, owner);
    const loaded = await this.#backend.load(plan, owner, carried.memory(rest.states, this.#weights));
    return { loaded, carried, ...rest };
  }

  /** @throws OptionError, DataError for a bad option or prompt, before anything runs */
  async *run(options: GenerateOptions): AsyncGenerator<Generated> {
    checkOptions("generate", options, [
      "prompt",
      "length",
      "temperature",
      "topK",
      "topP",
      "seed",
      "chunk",
      "trace",
      "signal",
    ]);
    const {
      prompt,
      length,
      temperature = 1,
      topK = 0,
      topP = 1,
      seed = 0,
      chunk = 32,
      trace = false,
      signal,
    } = options;
    checkCount("generate", "length", length, 0);
    checkNumber("generate", "temperature", temperature, 0);
    checkCount("generate", "topK", topK, 0);
    checkNumber("generate", "topP", topP, 2 ** -24, 1);
    checkSeed(seed);
    checkCount("generate", "chunk", chunk);
    if (typeof prompt !== "object" || prompt === null) {
      const got = typeof prompt === "string" ? "a string" : String(prompt);
      throw new OptionError(
        `generate: prompt is ${got}, expected a list of tokens; encode it with the model's vocabulary`,
      );
    }
    const given = Array.from(prompt);
    if (given.length === 0) throw new DataError("generate: the prompt is empty; give at least one token to start from");
    // Two that run at once need two plans, because the state lies in the plan's memory.
    const keys = Array.from({ length: this.#running.size + 1 }, (_, i) => `${chunk} ${trace} ${i}`);
    const key = keys.find((free) => !this.#running.has(free))!;
    this.#running.add(key);
    try {
      yield* await this.#prepared.use(
        key,
        () => this.#load(chunk, trace),
        (prepared) =>
          this.#draw(prepared, given, {
            length,
            temperature,
            topK,
            topP,
            seed,
            chunk,
            trace,
            signal,
          }),
      );
    } finally {
      this.#running.delete(key);
    }
  }

  async *#draw(
    { loaded, carried, states, starts, vocabulary }: Prepared,
    given: readonly number[],
    options: Omit<Required<GenerateOptions>, "prompt" | "signal"> & { readonly signal: AbortSignal | undefined },
  ): AsyncGenerator<Generated> {
    const { length, temperature, topK, topP, seed, chunk, trace, signal } = options;
    const bad = given.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= vocabulary);
    if (bad >= 0)
      throw new DataError(
        `generate: prompt[${bad}] is token ${given[bad]}, expected 0 to ${vocabulary - 1}; encode the prompt with the model's own vocabulary`,
      );

    loaded.write("token", Int32Array.of(given[0]!));
    const learned = await this.#startsOf(starts);
    carried.reset(undefined, learned);
    const names = ["tokens", ...(trace ? states.map(({ path }) => `trace.${path}`) : [])];
    const end = given.length - 1 + length;
    for (let at = 0; at < end; at += chunk) {
      if (signal?.aborted) return;
      const forced = Int32Array.from({ length: chunk }, (_, k) => given[at + k + 1] ?? -1);
      loaded.write("forced", forced);
      loaded.write("settings", sampleSettings({ temperature, topK, topP, seed }, at));
      const [tokens, ...traced] = await loaded.runAndRead(names);
      const from = Math.max(0, given.length - 1 - at);
      const to = Math.min(chunk, end - at);
      if (from >= to) continue;
      const drawn = { tokens: (tokens as Int32Array).slice(from, to) };
      yield trace ? { ...drawn, trace: cut(states, traced as Float32Array[], from, to) } : drawn;
    }
  }

  dispose(): void {
    this.#prepared.dispose();
  }
}

/** Rows `from` to `to` of the traced states, by name. */
function cut(
  states: Prepared["states"],
  traced: readonly ArrayLike<number>[],
  from: number,
  to: number,
): NonNullable<Generated["trace"]> {
  return Object.fromEntries(
    states.map(({ path, shape }, i) => {
      const [layers, , hidden] = shape as [number, number, number];
      const size = layers * hidden;
      return [
        path,
        { shape: [to - from, layers, hidden], data: Float32Array.from(traced[i]!).slice(from * size, to * size) },
      ];
    }),
  );
}
