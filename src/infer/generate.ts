import { checkCount, checkNumber, checkOptions, OptionError, shown } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { concat, originOf, reshape, slice } from "../graph/ops/layout.ts";
import { pointwise } from "../graph/ops/pointwise.ts";
import { sampleInto } from "../graph/ops/sample.ts";
import { inputTensor, stateTensor, type Tensor } from "../graph/tensor.ts";
import {
  type CarriedSpec,
  callModel,
  carriedStates,
  initialState,
  leavesOf,
  refuseFromEnd,
  refuseUnreturned,
  type SequenceModel,
  startsOf,
} from "../graph/trace.ts";
import { sampleSettings } from "../kernels/sample.ts";
import type { Module } from "../nn/module.ts";
import { type StoredOptions, storedAs } from "../nn/stored-weights.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import type { Signal } from "../platform-types.ts";
import { checkSeed } from "../random.ts";
import { type Shape, sizeOf } from "../tensor-data.ts";
import { checkChunk } from "./check-chunk.ts";
import { Decoder } from "./decoder.ts";
import { checkTokens, promptOf } from "./prompt.ts";

interface SamplingOptions extends StoredOptions {
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
  readonly signal?: Signal;
}

export interface GenerateOptions extends SamplingOptions {
  /** Tokens to start from, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Also give the states after each token; default false. */
  readonly trace?: boolean;
}

export interface GenerateBatchOptions extends SamplingOptions {
  /** For each row the tokens to start from, at least one; they need not be equally many. */
  readonly prompts: readonly ArrayLike<number>[];
}

/** What one chunk drew. */
export interface Generated {
  /** New tokens, the prompt is not among them. */
  readonly tokens: Int32Array;
  /** With `trace`: each state after having read each of these tokens' predecessors, `[K, L, H]`, by name. */
  readonly trace?: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
}

/** What one chunk drew for several prompts. */
export interface GeneratedBatch {
  /** New tokens of each prompt. */
  readonly tokens: readonly Int32Array[];
}

/** How a chunk is drawn. */
interface Size {
  readonly rows: number;
  readonly chunk: number;
  readonly trace: boolean;
}

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly decoder: Decoder;
  readonly states: readonly CarriedSpec[];
  readonly vocabulary: number;
  /** Frees what goes with the chunk's plan. */
  dispose(): void;
}

/** The buffer of a chunk's tokens: the last of one chunk is what the next one begins with. */
const TOKENS = "tokens";

/**
 * Generates from a model, token after token on the device: a chunk is one replay that reads tokens, runs the model, draws
 * and feeds back, and one read-back. Prompts are read before that, as sequences.
 */
export class Generator {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #prepared: LoadedPlans<Prepared>;

  /** @throws OptionError as `storedAs` */
  constructor(backend: Backend, weights: Weights, options?: StoredOptions) {
    this.#backend = backend;
    this.#weights = storedAs(backend, weights, options);
    this.#prepared = new LoadedPlans(backend.budget);
  }

