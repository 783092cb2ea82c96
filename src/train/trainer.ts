import { type AnyBatch, batchKey, checkBatch, inputsOf } from "../data/batch.ts";
import {
  checkNumber,
  checkOptions,
  DataError,
  DisposedError,
  DivergedError,
  LEAST,
  OptionError,
  StateDictError,
  shown,
} from "../errors.ts";
import { buildPlan, pageName } from "../graph/build-plan.ts";
import { checkInputs, type Range } from "../graph/input-ranges.ts";
import { inputTensor } from "../graph/tensor.ts";
import type { SequenceModel } from "../graph/trace.ts";
import { crossEntropy } from "../nn/losses.ts";
import { faultsOf, type Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import { type Backend, type DeviceBuffer, type LoadedPlan, RING } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/loaded-plans.ts";
import type { Plan } from "../plan/plan.ts";
import { checkSeed, hashName, pcg4d } from "../random.ts";
import { type Shape, type StateDict, sizeOf } from "../tensor-data.ts";
import { Carries } from "./carries.ts";
import { type AnyLoss, checkLoss, traceLoss } from "./loss-graph.ts";
import { type Optimizer, updateOf } from "./optimizers.ts";
import { constant, type Schedule } from "./schedules.ts";

export interface TrainerOptions {
  readonly optimizer: Optimizer;
  /**
   * What to minimise: a {@link Loss} of the model's `logits` and the batch's target, or a function of all that the model
   * returned and the target. Default `crossEntropy()`.
   */
  readonly loss?: AnyLoss;
  /** Scale the gradient down to this global norm, as torch.nn.utils.clip_grad_norm_; default: no limit. */
  readonly clipNorm?: number;
  /** Cut every gradient to ± this, before the norm is taken; default: no limit. */
  readonly clipValue?: number;
  /** Factor on the learning rate by step; default constant. */
  readonly schedule?: Schedule;
  /** Truncated backpropagation through time: the state goes on from batch to batch, cut from the gradient. Default true. */
  readonly carryState?: boolean;
  /** Of dropout's and zoneout's noise, which depends on it and on the step alone; default 0. */
  readonly seed?: number;
}

/** What a training step did. */
export interface StepReport {
  /** 1 is the first. */
  readonly step: number;
  /** As the loss defines it: by default the mean over the targets, in nats. */
  readonly loss: number;
  /** Global norm of the gradient, before it is clipped by norm. */
  readonly gradNorm: number;
  readonly lr: number;
  /**
   * Entries of the target (of the first one, where there are several): smoothed over the last steps; by the clock, so what
   * the loop's body takes counts too.
   */
  readonly tokensPerSecond: number;
}

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Inputs that the plan reads. */
  readonly inputs: ReadonlySet<string>;
}

interface Pending {
  readonly step: number;
  readonly lr: number;
  readonly tokens: number;
  readonly values: Promise<readonly [loss: number, gradNorm: number]>;
}

/** The noise of a step: the same after a resumption, and unlike that of any other step. */
const noiseOf = (seed: number, step: number): Int32Array => Int32Array.of(pcg4d(seed, step, hashName("noise"), 0)[0]);

/**
 * Trains a model: each step is one replay of a plan that holds forward, backward and update. The weights, the optimizer's
 * moments and the carried state stay on the device; loss and gradient norm come back a few steps late.
 */
export class Trainer {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #options: TrainerOptions;
  readonly #schedule: Schedule;
  readonly #loss: AnyLoss;
  readonly #seed: number;
  readonly #moments: readonly DeviceBuffer[];
  readonly #carries: Carries;
  readonly #prepared = new LoadedPlans<Prepared>();
  readonly #pending: Pending[] = [];
  #step = 0;
  #rate = 0;
  #lastReport = 0;
  #diverged: DivergedError | undefined;
  #disposed = false;

