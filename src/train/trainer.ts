import type { AnyBatch } from "../data/batch.ts";
import {
  BusyError,
  checkChoice,
  checkCount,
  checkNumber,
  checkOptions,
  checkSwitch,
  DivergedError,
  LEAST,
  OptionError,
  StateDictError,
  shownNames,
} from "../errors.ts";
import { loadOnDemand } from "../load-on-demand.ts";
import { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, Owner } from "../plan/backend.ts";
import type { Plan, Target } from "../plan/plan.ts";
import { checkSeed } from "../random.ts";
import type { NumberArray, StateDict } from "../tensor-data.ts";
import { type AnyLoss, checkLoss, isSumOf } from "./any-loss.ts";
import type { BatchSource, EpochSource } from "./epochs.ts";
import type { Evaluation, Evaluator } from "./evaluate.ts";
import { Fit, type FitOptions } from "./fit.ts";
import type { Metrics } from "./metrics.ts";
import { ParameterGroups } from "./parameter-groups.ts";
import { constant, type Schedule } from "./schedules.ts";
import type { AppliedReport, Gradients, StepReport } from "./step-report.ts";
import { StepRunner } from "./step-runner.ts";
import { TrainerMemory } from "./trainer-memory.ts";
import { checkTrainerOptions, type TrainerOptions } from "./trainer-options.ts";
import { TrainingPlans } from "./training-plans.ts";

/**
 * Trains a model: a step on one batch is one replay of a plan that holds forward, backward and update; one on several is a replay
 * for each, and one of the update. The weights, the optimizer's moments and the carried state stay on the device.
 */
export class Trainer {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #options: TrainerOptions;
  readonly #schedule: Schedule;
  /** Undefined for the default. */
  readonly #loss: AnyLoss | undefined;
  readonly #owner: Owner;
  readonly #memory: TrainerMemory;
  readonly #carried: CarriedState;
  readonly #plans: TrainingPlans;
  readonly #runner: StepRunner;
  readonly #onDispose: () => void;
  readonly #evaluators = new Set<{ dispose(): void }>();
  #isFitting = false;