  get #model(): Module & SequenceModel {
    return this.#weights.model as Module & SequenceModel;
  }

  /** As `Runtime.generationPlan`. @throws OptionError */
  planOf(options: { readonly chunk?: number }): Plan {
    checkOptions("generationPlan", options, ["chunk", "weightDtype"]);
    return this.plan(checkCount("generationPlan", "chunk", options.chunk ?? 32));
  }

  /** The plan of one chunk. @throws LimitError for a chunk that makes too long a plan, before it is built */
  plan(chunk: number, trace = false): Plan {
    return this.#chunk({ rows: 1, chunk, trace }).plan;
  }

  #chunk({ rows, chunk, trace }: Size) {
    const model = this.#model;
    const probe = callModel(model, inputTensor("probe", [1, rows], "i32"), undefined);
    refuseUnreturned(model, probe.state, "return { logits, state }", "generate: ");
    refuseFromEnd(probe.state, "which generated text does not have yet", "use layers of one direction", "generate: ");
    checkChunk("generate", model, probe, chunk);
    const settings = inputTensor("settings", [5], "i32");
    const tokens = stateTensor(TOKENS, [chunk, rows], "i32");
    const before = initialState(probe.state);
    let token = slice(tokens, chunk - 1, 1);
    // The chunk's last token takes the place of the one before it, which a state may keep: that is copied out first.
    const first = pointwise("token before", "detach", [token]);
    const lasting = (x: Tensor): Tensor => {
      const { root, offset } = originOf(x);
      if (root !== tokens) return x;
      return reshape(slice(reshape(first, [rows]), offset - (chunk - 1) * rows, x.size), x.shape);
    };
    let state = before;
    const traced = new Map<string, Tensor[]>();
    for (let k = 0; k < chunk; k++) {
      const { logits, state: next } = callModel(model, token, state);
      token = sampleInto(`token ${k}`, logits, settings, tokens, k);
      state = next;
      if (trace)
        for (const [path, leaf] of leavesOf(next)) traced.set(path, [...(traced.get(path) ?? []), lasting(leaf)]);
    }
    const states = carriedStates(model.constructor.name, before, state, [token, state]);
    const outputs = [...traced].map(([path, leaves]) => [
      `trace.${path}`,
      concat(leaves.map((leaf) => reshape(leaf, [1, leaf.size]))),
    ]);
    const plan = buildPlan({
      name: "generate",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: Object.fromEntries(outputs),
      effects: [token],
      carries: states.flatMap(({ parts }) => parts.map(({ from, to }) => ({ from: lasting(from), to }))),
      // A ring of two slots would take two plans.
      ...(chunk > 1 && { ring: 0 }),
    });
    return { plan, states, starts: startsOf(probe.state), vocabulary: probe.logits.shape.at(-1)! };
  }

  async #load(size: Size): Promise<Prepared> {
    const { states, vocabulary, ...traced } = this.#chunk(size);
    const names = { who: "generate", part: `generate ${size.rows}x${size.chunk} tokens` };
    const decoder = await Decoder.load(this.#backend, this.#weights, { ...traced, states }, names);
    return { loaded: decoder.loaded, decoder, states, vocabulary, dispose: () => decoder.dispose() };
  }

  /** @throws OptionError, DataError for a bad option or prompt, before anything runs */
  async *run(options: GenerateOptions): AsyncGenerator<Generated> {
    checkOptions("generate", options, ["prompt", "trace", ...samplingOptions]);
    const { prompt, trace = false } = options;
    const given = promptOf("generate", "prompt", prompt);
    for await (const { tokens, traced } of this.#run([given], trace, options))
      yield { tokens: tokens[0]!, ...(traced && { trace: traced }) };
  }

  /** @throws as `run` */
  async *runBatch(options: GenerateBatchOptions): AsyncGenerator<GeneratedBatch> {
    checkOptions("generateBatch", options, ["prompts", ...samplingOptions]);
    const { prompts } = options;
    if (!Array.isArray(prompts) || prompts.length === 0)
      throw new OptionError(`generateBatch: prompts is ${shown(prompts)}, expected a list of at least one prompt`);
    const given = prompts.map((prompt, i) => promptOf("generate", `prompts[${i}]`, prompt));
    for await (const { tokens } of this.#run(given, false, options)) yield { tokens };
  }

  async *#run(
    prompts: readonly (readonly number[])[],
    trace: boolean,
    options: SamplingOptions,
  ): AsyncGenerator<{ tokens: Int32Array[]; traced: Generated["trace"] }> {
    const { length, temperature = 1, topK = 0, topP = 1, seed = 0, chunk = 32, signal } = options;
    checkCount("generate", "length", length, 0);
    checkNumber("generate", "temperature", temperature, 0);
    checkCount("generate", "topK", topK, 0);
    checkNumber("generate", "topP", topP, 2 ** -24, 1);
    checkSeed(seed);
    checkCount("generate", "chunk", chunk);
    const rows = prompts.length;
    const { made, release } = await this.#prepared.holdAlone(`${rows} ${chunk} ${trace}`, () =>
      this.#load({ rows, chunk, trace }),
    );
    try {
      const { loaded, decoder, states, vocabulary } = made;
      prompts.forEach((prompt, row) => {
        checkTokens("generate", rows === 1 ? "prompt" : `prompts[${row}]`, prompt, vocabulary);
      });
      await decoder.begin(prompts);
      loaded.write(
        TOKENS,
        Int32Array.from(prompts, (prompt) => prompt.at(-1)!),
        (chunk - 1) * rows,
      );
      const names = [TOKENS, ...(trace ? states.map(({ path }) => `trace.${path}`) : [])];
      for (let at = 0; at < length; at += chunk) {
        if (signal?.aborted) return;
        loaded.write("settings", sampleSettings({ temperature, topK, topP, seed }, at));
        const [drawn, ...traced] = await loaded.runAndRead(names);
        const count = Math.min(chunk, length - at);
        const tokens = prompts.map((_, row) => Int32Array.from({ length: count }, (__, k) => drawn![k * rows + row]!));
        yield { tokens, traced: trace ? cut(states, traced as Float32Array[], count) : undefined };
      }
    } finally {
      release();
    }
  }

  dispose(): void {
    this.#prepared.dispose();
  }
}

const samplingOptions = ["length", "temperature", "topK", "topP", "seed", "chunk", "weightDtype", "signal"] as const;

/** The first rows of the traced states, by name. */
function cut(
  states: readonly CarriedSpec[],
  traced: readonly ArrayLike<number>[],
  count: number,
): NonNullable<Generated["trace"]> {
  return Object.fromEntries(
    states.map(({ path, shape }, i) => {
      const [layers, , ...rest] = shape as [number, number, ...number[]];
      const own = [count, layers, ...rest];
      return [path, { shape: own, data: Float32Array.from(traced[i]!).slice(0, sizeOf(own)) }];
    }),
  );
}
