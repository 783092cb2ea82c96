import type { AnyBatch } from "../data/batch.ts";
import { StateDictError, shownNames } from "../errors.ts";
import { pageName } from "../graph/parameter-layout.ts";
import { faultsOf } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { NumberArray, StateDict } from "../tensor-data.ts";
import type { AppliedReport, Gradients, StepReport } from "./step-report.ts";
import type { StepRunner, StepSettings } from "./step-runner.ts";
import type { Held, Prepared, PreparedBatch, TrainingPlans } from "./training-plans.ts";

/** What a runner starts: the plans to hold, and what is done with them at once. */
export interface Work<T, R> {
  hold(): Promise<Held<T>>;
  use(made: T): Promise<R>;
}

interface HeldBatches {
  readonly prepared: readonly PreparedBatch[];
  readonly after: Prepared;
}

/** Steps on several batches, gradients without a step, and steps with gradients that are given. Loaded on demand. */
export class FurtherSteps {
  readonly #runner: StepRunner;
  readonly #weights: Weights;
  readonly #plans: TrainingPlans;
  readonly #settings: StepSettings;

  constructor(runner: StepRunner, weights: Weights, plans: TrainingPlans, settings: StepSettings) {
    this.#runner = runner;
    this.#weights = weights;
    this.#plans = plans;
    this.#settings = settings;
  }

  step(batches: readonly AnyBatch[], carry: boolean): Work<HeldBatches, StepReport> {
    return {
      hold: () => this.#hold("update", batches, carry),
      use: async ({ prepared, after }) => {
        const reads = this.#accumulate(batches, prepared, carry);
        const { step, lr, read } = this.#runner.update(after);
        const [[norm], ...losses] = (await Promise.all([read, ...reads])) as [NumberArray[], ...NumberArray[][]];
        return this.#runner.report({ step, loss: this.#together(losses).loss, gradNorm: norm![0]!, lr }, batches);
      },
    };
  }

  gradients(batches: readonly AnyBatch[], carry: boolean): Work<HeldBatches, Gradients> {
    return {
      hold: () => this.#hold("mean", batches, carry),
      use: async ({ prepared, after }) => {
        const step = this.#runner.progress.step + 1;
        const reads = this.#accumulate(batches, prepared, carry);
        const mean = after.loaded.runAndRead(this.#weights.layout.pages.map((_, page) => pageName.gradient(page)));
        const [pages, ...losses] = (await Promise.all([mean, ...reads])) as [NumberArray[], ...NumberArray[][]];
        const { loss, count } = this.#together(losses);
        this.#runner.checkFinite(step, { loss });
        const named = this.#weights.pick(pages, "");
        const parts = this.#weights.parts.filter(({ parameter }) => after.learned.has(parameter));
        return { gradients: Object.fromEntries(parts.map(({ name }) => [name, named[name]!])), loss, count };
      },
    };
  }

  /** @throws StateDictError when the gradients are not the model's */
  apply(gradients: StateDict): Work<Prepared, AppliedReport> {
    const learned = this.#checkGradients(gradients);
    return {
      hold: () => this.#plans.forGradients("apply", learned),
      use: async (prepared) => {
        const pages = this.#weights.layout.pages.map((_, page) => pageName.gradient(page));
        const there = pages.map((name) => prepared.loaded.plan.buffers.some((buffer) => buffer.name === name));
        this.#weights.writeInto(
          pages.map((name, i) => (there[i] ? prepared.loaded.buffer(name) : undefined)),
          gradients,
          "",
        );
        const { step, lr, read } = this.#runner.update(prepared);
        const [norm] = (await read) as [NumberArray];
        this.#runner.checkFinite(step, { "gradient norm": norm[0]! }, lr);
        return { step, gradNorm: norm[0]!, lr };
      },
    };
  }

  /** Puts several batches through their plans, each of which adds to the gradients. */
  #accumulate(batches: readonly AnyBatch[], prepared: readonly PreparedBatch[], carry: boolean) {
    this.#runner.checkNumbers(batches, prepared, carry);
    return batches.map((batch, i) => {
      const { loaded, outputs } = prepared[i]!;
      this.#runner.write(batch, prepared[i]!, i, carry);
      const read = loaded.runAndRead(outputs);
      read.catch(() => {}); // where a later one cannot even be started, nobody waits for this one
      return read;
    });
  }

  /** Holds a plan for each of several batches, and the one for what they have accumulated. */
  async #hold(kind: "update" | "mean", batches: readonly AnyBatch[], carry: boolean) {
    const { made: prepared, release } = await holdAll(batches, (batch) =>
      this.#plans.forBatch("accumulate", batch, carry),
    );
    try {
      const after = await this.#plans.forGradients(kind, new Set(prepared.flatMap(({ learned }) => [...learned])));
      const releaseAll = () => {
        release();
        after.release();
      };
      return { made: { prepared, after: after.made }, release: releaseAll };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The loss of batches together, and what it is over. @param reads the loss of each and, where it tells it, its count */
  #together(reads: readonly (readonly NumberArray[])[]): { readonly loss: number; readonly count: number } {
    if (this.#settings.isSum) return { loss: reads.reduce((sum, [loss]) => sum + loss![0]!, 0), count: 1 };
    const count = reads.reduce((sum, [, weight]) => sum + (weight?.[0] ?? 1), 0);
    const sum = reads.reduce((all, [loss, weight]) => all + loss![0]! * (weight?.[0] ?? 1), 0);
    return { loss: count === 0 ? 0 : sum / count, count };
  }

  /** The parameters that gradients are given of. @throws StateDictError when they are not the model's */
  #checkGradients(gradients: StateDict): ReadonlySet<object> {
    const { parts } = this.#weights;
    const names = Object.keys(gradients);
    const unknown = names.filter((name) => !parts.some((part) => part.name === name));
    if (unknown.length > 0 || names.length === 0)
      throw new StateDictError(
        `apply: ${names.length === 0 ? "there is no gradient" : `the model has no ${shownNames(unknown)}`}; give what trainer.gradients gave, by the names of the state dict`,
      );
    const learned = new Set(parts.filter(({ name }) => name in gradients).map(({ parameter }) => parameter));
    for (const { name, parameter, shape } of parts) {
      if (!learned.has(parameter)) continue;
      if (!this.#settings.groups.isLearned(parameter))
        throw new StateDictError(`apply: ${name} is frozen by the trainer's groups; leave its gradient out`);
      const gradient = gradients[name];
      if (!gradient)
        throw new StateDictError(`apply: the gradient of ${name} is missing, and that of another part of it is there`);
      const [fault] = faultsOf(name, gradient, shape);
      if (fault) throw new StateDictError(`apply: ${fault}`);
    }
    return learned;
  }
}

/** Holds several plans, one after the other. @throws what `hold` throws; none is held then */
async function holdAll<T, R>(items: readonly T[], hold: (item: T) => Promise<Held<R>>): Promise<Held<R[]>> {
  const held: Held<R>[] = [];
  const release = () => {
    for (const one of held) one.release();
  };
  try {
    for (const item of items) held.push(await hold(item));
  } catch (error) {
    release();
    throw error;
  }
  return { made: held.map(({ made }) => made), release };
}