  /** @internal Made by `Runtime.trainer`. @throws OptionError for an unknown option or a limit that is not above 0 */
  constructor(backend: Backend, weights: Weights, options: TrainerOptions, onDispose: () => void = () => {}) {
    checkTrainerOptions(options);
    const { optimizer, carryState, ema, memory = "save", weightDtype = "f32" } = options;
    for (const name of ["clipNorm", "clipValue"] as const) {
      if (options[name] !== undefined) checkNumber("trainer", name, options[name], LEAST);
    }
    if (carryState !== undefined) checkSwitch("trainer", "carryState", carryState);
    checkChoice("trainer", "memory", memory, ["save", "recompute"]);
    checkChoice("trainer", "weightDtype", weightDtype, ["f32", "f16"]);
    if (options.accumulate !== undefined) checkCount("trainer", "accumulate", options.accumulate);
    if (ema !== undefined) {
      checkOptions("trainer: ema", ema, ["decay"]);
      checkNumber("trainer", "ema.decay", ema.decay, 0, 1);
    }
    this.#backend = backend;
    this.#weights = weights;
    this.#options = options;
    this.#schedule = options.schedule ?? constant();
    this.#loss = options.loss === undefined ? undefined : checkLoss("trainer", options.loss);
    const seed = checkSeed(options.seed ?? 0);
    this.#owner = { model: weights.name, part: `trainer (${optimizer.name})` };
    const groups = new ParameterGroups(optimizer, weights.parts, options.groups);
    const average = ema !== undefined;
    this.#carried = new CarriedState(backend, this.#owner);
    this.#memory = new TrainerMemory(backend, weights, this.#owner, { optimizer, average });
    this.#plans = new TrainingPlans(
      backend,
      weights,
      { carried: this.#carried, trainer: this.#memory },
      {
        loss: this.#loss,
        carryState,
        recompute: memory === "recompute",
        weightDtype,
        groups,
        update: groups.update(options),
        average,
      },
    );
    this.#runner = new StepRunner(weights, this.#carried, this.#plans, {
      schedule: this.#schedule,
      groups,
      isSum: isSumOf(this.#loss),
      decay: ema?.decay,
      carryState,
      seed,
    });
    this.#onDispose = onDispose;
  }

  /** Training steps that were started. */
  get steps(): number {
    return this.#runner.progress.step;
  }

  #refuseInFit(what: string): void {
    if (this.#isFitting)
      throw new BusyError(`${what}: fit has not ended; leave its loop, or call return() on it, before that`);
  }

  /** Whether it is a trainer of this model. */
  trains(model: Module): boolean {
    return this.#weights.model === model;
  }

  /**
   * The plan of a training step on a batch of these shapes, or on token windows of this size.
   * @param target the machine that it is for; default the trainer's own
   */
  async plan(of: AnyBatch | { readonly T: number; readonly B: number }, target?: Target): Promise<Plan> {
    const tokens = "T" in of && { shape: [of.T, of.B], data: new Int32Array() };
    const batch = (tokens ? { x: tokens, target: tokens, resetState: true } : of) as AnyBatch;
    const carry = this.#options.carryState ?? batch.resetState !== undefined;
    return (await this.#plans.build("train", batch, carry, target)).plan;
  }

  /**
   * One training step, for loops of one's own. On several batches it is one step as on one batch of all their rows (see
   * `accumulate`), and either all of them are trained on or, where one does not fit, none.
   * @throws BusyError while a `fit` goes on; DivergedError when the loss is not finite; DeviceLostError; ShapeError or DataError
   *   for a bad batch
   */
  async step(...batches: readonly AnyBatch[]): Promise<StepReport> {
    this.#refuseInFit("step");
    this.#runner.startClock();
    return this.#runner.start("step", batches).report;
  }

  /**
   * The gradient of batches, as a step would take it, before it is clipped; the weights stay, and a
   * state that is carried goes on. Parameters that have no gradient,
   * because they are frozen or the loss does not depend on them, are left out. For an exchange with others: gradients are
   * averaged by their `count`, and `apply` goes a step with them.
   * @throws as `step`
   */
  async gradients(...batches: readonly AnyBatch[]): Promise<Gradients> {
    this.#refuseInFit("gradients");
    return this.#runner.gradients(batches);
  }

  /**
   * One training step with gradients that are given, by the names of the state dict. Parameters of which there is none are left
   * alone.
   * @throws StateDictError when names or shapes are not the model's, or one is frozen; BusyError while a `fit` goes on;
   *   DivergedError when the gradients are not finite
   */
  async apply(gradients: StateDict): Promise<AppliedReport> {
    this.#refuseInFit("apply");
    return this.#runner.apply(gradients);
  }

  /**
   * Trains on batches: an array or another iterable of them, an async iterable, or a function that makes one for each epoch (it
   * is given the epoch's number, from 1 on) or promises one. What comes back is an async generator of the steps' reports, in
   * order; or, where it is awaited, trains to the end and gives the {@link History}. Where a loop over the reports is left, or the
   * batches throw, nothing ran that was not reported (see `ahead`).
   * @throws (when it is iterated or awaited) OptionError; BusyError when another `fit` of this trainer has not ended;
   *   DivergedError when a loss is not finite; DeviceLostError; ShapeError or DataError for a bad batch
   */
  fit<M extends Metrics = Record<never, never>>(data: EpochSource, options: FitOptions<M> = {}): Fit<M> {
    return new Fit<M>(
      {
        accumulate: this.#options.accumulate ?? 1,
        start: (batches) => this.#runner.start("fit", batches),
        begin: () => {
          this.#runner.check();
          if (this.#isFitting)
            throw new BusyError(
              "fit: another fit of this trainer has not ended; leave its loop, or call return() on it",
            );
          this.#isFitting = true;
          this.#runner.startClock();
        },
        end: () => {
          this.#isFitting = false;
        },
        measure: (metrics) => this.#evaluatorOf(metrics),
        observe: (loss) => this.#schedule.observe?.(loss),
        snapshot: () => this.#memory.snapshot(),
      },
      data,
      options,
    );
  }

  /** Measures with the trainer's loss and, where it keeps averages, on these. */
  async #evaluatorOf<M extends Metrics>(metrics: M | undefined): Promise<Evaluator<M>> {
    this.#runner.check();
    const { AveragedWeights, Evaluator } = await loadOnDemand();
    this.#runner.check();
    const averages = this.#runner.progress.isAveraged
      ? new AveragedWeights(this.#backend, this.#memory.averages, this.#owner)
      : undefined;
    const { carryState, weightDtype } = this.#options;
    const options = { loss: this.#loss, carryState, weightDtype, metrics, source: averages ?? this.#weights };
    const evaluator: Evaluator<M> = new Evaluator<M>(this.#backend, this.#weights, options, () => {
      this.#evaluators.delete(evaluator);
      averages?.dispose();
    });
    this.#evaluators.add(evaluator);
    return evaluator;
  }

  /**
   * As `runtime.evaluate`, with the trainer's loss and its `carryState` and, with `ema`, on the averaged weights.
   * @throws as `runtime.evaluate`
   */
  async evaluate<M extends Metrics = Record<never, never>>(
    batches: BatchSource,
    options: { readonly metrics?: M } = {},
  ): Promise<Evaluation<M>> {
    checkOptions("evaluate", options, ["metrics"]);
    const evaluator = await this.#evaluatorOf(options.metrics);
    return evaluator.run(batches).finally(() => evaluator.dispose());
  }

  /**
   * The averages of the weights, by the names of the state dict; before the first step, the weights.
   * @throws OptionError without `ema`
   */
  async averages(): Promise<StateDict> {
    this.#runner.check();
    if (!this.#options.ema)
      throw new OptionError(
        "averages: the trainer keeps none; make it with ema: { decay: 0.999 }, or use runtime.stateDict",
      );
    if (!this.#runner.progress.isAveraged) return this.#weights.stateDict();
    return this.#weights.pick(await this.#backend.read(this.#memory.averages), "");
  }

  /**
   * Everything that training needs to go on: `model.<parameter>`, `optimizer.<slot>.<parameter>`, `average.<parameter>`,
   * `carry.<state>`, all of one moment: after the steps that were started when it is called, as many as `steps` tells then, also
   * while `fit` goes on.
   * @throws DivergedError when a loss so far was not finite, so that a checkpoint is always a good one
   */
  async stateDict(): Promise<StateDict> {
    this.#runner.check();
    const { running } = this.#runner;
    const { isAveraged } = this.#runner.progress;
    const kept = this.#memory.buffers(isAveraged);
    const carriedIn = this.#carried.reader();
    const read = this.#backend.read([...kept, ...this.#carried.buffers]);
    const [values] = await Promise.all([read, ...running.map((result) => result.catch(refuseDiverged))]);
    const numbers = values as NumberArray[];
    return { ...this.#memory.pick(numbers, isAveraged), ...carriedIn(numbers.slice(kept.length)) };
  }

  /**
   * Goes back to a saved state. The next step is `step + 1`.
   * @throws StateDictError when names or shapes do not fit, BusyError while `fit` goes on; nothing is changed then
   */
  loadStateDict(dict: StateDict, step: number): void {
    if (this.#runner.isDisposed) this.#runner.check();
    this.#refuseInFit("loadStateDict");
    if (!Number.isSafeInteger(step) || step < 0)
      throw new OptionError(`loadStateDict: step is ${step}, expected a whole number of at least 0`);
    if (!Object.keys(dict).some((name) => name.startsWith("model.")))
      throw new StateDictError(
        `loadStateDict: no name begins with "model.", as those of a trainer's state dict do (it has ${shownNames(Object.keys(dict)) || "nothing"}); load weights alone with runtime.loadStateDict(model, dict)`,
      );
    const under = (prefix: string): StateDict =>
      Object.fromEntries(
        Object.entries(dict)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
      );
    // Before the first step there are no averages yet.
    const isAveraged = this.#options.ema !== undefined && step > 0;
    this.#memory.check(dict, isAveraged);
    const states = under("carry.");
    this.#carried.checkDict(states);
    this.#weights.load(under("model."));
    this.#memory.load(dict, isAveraged);
    // A checkpoint from before the first step has no states: they start at zero.
    this.#carried.load(states);
    Object.assign(this.#runner.progress, { step, isAveraged, carries: undefined, diverged: undefined });
  }

  /**
   * Sets the carried state to zero, in all rows of the batch or in some.
   * @throws ShapeError for a row that the batch does not have
   */
  resetState(rows?: readonly number[]): void {
    this.#runner.check();
    this.#carried.reset(rows);
  }

  /** Frees the trainer's memory; the weights stay. */
  dispose(): void {
    if (this.#runner.isDisposed) return;
    this.#runner.isDisposed = true;
    this.#plans.dispose();
    for (const evaluator of [...this.#evaluators]) evaluator.dispose();
    this.#memory.dispose();
    this.#carried.dispose();
    this.#onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Of a step that failed: whether it diverged is what a state dict must know. */
function refuseDiverged(error: unknown): void {
  if (error instanceof DivergedError) throw error;
}