  /** @internal Made by `Runtime.trainer`. @throws OptionError for an unknown option or a limit that is not above 0 */
  constructor(backend: Backend, weights: Weights, options: TrainerOptions) {
    checkOptions("trainer", options, ["optimizer", "loss", "clipNorm", "clipValue", "schedule", "carryState", "seed"]);
    if (!options.optimizer?.kernel)
      throw new OptionError(
        `trainer: optimizer is ${shown(options.optimizer)}, expected one such as adam({ lr: 1e-3 })`,
      );
    for (const name of ["clipNorm", "clipValue"] as const) {
      if (options[name] !== undefined) checkNumber("trainer", name, options[name], LEAST);
    }
    this.#backend = backend;
    this.#weights = weights;
    this.#options = options;
    this.#schedule = options.schedule ?? constant();
    this.#loss = checkLoss("trainer", options.loss ?? crossEntropy());
    this.#seed = checkSeed(options.seed ?? 0);
    this.#carries = new Carries(backend);
    const { moments, initialMoment } = options.optimizer;
    this.#moments = weights.layout.pages.map((length, i) => {
      const buffer = backend.allocate(pageName.moments(i), "f32", Math.max(4, moments.length * length));
      if (initialMoment !== 0) backend.write(buffer, new Float64Array(buffer.length).fill(initialMoment));
      return buffer;
    });
  }

  /** Training steps that were started. */
  get step(): number {
    return this.#step;
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("the trainer was disposed; make a new one with runtime.trainer");
    if (this.#diverged) throw this.#diverged;
  }

  #build(batch: Pick<AnyBatch, "x" | "target">): {
    plan: Plan;
    ranges: ReadonlyMap<string, Range>;
    states: readonly { path: string; shape: Shape }[];
  } {
    const model = this.#weights.model as Module & SequenceModel;
    const options = { carry: this.#options.carryState !== false, seed: inputTensor("seed", [1], "i32") };
    const { loss, states, ranges } = traceLoss(model, batch, this.#loss, options);
    const plan = buildPlan({
      name: "train",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: { loss },
      loss,
      parameters: true,
      carries: states.map(({ from, to }) => ({ from, to })),
      update: updateOf(this.#options.optimizer, this.#options),
    });
    return { plan, ranges, states: states.map(({ path, to }) => ({ path, shape: to.shape })) };
  }

  /** The plan of a training step on token windows of this shape. */
  plan({ T, B }: { readonly T: number; readonly B: number }): Plan {
    const tokens = { shape: [T, B], data: new Int32Array() };
    return this.#build({ x: tokens, target: tokens }).plan;
  }

  async #load(batch: AnyBatch): Promise<Prepared> {
    const { plan, ranges, states } = this.#build(batch);
    this.#carries.make(states);
    const bound = this.#weights.bound;
    for (const buffer of [...this.#moments, ...this.#carries.buffers]) bound.set(buffer.name, buffer);
    const inputs = plan.buffers.filter(({ role }) => role === "input").map(({ name }) => name);
    return { loaded: await this.#backend.load(plan, bound), ranges, inputs: new Set(inputs) };
  }

  /**
   * Starts one step and returns as soon as it is on its way; `fit` is this in a loop.
   * @throws ShapeError or DataError for a batch that does not fit, before anything is sent
   */
  async #start(batch: AnyBatch): Promise<Pending> {
    this.#check();
    checkBatch(batch);
    const { loaded, ranges, inputs } = await this.#prepared.get(batchKey(batch), () => this.#load(batch));
    this.#check();
    const given = inputsOf(batch);
    checkInputs(ranges, given);
    if (batch.resetState === true) this.resetState();
    else if (Array.isArray(batch.resetState)) this.resetState(batch.resetState);
    const step = this.#step + 1;
    const { optimizer } = this.#options;
    const lr = optimizer.lr * this.#schedule.lrAt(step - 1);
    // A model need not use all that it is given, and most have no noise.
    for (const [name, { data }] of Object.entries(given)) if (inputs.has(name)) loaded.write(name, data);
    if (inputs.has("seed")) loaded.write("seed", noiseOf(this.#seed, step));
    loaded.write("hyper", Float64Array.from(optimizer.hyper(step, lr)));
    const read = loaded.runAndRead(["loss", "norm"]);
    this.#step = step;
    const values = read.then(([loss, norm]) => [loss![0]!, norm![0]!] as const);
    values.catch(() => {}); // whoever waits for the step sees it; an abandoned one must not end the process
    const [, { shape }] = Object.entries(given).find(([name]) => name.startsWith("target"))!;
    return { step, lr, tokens: sizeOf(shape), values };
  }

  /** Waits for a step. @throws DivergedError when its loss or gradient norm is not finite */
  async #settled({ step, lr, values }: Pending): Promise<readonly [loss: number, gradNorm: number]> {
    const [loss, gradNorm] = await values;
    if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return [loss, gradNorm];
    throw new DivergedError(
      step,
      `training diverged in step ${step}: loss ${loss}, gradient norm ${gradNorm}, learning rate ${lr}; go back to the last checkpoint with a smaller learning rate or a clipNorm`,
    );
  }

  async #finish(pending: Pending): Promise<StepReport> {
    const { step, lr, tokens } = pending;
    const [loss, gradNorm] = await this.#settled(pending).catch((error) => {
      if (!(error instanceof DivergedError)) throw error;
      this.#diverged ??= error;
      throw this.#diverged;
    });
    const now = performance.now();
    const seconds = (now - this.#lastReport) / 1000;
    this.#lastReport = now;
    this.#rate = this.#rate === 0 ? tokens / seconds : 0.9 * this.#rate + 0.1 * (tokens / seconds);
    return { step, loss, gradNorm, lr, tokensPerSecond: this.#rate };
  }

  /**
   * Trains on batches until they end, `steps` are done, or `signal` is aborted (steps that are under way are reported
   * still). Yields a report for each step, in order, up to three steps after it was started.
   * @throws DivergedError when a loss is not finite; DeviceLostError; ShapeError or DataError for a bad batch
   */
  async *fit(
    batches: Iterable<AnyBatch>,
    options: { readonly steps?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<StepReport> {
    checkOptions("fit", options, ["steps", "signal"]);
    const { steps = Number.POSITIVE_INFINITY, signal } = options;
    if (!(steps >= 0)) throw new OptionError(`fit: steps is ${steps}, expected a number of at least 0`);
    this.#check();
    this.#lastReport = performance.now();
    let started = 0;
    let first: unknown;
    if (steps > 0) {
      for (const batch of batches) {
        if (signal?.aborted) break;
        try {
          this.#pending.push(await this.#start(batch));
        } catch (error) {
          first = error; // after the steps before it are reported
          break;
        }
        if (this.#pending.length >= RING) yield await this.#next();
        if (++started >= steps) break;
      }
    }
    while (this.#pending.length > 0) yield await this.#next();
    if (first !== undefined) throw first;
    if (started === 0 && steps > 0 && !signal?.aborted) throw new DataError("fit: there is no batch to train on");
  }

  #next(): Promise<StepReport> {
    return this.#finish(this.#pending.shift()!);
  }

  /** Waits for all steps and throws if one of them diverged. */
  async #drain(): Promise<void> {
    this.#check();
    for (const pending of this.#pending) await this.#settled(pending);
  }

  /**
   * Everything that training needs to go on: `model.<parameter>`, `optimizer.<slot>.<parameter>`, `carry.<state>`.
   * Waits for the steps that are under way; `step` tells how many these are.
   * @throws DivergedError when a loss so far was not finite, so that a checkpoint is always a good one
   */
  async stateDict(): Promise<StateDict> {
    await this.#drain();
    const pages = await this.#backend.read(this.#moments);
    const carried = await this.#carries.stateDict();
    const model = await this.#weights.stateDict();
    const dict: StateDict = Object.fromEntries(
      Object.entries(model).map(([name, tensor]) => [`model.${name}`, tensor]),
    );
    this.#options.optimizer.moments.forEach((name, slot) => {
      if (name !== undefined) Object.assign(dict, this.#weights.pick(pages, `optimizer.${name}.`, slot));
    });
    return { ...dict, ...carried };
  }

  /**
   * Goes back to a saved state. The next step is `step + 1`.
   * @throws StateDictError when names or shapes do not fit; nothing is changed then
   */
  loadStateDict(dict: StateDict, step: number): void {
    if (this.#disposed) this.#check();
    if (!Number.isSafeInteger(step) || step < 0)
      throw new OptionError(`loadStateDict: step is ${step}, expected a whole number of at least 0`);
    const under = (prefix: string): StateDict =>
      Object.fromEntries(
        Object.entries(dict)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
      );
    const { moments, name: optimizer } = this.#options.optimizer;
    for (const slot of moments) {
      if (slot === undefined) continue;
      for (const { name, shape } of this.#weights.parts) {
        const tensor = dict[`optimizer.${slot}.${name}`];
        if (!tensor)
          throw new StateDictError(
            `optimizer.${slot}.${name} is missing: the checkpoint was not made with ${optimizer} and these options; resume with the optimizer that it was made with`,
          );
        const [fault] = faultsOf(`optimizer.${slot}.${name}`, tensor, shape);
        if (fault) throw new StateDictError(`${fault}; resume with the sizes that the checkpoint was made with`);
      }
    }
    const states = under("carry.");
    this.#carries.check(states);
    this.#weights.load(under("model."));
    moments.forEach((slot, i) => {
      if (slot !== undefined) this.#weights.place(this.#moments, dict, `optimizer.${slot}.`, i);
    });
    // A checkpoint from before the first step has no states: they start at zero.
    this.#diverged = undefined;
    this.#carries.load(states);
    this.#pending.length = 0;
    this.#step = step;
  }

  /**
   * Sets the carried state to zero, in all rows of the batch or in some.
   * @throws ShapeError for a row that the batch does not have
   */
  resetState(rows?: readonly number[]): void {
    this.#check();
    this.#carries.reset(rows);
  }

  /** Frees the trainer's memory; the weights stay. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#prepared.dispose();
    for (const buffer of this.#moments) this.#backend.free(buffer);
    this.#carries.dispose();
  }
}
