import { type AnyBatch, batchKey, carriesState, checkBatch, inputsOf } from "../data/batch.ts";
import {
  BusyError,
  checkNumber,
  checkOptions,
  checkSwitch,
  DisposedError,
  DivergedError,
  LEAST,
  OptionError,
  StateDictError,
  shown,
  shownNames,
} from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkInputs, type InputRanges } from "../graph/input-ranges.ts";
import { pageName } from "../graph/parameter-layout.ts";
import { inputTensor } from "../graph/tensor.ts";
import type { CarriedSpec, SequenceModel } from "../graph/trace.ts";
import { CarriedState } from "../nn/carried-state.ts";
import { crossEntropy } from "../nn/losses.ts";
import { faultsOf, type Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, DeviceBuffer, LoadedPlan, Memory, Owner } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import { checkSeed, hashName, pcg4d } from "../random.ts";
import { type NumberArray, type StateDict, sizeOf } from "../tensor-data.ts";
import { checkFit, type FitOptions, runSteps, type StartedStep, type StepReport } from "./fit.ts";
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
  /**
   * Truncated back-propagation through time: the state goes on from batch to batch, cut from the gradient. Default: where the
   * batches say `resetState`, as those of `Windows` do; batches that say nothing of it each start at zero.
   */
  readonly carryState?: boolean;
  /** Of dropout's and zoneout's noise, which depends on it and on the step alone; default 0. */
  readonly seed?: number;
}

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: InputRanges;
  /** Inputs that the plan reads. */
  readonly inputs: ReadonlySet<string>;
}

/** The noise of a step: the same after a resumption, and unlike that of any other step. */
const noiseOf = (seed: number, step: number): Int32Array => Int32Array.of(pcg4d(seed, step, hashName("noise"), 0)[0]);

/**
 * Trains a model: each step is one replay of a plan that holds forward, backward and update. The weights, the optimizer's
 * moments and the carried state stay on the device.
 */
export class Trainer {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #options: TrainerOptions;
  readonly #schedule: Schedule;
  readonly #loss: AnyLoss;
  readonly #seed: number;
  readonly #owner: Owner;
  /** By slot (empty for one that is not in use), then by page. */
  readonly #moments: readonly (readonly DeviceBuffer[])[];
  readonly #carried: CarriedState;
  readonly #plans: LoadedPlans<Prepared>;
  readonly #onDispose: () => void;
  /** Steps that are under way. */
  readonly #running = new Set<Promise<StepReport>>();
  #isFitting = false;
  /** Whether the batches so far carried their state. */
  #carries: boolean | undefined;
  #step = 0;
  #rate = 0;
  #lastReport = 0;
  #diverged: DivergedError | undefined;
  #disposed = false;

  /** @internal Made by `Runtime.trainer`. @throws OptionError for an unknown option or a limit that is not above 0 */
  constructor(backend: Backend, weights: Weights, options: TrainerOptions, onDispose: () => void = () => {}) {
    checkOptions("trainer", options, ["optimizer", "loss", "clipNorm", "clipValue", "schedule", "carryState", "seed"]);
    if (!options.optimizer?.kernel)
      throw new OptionError(
        `trainer: optimizer is ${shown(options.optimizer)}, expected one such as adam({ lr: 1e-3 })`,
      );
    for (const name of ["clipNorm", "clipValue"] as const) {
      if (options[name] !== undefined) checkNumber("trainer", name, options[name], LEAST);
    }
    if (options.carryState !== undefined) checkSwitch("trainer", "carryState", options.carryState);
    this.#backend = backend;
    this.#weights = weights;
    this.#options = options;
    this.#schedule = options.schedule ?? constant();
    this.#loss = checkLoss("trainer", options.loss ?? crossEntropy());
    this.#seed = checkSeed(options.seed ?? 0);
    this.#owner = { model: weights.name, part: `trainer (${options.optimizer.name})` };
    this.#carried = new CarriedState(backend, this.#owner);
    this.#plans = new LoadedPlans(backend.budget);
    this.#onDispose = onDispose;
    this.#moments = options.optimizer.moments.map((name, slot) => (name === undefined ? [] : this.#momentsOf(slot)));
  }

