import { type AnyBatch, carriesState, checkBatch, inputsOf } from "../data/batch.ts";
import { DisposedError, DivergedError, OptionError } from "../errors.ts";
import { checkInputs } from "../graph/input-ranges.ts";
import { trainingName } from "../graph/update-parameters.ts";
import { loadOnDemand } from "../load-on-demand.ts";
import type { CarriedState } from "../nn/carried-state.ts";
import type { Weights } from "../nn/weights.ts";
import { hashName, pcg4d } from "../random.ts";
import { type NumberArray, type StateDict, sizeOf } from "../tensor-data.ts";
import type { FurtherSteps, Work } from "./further-steps.ts";
import type { ParameterGroups } from "./parameter-groups.ts";
import type { Schedule } from "./schedules.ts";
import type { AppliedReport, Gradients, StartedStep, StepReport } from "./step-report.ts";
import type { Held, Prepared, PreparedBatch, TrainingPlans } from "./training-plans.ts";

/** The noise of a step and, in it, of a batch: the same after a resumption, and unlike that of any other step. */
const noiseOf = (seed: number, step: number, batch: number): Int32Array =>
  Int32Array.of(pcg4d(seed, step, hashName("noise"), batch)[0]);

/** How a trainer takes its steps. */
export interface StepSettings {
  readonly schedule: Schedule;
  readonly groups: ParameterGroups;
  /** Whether the loss adds up over targets. */
  readonly isSum: boolean;
  /** Of the average of the weights, where one is kept. */
  readonly decay: number | undefined;
  readonly carryState: boolean | undefined;
  readonly seed: number;
}

/** What a trainer has come to. */
export interface Progress {
  /** Steps that were started. */
  step: number;
  /** Whether there is an average of the weights. */
  isAveraged: boolean;
  /** Whether the batches so far carried their state. */
  carries: boolean | undefined;
  diverged: DivergedError | undefined;
}

/**
 * Runs the steps of a trainer, in the order in which they are asked for. Each takes effect at one moment: its plans are loaded
 * first, then its batches are checked, written and replayed without waiting in between.
 */
export class StepRunner {
  readonly #weights: Weights;
  readonly #carried: CarriedState;
  readonly #plans: TrainingPlans;
  readonly #settings: StepSettings;
  readonly #running = new Set<Promise<unknown>>();
  readonly progress: Progress = { step: 0, isAveraged: false, carries: undefined, diverged: undefined };
  /** When what was asked for last has begun. */
  #turn: Promise<unknown> = Promise.resolve();
  #rate = 0;
  #lastReport = 0;
  isDisposed = false;

  constructor(weights: Weights, carried: CarriedState, plans: TrainingPlans, settings: StepSettings) {
    this.#weights = weights;
    this.#carried = carried;
    this.#plans = plans;
    this.#settings = settings;
  }

  /** What is under way. */
  get running(): readonly Promise<unknown>[] {
    return [...this.#running];
  }

  /** @throws DisposedError, DivergedError */
  check(): void {
    if (this.isDisposed) throw new DisposedError("the trainer was disposed; make a new one with runtime.trainer");
    if (this.progress.diverged) throw this.progress.diverged;
  }

  /** The clock of `tokensPerSecond` begins. */
  startClock(): void {
    this.#lastReport = performance.now();
  }

  /** Starts something when its plans are held and all that was asked for before has begun. */
  #start<T, R>(
    hold: () => Promise<Held<T>>,
    use: (made: T) => Promise<R>,
  ): { readonly begun: Promise<void>; readonly result: Promise<R> } {
    const before = this.#turn;
    let begin = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const run = async () => {
      await before;
      const { made, release } = await hold();
      try {
        this.check();
        const value = use(made);
        begin();
        return await value;
      } finally {
        release();
      }
    };
    const result = run();
    const begun = Promise.race([isBegun, result.then(() => {})]);
    this.#turn = begun.catch(() => {});
    this.#running.add(result);
    const settled = () => this.#running.delete(result);
    result.then(settled, settled); // what nobody waits for must not end the process either
    return { begun, result };
  }

  /** Checks batches that make one step; whether they carry their state. */
  #checkBatches(what: string, batches: readonly AnyBatch[]): boolean {
    let { carries } = this.progress;
    for (const batch of batches) {
      checkBatch(batch);
      carries = carriesState(what, batch, this.#settings.carryState, carries);
    }
    if (carries === undefined || batches.length === 0)
      throw new OptionError(`${what}: there is no batch; give one, or several that make one step`);
    return carries;
  }

  /** Checks what can be known of batches only when their plans are there. Nothing has run when this throws. */
  checkNumbers(batches: readonly AnyBatch[], prepared: readonly PreparedBatch[], carry: boolean): void {
    batches.forEach((batch, i) => {
      checkInputs(prepared[i]!.ranges, inputsOf(batch));
      if (carry) this.#carried.checkRows(batch);
    });
    this.progress.carries = carry;
  }

