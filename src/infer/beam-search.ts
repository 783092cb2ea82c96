import { BusyError, checkCount, checkNumber, checkOptions, DataError, OptionError, ShapeError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { beamStep } from "../graph/ops/beam-step.ts";
import { concat, joinedBy } from "../graph/ops/layout.ts";
import { gatherRows } from "../graph/ops/row-gather.ts";
import { inputTensor, stateTensor, type Tensor } from "../graph/tensor.ts";
import {
  callModel,
  carriedStates,
  initialState,
  leavesOf,
  mapTree,
  refuseFromEnd,
  refuseUnreturned,
  type SequenceModel,
  startsOf,
} from "../graph/trace.ts";
import { beamSettings, LOWEST } from "../kernels/beam.ts";
import type { Module } from "../nn/module.ts";
import { type StoredOptions, storedAs } from "../nn/stored-weights.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import type { Signal } from "../platform-types.ts";
import { showShape } from "../tensor-data.ts";
import { checkChunk } from "./check-chunk.ts";
import { Decoder } from "./decoder.ts";
import { checkTokens, promptOf } from "./prompt.ts";

export interface BeamSearchOptions extends StoredOptions {
  /** Tokens to start from, at least one. */
  readonly prompt: ArrayLike<number>;
  /** How many tokens a sequence may have at most, the prompt not counted. */
  readonly length: number;
  /** How many hypotheses are kept at each step, at most the vocabulary; default 4. 1 is greedy search. */
  readonly width?: number;
  /** How many sequences to return, at most `width`; default 1. */
  readonly nBest?: number;
  /** Above 0 favours long sequences, below 0 short ones, from -5 to 5: see `score` of `Hypothesis`; default 1. */
  readonly lengthPenalty?: number;
  /** The token that ends a sequence; default: none, all have `length` tokens. */
  readonly endToken?: number;
  /** Tokens between two read-backs; default 32. */
  readonly chunk?: number;
  readonly signal?: Signal;
}

/** A sequence that a beam search found. */
export interface Hypothesis {
  /** New tokens, the prompt is not among them. `endToken` is the last one where the sequence was ended by it. */
  readonly tokens: Int32Array;
  /** Sum of the natural logarithms of their probabilities. */
  readonly logProbability: number;
  /** `logProbability / tokens.length ** lengthPenalty`, by which sequences are ranked, as in Hugging Face's `generate`. */
  readonly score: number;
}

/** The options with their defaults. */
interface Settings extends Required<Omit<BeamSearchOptions, "prompt" | "endToken" | "weightDtype" | "signal">> {
  readonly endToken: number | undefined;
  readonly signal: Signal | undefined;
}

/**
 * Beam search on the device: a chunk of steps is one replay that runs the model for all hypotheses, ranks their continuations,
 * keeps the best and reorders the states, and one read-back. Finished hypotheses stay among the others with the score that they
 * have, as in TensorFlow Addons' BeamSearchDecoder, until better ones displace them.
 */
export class BeamSearcher {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #prepared: LoadedPlans<Decoder>;

  /** @throws OptionError as `storedAs` */
  constructor(backend: Backend, weights: Weights, options?: StoredOptions) {
    this.#backend = backend;
    this.#weights = storedAs(backend, weights, options);
    this.#prepared = new LoadedPlans(backend.budget);
  }

  get #model(): Module & SequenceModel {
    return this.#weights.model as Module & SequenceModel;
  }

  /** Traces the model for a step of all hypotheses. @throws ShapeError, OptionError for a model that cannot be searched */
  #probe(width: number): { readonly logits: Tensor; readonly state: unknown; readonly vocabulary: number } {
    const name = this.#model.constructor.name;
    const { logits, state } = callModel(this.#model, inputTensor("probe", [1, width], "i32"), undefined);
    const [T, B, V] = logits.shape;
    if (logits.shape.length !== 3 || T !== 1 || B !== width)
      throw new ShapeError(
        `beamSearch: the logits of ${name} are ${showShape(logits.shape)} for tokens [1,${width}], expected [1,${width},V]`,
      );
    refuseUnreturned(this.#model, state, "return { logits, state }", "beamSearch: ");
    refuseFromEnd(state, "which generated text does not have yet", "use layers of one direction", "beamSearch: ");
    for (const [path, { shape }] of leavesOf(state)) {
      if (shape[1] !== width)
        throw new ShapeError(
          `beamSearch: the state ${path} of ${name} is ${showShape(shape)} for ${width} hypotheses, expected [L,${width},...], so that they can be reordered; return states whose second axis are the sequences`,
        );
    }
    return { logits, state, vocabulary: V! };
  }

  /** The plan of a chunk of steps. */
  plan(width: number, chunk: number) {
    const { state: like } = this.#probe(width);
    const before = initialState(like);
    const settings = inputTensor("settings", [3], "i32");
    const history = stateTensor("history", [chunk, 2, width], "i32");
    const first = {
      token: stateTensor("token", [1, width], "i32"),
      beam: { totals: stateTensor("totals", [width]), hypotheses: stateTensor("hypotheses", [2, width], "i32") },
    };
    let { token, beam } = first;
    let state = before;
    for (let step = 0; step < chunk; step++) {
      const { logits, state: next } = callModel(this.#model, token, state);
      const chosen = beamStep(`step ${step}`, { logits, settings, history, step }, beam);
      token = chosen.tokens;
      beam = chosen.beam;
      state = reordered(next, chosen.parents);
    }
    const states = carriedStates(this.#model.constructor.name, before, state, [token, state]);
    const plan = buildPlan({
      name: "beam search",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: {},
      carries: [
        { from: token, to: first.token },
        { from: beam.totals, to: first.beam.totals },
        { from: beam.hypotheses, to: first.beam.hypotheses },
        ...states.flatMap(({ parts }) => parts),
      ],
    });
    return { plan, states, starts: startsOf(like) };
  }

  #load(width: number, chunk: number): Promise<Decoder> {
    const names = { who: "beamSearch", part: `beam search of width ${width}, ${chunk} tokens` };
    return Decoder.load(this.#backend, this.#weights, this.plan(width, chunk), names);
  }

  /** @throws OptionError, DataError, ShapeError for a bad option, prompt or model, before anything runs */
  async run(options: BeamSearchOptions): Promise<readonly Hypothesis[]> {
    const settings = checked(options);
    const { width, endToken, chunk } = settings;
    const probe = this.#probe(width);
    const { vocabulary } = probe;
    checkChunk("beamSearch", this.#model, probe, chunk);
    if (width > vocabulary)
      throw new OptionError(
        `beamSearch: width is ${width}, the vocabulary of ${this.#model.constructor.name} has ${vocabulary} tokens; choose a width of at most ${vocabulary}`,
      );
    if (endToken !== undefined) checkCount("beamSearch", "endToken", endToken, 0, vocabulary - 1);
    const prompt = promptOf("beamSearch", "prompt", options.prompt);
    checkTokens("beamSearch", "prompt", prompt, vocabulary);
    const { made, release } = await this.#prepared.holdAlone(`${width} ${chunk}`, () => this.#load(width, chunk));
    try {
      return await this.#search(made, prompt, settings);
    } finally {
      release();
    }
  }

  async #search(decoder: Decoder, given: readonly number[], settings: Settings): Promise<readonly Hypothesis[]> {
    const { width, nBest, lengthPenalty, signal } = settings;
    const { loaded } = decoder;
    signal?.throwIfAborted();
    const { version } = this.#weights;
    const checkWeights = () => {
      if (version !== this.#weights.version)
        throw new BusyError(
          "beamSearch: the weights changed while it ran, so its sequences would be of different models; wait for it before training goes on or weights are loaded",
        );
    };
    await decoder.begin(new Array<readonly number[]>(width).fill(given), checkWeights);
    // The search begins with one hypothesis: the others have no probability.
    loaded.write("totals", new Float32Array(width).fill(LOWEST).fill(0, 0, 1));
    loaded.write("hypotheses", new Int32Array(2 * width));
    loaded.write("token", new Int32Array(width).fill(given.at(-1)!));
    loaded.write("settings", beamSettings(settings));

    const history: Int32Array[] = [];
    for (;;) {
      const values = await loaded.runAndRead(["history", "totals", "hypotheses"]);
      const [rows, totals, hypotheses] = values as [Int32Array, Float32Array, Int32Array];
      history.push(rows);
      const alive = [...totals.keys()].filter((place) => totals[place]! > LOWEST);
      if (alive.length === 0)
        throw new DataError(
          `beamSearch: no continuation of the prompt has a probability above 0; the logits of ${this.#model.constructor.name} are NaN or -Infinity: look at its weights and at what it masks`,
        );
      if (alive.every((place) => hypotheses[width + place] === 1)) {
        return alive.slice(0, nBest).map((place) => {
          const logProbability = totals[place]!;
          const tokens = sequenceOf(history, settings, place, hypotheses[place]!);
          return { tokens, logProbability, score: logProbability / tokens.length ** lengthPenalty };
        });
      }
      signal?.throwIfAborted();
      checkWeights();
    }
  }

  dispose(): void {
    this.#prepared.dispose();
  }
}

function checked(options: BeamSearchOptions): Settings {
  const names = ["prompt", "length", "width", "nBest", "lengthPenalty", "endToken", "chunk", "weightDtype", "signal"];
  checkOptions("beamSearch", options, names);
  const { length, width = 4, nBest = 1, lengthPenalty = 1, endToken, chunk = 32, signal } = options;
  checkCount("beamSearch", "length", length, 1, 2 ** 31 - 1);
  checkCount("beamSearch", "width", width);
  checkCount("beamSearch", "nBest", nBest);
  if (nBest > width)
    throw new OptionError(
      `beamSearch: nBest is ${nBest}, only ${width} hypotheses are kept; choose a width of at least ${nBest}`,
    );
  checkNumber("beamSearch", "lengthPenalty", lengthPenalty, -5, 5);
  checkCount("beamSearch", "chunk", chunk);
  return { length, width, nBest, lengthPenalty, endToken, chunk, signal };
}

/** A model's states after its hypotheses were reordered; those that join several keep their parts. */
const reordered = (state: unknown, parents: Tensor): unknown =>
  mapTree(state, (leaf, path) => concat(joinedBy(leaf).map((one) => gatherRows(`reorder ${path}`, one, parents))));

/** Follows a hypothesis back from its place after the last step. */
function sequenceOf(
  history: readonly Int32Array[],
  { width, chunk }: Settings,
  place: number,
  length: number,
): Int32Array {
  const tokens = new Int32Array(length);
  let at = place;
  for (let step = history.length * chunk - 1; step >= 0; step--) {
    const row = history[Math.floor(step / chunk)]!.subarray((step % chunk) * 2 * width);
    if (step < length) tokens[step] = row[at]!;
    at = row[width + at]!;
  }
  return tokens;
}