  #momentsOf(slot: number): DeviceBuffer[] {
    const initial = this.#options.optimizer.initialMoments[slot] ?? 0;
    return this.#weights.layout.pages.map((length, page) => {
      const spec = { name: pageName.moments(page, slot), role: "moment", dtype: "f32", length } as const;
      const buffer = this.#backend.allocate(spec, this.#owner);
      if (initial !== 0) this.#backend.write(buffer, new Float64Array(length).fill(initial));
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

  #build(
    batch: Pick<AnyBatch, "x" | "target">,
    carry: boolean,
  ): {
    plan: Plan;
    ranges: InputRanges;
    states: readonly CarriedSpec[];
  } {
    const model = this.#weights.model as Module & SequenceModel;
    const options = { carry, seed: inputTensor("seed", [1], "i32") };
    const { loss, states, ranges } = traceLoss(model, batch, this.#loss, options);
    const plan = buildPlan({
      name: "train",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: { loss },
      loss,
      parameters: true,
      carries: states.flatMap(({ parts }) => parts),
      update: updateOf(this.#options.optimizer, this.#options),
    });
    return { plan, ranges, states };
  }

  /** The plan of a training step on token windows of this shape, which carry their state unless `carryState` is false. */
  plan({ T, B }: { readonly T: number; readonly B: number }): Plan {
    const tokens = { shape: [T, B], data: new Int32Array() };
    return this.#build({ x: tokens, target: tokens }, this.#options.carryState !== false).plan;
  }

  async #load(batch: AnyBatch, key: string, carry: boolean): Promise<Prepared> {
    const { plan, ranges, states } = this.#build(batch, carry);
    this.#carried.check(states);
    const moments = new Map(this.#moments.flat().map((buffer) => [buffer.name, buffer]));
    const memory: Memory = {
      find: (spec) => (spec.role === "moment" ? moments.get(spec.name) : this.#weights.find(spec)),
      ownerOf: (spec) => this.#weights.ownerOf(spec),
      keep: (buffer) => this.#weights.keep(buffer),
    };
    const owner = { model: this.#weights.name, part: `train ${key}` };
    const inputs = plan.buffers.filter(({ role }) => role === "input").map(({ name }) => name);
    const loaded = await this.#backend.load(plan, owner, this.#carried.memory(memory));
    this.#carried.attach(states, loaded);
    return { loaded, ranges, inputs: new Set(inputs) };
  }

  /** Starts one step: checks the batch, then puts it on the device's queue. */
  #start(batch: AnyBatch): StartedStep {
    this.#check();
    checkBatch(batch);
    const carry = carriesState("fit", batch, this.#options.carryState, this.#carries);
    const key = `${carry ? "carried " : ""}${batchKey(batch)}`;
    const { begun, result: report } = this.#plans.start(
      key,
      () => this.#load(batch, key, carry),
      (prepared) => this.#replay(batch, prepared, carry),
    );
    this.#running.add(report);
    const settled = () => this.#running.delete(report);
    report.then(settled, settled); // an abandoned step must not end the process either
    return { begun, report };
  }

  async #replay(batch: AnyBatch, { loaded, ranges, inputs }: Prepared, carry: boolean): Promise<StepReport> {
    this.#check();
    const given = inputsOf(batch);
    checkInputs(ranges, given);
    if (carry) this.#carried.resetFor(batch);
    this.#carries = carry;
    const step = this.#step + 1;
    const { optimizer } = this.#options;
    const lr = optimizer.lr * this.#schedule.lrAt(step - 1);
    // A model need not use all that it is given, and most have no noise.
    for (const [name, { data }] of Object.entries(given)) if (inputs.has(name)) loaded.write(name, data);
    if (inputs.has("seed")) loaded.write("seed", noiseOf(this.#seed, step));
    loaded.write("hyper", Float64Array.from(optimizer.hyper(step, lr)));
    const read = loaded.runAndRead(["loss", "norm"]);
    this.#step = step;
    const [loss, norm] = (await read) as [NumberArray, NumberArray];
    return this.#report(step, { loss: loss[0]!, gradNorm: norm[0]!, lr }, given);
  }

  /** @throws DivergedError when the loss or the gradient norm is not finite */
  #report(
    step: number,
    { loss, gradNorm, lr }: Pick<StepReport, "loss" | "gradNorm" | "lr">,
    given: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  ): StepReport {
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      this.#diverged ??= new DivergedError(
        step,
        `training diverged in step ${step}: loss ${loss}, gradient norm ${gradNorm}, learning rate ${lr}; go back to the last checkpoint with a smaller learning rate or a clipNorm`,
      );
      throw this.#diverged;
    }
    const [, { shape }] = Object.entries(given).find(([name]) => name.startsWith("target"))!;
    const now = performance.now();
    const rate = sizeOf(shape) / ((now - this.#lastReport) / 1000);
    this.#lastReport = now;
    this.#rate = this.#rate === 0 ? rate : 0.9 * this.#rate + 0.1 * rate;
    return { step, loss, gradNorm, lr, tokensPerSecond: this.#rate };
  }

  /**
   * Trains on batches until they end, `steps` are done, or `signal` is aborted. Yields a report for each step, in order. Where
   * the loop over the reports is left, or the batches throw, nothing ran that was not reported (see `ahead`).
   * @throws BusyError when another `fit` of this trainer has not ended; DivergedError when a loss is not finite;
   *   DeviceLostError; ShapeError or DataError for a bad batch
   */
  async *fit(batches: Iterable<AnyBatch>, options: FitOptions = {}): AsyncGenerator<StepReport> {
    checkFit(options);
    this.#check();
    if (this.#isFitting)
      throw new BusyError("fit: another fit of this trainer has not ended; leave its loop, or call return() on it");
    this.#isFitting = true;
    this.#lastReport = performance.now();
    try {
      yield* runSteps((batch) => this.#start(batch), batches, options);
    } finally {
      this.#isFitting = false;
    }
  }

  /**
   * Everything that training needs to go on: `model.<parameter>`, `optimizer.<slot>.<parameter>`, `carry.<state>`, all of one
   * moment: after the steps that were started when it is called, as many as `step` tells then, also while `fit` goes on.
   * @throws DivergedError when a loss so far was not finite, so that a checkpoint is always a good one
   */
  async stateDict(): Promise<StateDict> {
    this.#check();
    const running = [...this.#running];
    const { pages } = this.#weights;
    const [moments, carried] = [this.#moments.flat(), this.#carried.buffers];
    const carriedIn = this.#carried.reader();
    const read = this.#backend.read([...pages, ...moments, ...carried]);
    const [values] = await Promise.all([read, ...running.map((report) => report.catch(refuseDiverged))]);
    const numbers = values as NumberArray[];
    const dict = this.#weights.pick(numbers, "model.");
    let at = pages.length;
    this.#options.optimizer.moments.forEach((name) => {
      if (name === undefined) return;
      Object.assign(dict, this.#weights.pick(numbers.slice(at, at + pages.length), `optimizer.${name}.`));
      at += pages.length;
    });
    return { ...dict, ...carriedIn(numbers.slice(at)) };
  }

  /**
   * Goes back to a saved state. The next step is `step + 1`.
   * @throws StateDictError when names or shapes do not fit, BusyError while `fit` goes on; nothing is changed then
   */
  loadStateDict(dict: StateDict, step: number): void {
    if (this.#disposed) this.#check();
    if (this.#isFitting)
      throw new BusyError("loadStateDict: fit has not ended; leave its loop, or call return() on it, before loading");
    if (!Number.isSafeInteger(step) || step < 0)
      throw new OptionError(`loadStateDict: step is ${step}, expected a whole number of at least 0`);
    const under = (prefix: string): StateDict =>
      Object.fromEntries(
        Object.entries(dict)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
      );
    if (!Object.keys(dict).some((name) => name.startsWith("model.")))
      throw new StateDictError(
        `loadStateDict: no name begins with "model.", as those of a trainer's state dict do (it has ${shownNames(Object.keys(dict)) || "nothing"}); load weights alone with runtime.loadStateDict(model, dict)`,
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
    this.#carried.checkDict(states);
    this.#weights.load(under("model."));
    moments.forEach((slot, i) => {
      if (slot !== undefined) this.#weights.writeInto(this.#moments[i]!, dict, `optimizer.${slot}.`);
    });
    // A checkpoint from before the first step has no states: they start at zero.
    this.#diverged = undefined;
    this.#carried.load(states);
    this.#carries = undefined;
    this.#step = step;
  }

  /**
   * Sets the carried state to zero, in all rows of the batch or in some.
   * @throws ShapeError for a row that the batch does not have
   */
  resetState(rows?: readonly number[]): void {
    this.#check();
    this.#carried.reset(rows);
  }

  /** Frees the trainer's memory; the weights stay. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#plans.dispose();
    for (const buffer of this.#moments.flat()) this.#backend.free(buffer);
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