  /** Writes a batch. @param i which one of its step */
  write(batch: AnyBatch, { loaded, inputs }: Prepared, i: number, carry: boolean): void {
    if (carry) this.#carried.resetFor(batch);
    // A model need not use all that it is given, and most have no noise.
    for (const [name, { data }] of Object.entries(inputsOf(batch))) if (inputs.has(name)) loaded.write(name, data);
    if (inputs.has("seed")) loaded.write("seed", noiseOf(this.#settings.seed, this.progress.step + 1, i));
    if (inputs.has(trainingName.keep)) loaded.write(trainingName.keep, Float64Array.of(i === 0 ? 0 : 1));
  }

  /** Replays the update of the next step. @param outputs of its plan, for the values after the norm */
  update({ loaded, inputs }: Prepared, outputs: readonly string[] = []) {
    const { schedule, groups, decay = 0 } = this.#settings;
    const step = this.progress.step + 1;
    const factor = schedule.lrAt(step - 1);
    groups.optimizers.forEach((optimizer, group) => {
      const name = trainingName.hyper(group);
      if (inputs.has(name)) loaded.write(name, Float64Array.from(optimizer.hyper(step, optimizer.lr * factor)));
    });
    if (inputs.has(trainingName.averaging)) {
      const keep = this.progress.isAveraged ? decay : 0;
      loaded.write(trainingName.averaging, Float64Array.of(keep, 1 - keep));
      this.progress.isAveraged = true;
    }
    const read = loaded.runAndRead(["norm", ...outputs]);
    this.progress.step = step;
    return { step, lr: groups.optimizers[0]!.lr * factor, read };
  }

  /** Starts one step on some batches: checks them, then puts them on the device's queue. */
  start(what: string, batches: readonly AnyBatch[]): StartedStep {
    this.check();
    const carry = this.#checkBatches(what, batches);
    const { begun, result } =
      batches.length === 1
        ? this.#startOne(batches[0]!, carry)
        : this.#startFurther((further) => further.step(batches, carry));
    return { begun, report: result };
  }

  #startOne(batch: AnyBatch, carry: boolean) {
    return this.#start(
      () => this.#plans.forBatch("train", batch, carry),
      async (prepared) => {
        this.checkNumbers([batch], [prepared], carry);
        this.write(batch, prepared, 0, carry);
        const { step, lr, read } = this.update(prepared, ["loss"]);
        const [norm, loss] = (await read) as [NumberArray, NumberArray];
        return this.report({ step, loss: loss[0]!, gradNorm: norm[0]!, lr }, [batch]);
      },
    );
  }

  /** @throws DivergedError when one of the numbers, by what messages call them, is not finite */
  checkFinite(step: number, numbers: Readonly<Record<string, number>>, lr?: number): void {
    if (Object.values(numbers).every(Number.isFinite)) return;
    const all = { ...numbers, ...(lr !== undefined && { "learning rate": lr }) };
    const shown = Object.entries(all).map(([name, value]) => `${name} ${value}`);
    this.progress.diverged ??= new DivergedError(
      step,
      `training diverged in step ${step}: ${shown.join(", ")}; go back to the last checkpoint with a smaller learning rate or a clipNorm, and see that the batch has no NaN`,
    );
    throw this.progress.diverged;
  }

  report(report: Omit<StepReport, "tokensPerSecond">, batches: readonly AnyBatch[]): StepReport {
    const { step, loss, gradNorm, lr } = report;
    this.checkFinite(step, { loss, "gradient norm": gradNorm }, lr);
    const tokens = batches.reduce((sum, batch) => {
      const [, { shape }] = Object.entries(inputsOf(batch)).find(([name]) => name.startsWith("target"))!;
      return sum + sizeOf(shape);
    }, 0);
    const now = performance.now();
    const rate = tokens / ((now - this.#lastReport) / 1000);
    this.#lastReport = now;
    this.#rate = this.#rate === 0 ? rate : 0.9 * this.#rate + 0.1 * rate;
    return { ...report, tokensPerSecond: this.#rate };
  }

  /** The gradients of batches; the weights stay. */
  gradients(batches: readonly AnyBatch[]): Promise<Gradients> {
    this.check();
    const carry = this.#checkBatches("gradients", batches);
    return this.#startFurther((further) => further.gradients(batches, carry)).result;
  }

  /** A step with gradients that are given. */
  apply(gradients: StateDict): Promise<AppliedReport> {
    this.check();
    return this.#startFurther((further) => further.apply(gradients)).result;
  }

  /** Starts what is more than a step on one batch. */
  #startFurther<T, R>(work: (further: FurtherSteps) => Work<T, R>) {
    return this.#start(
      async () => {
        const { FurtherSteps } = await loadOnDemand();
        const { hold, use } = work(new FurtherSteps(this, this.#weights, this.#plans, this.#settings));
        const { made, release } = await hold();
        return { made: () => use(made), release };
      },
      (run) => run(),
    );
  }
}
