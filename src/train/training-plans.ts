import { type AnyBatch, batchKey } from "../data/batch.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { loadCommands } from "../graph/commands.ts";
import { differentiation } from "../graph/differentiation.ts";
import type { InputRanges } from "../graph/input-ranges.ts";
import { inputTensor } from "../graph/tensor.ts";
import type { CarriedSpec, SequenceModel } from "../graph/trace.ts";
import { type LearnedParameters, type Update, updateParameters } from "../graph/update-parameters.ts";
import { loadOnDemand } from "../load-on-demand.ts";
import type { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan, Memory } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import { type AnyLoss, isSumOf } from "./any-loss.ts";
import { traceLoss } from "./loss-graph.ts";
import type { ParameterGroups } from "./parameter-groups.ts";

/** A plan of a training, loaded. */
export interface Prepared {
  readonly loaded: LoadedPlan;
  /** Inputs that the plan reads. */
  readonly inputs: ReadonlySet<string>;
  /** Parameters that it has gradients for. */
  readonly learned: ReadonlySet<object>;
}

/** A plan that a batch is put through. */
export interface PreparedBatch extends Prepared {
  readonly ranges: InputRanges;
  /** The loss and, if it tells it, its count. */
  readonly outputs: readonly string[];
}

/** A plan that is held, so that it stays loaded. */
export interface Held<T> {
  readonly made: T;
  release(): void;
}

/** What a plan does with a batch: a whole training step, or the gradients, added to those of the batches before it. */
type BatchKind = "train" | "accumulate";
/** What a plan does with gradients: the update, after taking their mean or as they are given; or the mean alone. */
type GradientKind = "update" | "apply" | "mean";

/** What the plans of a trainer are made for. */
interface PlanOptions {
  /** Default `crossEntropy()`. */
  readonly loss: AnyLoss | undefined;
  readonly carryState: boolean | undefined;
  /** See `TrainerOptions.memory`. */
  readonly recompute: boolean;
  readonly weightDtype: "f32" | "f16";
  readonly groups: ParameterGroups;
  readonly update: Update;
  /** Keep a running average of the weights. */
  readonly average: boolean;
}

/** The plans of a trainer, by what they do and the shapes of a batch. */
export class TrainingPlans {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #carried: CarriedState;
  readonly #memory: Memory;
  readonly #options: PlanOptions;
  readonly #batches: LoadedPlans<PreparedBatch>;
  readonly #gradients: LoadedPlans<Prepared>;
  /** A number for each set of parameters. */
  readonly #sets = new Map<string, number>();

  constructor(
    backend: Backend,
    weights: Weights,
    memory: { readonly carried: CarriedState; readonly trainer: Memory },
    options: PlanOptions,
  ) {
    this.#backend = backend;
    this.#weights = weights;
    this.#carried = memory.carried;
    this.#memory = memory.carried.memory(memory.trainer);
    this.#options = options;
    this.#batches = new LoadedPlans(backend.budget);
    this.#gradients = new LoadedPlans(backend.budget);
  }

  /** The plan for a batch, unloaded. */
  async build(
    kind: BatchKind,
    batch: Pick<AnyBatch, "x" | "target">,
    carry: boolean,
    target = this.#backend.target,
  ): Promise<{
    readonly plan: Plan;
    readonly ranges: InputRanges;
    readonly states: readonly CarriedSpec[];
    readonly learned: ReadonlySet<object>;
    readonly outputs: readonly string[];
  }> {
    const model = this.#weights.model as Module & SequenceModel;
    const { carryState, weightDtype, recompute, groups, update, average } = this.#options;
    const more = await this.#more(kind);
    const { layout } = more?.storedAs(this.#backend, this.#weights, { weightDtype }) ?? this.#weights;
    const { loss, count, states, ranges } = traceLoss(model, batch, this.#options.loss ?? more!.crossEntropy(), {
      carry,
      carryState,
      seed: inputTensor("seed", [1], "i32"),
    });
    await loadCommands([loss, ...states.flatMap(({ parts }) => parts.map(({ from }) => from))]);
    const isSum = isSumOf(this.#options.loss);
    const tellsCount = kind === "accumulate" && count !== undefined && !isSum;
    let learned: ReadonlySet<object> = new Set();
    const plan = buildPlan({
      name: kind === "train" ? "train" : "accumulate gradients",
      target,
      layout,
      outputs: { loss, ...(tellsCount && { count }) },
      loss,
      recompute,
      differentiation,
      parameters: (parameter) => groups.isLearned(parameter),
      carries: states.flatMap(({ parts }) => parts),
      withGradients: (e) => {
        learned = e.learned;
        if (kind === "accumulate") more!.accumulateGradients(e, { count, isSum });
        else {
          updateParameters(e, update);
          if (average) more!.averageParameters(e);
        }
      },
    });
    return { plan, ranges, states, learned, outputs: tellsCount ? ["loss", "count"] : ["loss"] };
  }

  /** Holds the plan for a batch. @throws what building and loading it throws */
  forBatch(kind: BatchKind, batch: AnyBatch, carry: boolean): Promise<Held<PreparedBatch>> {
    const key = `${kind}${carry ? " carried" : ""} ${batchKey(batch)}`;
    return this.#batches.hold(key, async () => {
      const { plan, states, ...rest } = await this.build(kind, batch, carry);
      this.#carried.check(states);
      const loaded = await this.#load(plan, key);
      this.#carried.attach(states, loaded);
      return { loaded, inputs: inputsOf(plan), ...rest };
    });
  }

  /** Holds the plan that makes something of the gradients of these parameters. */
  forGradients(kind: GradientKind, learned: ReadonlySet<object>): Promise<Held<Prepared>> {
    // Sets of parameters are few: those that the branches of a model's forward use.
    const members = [...this.#weights.layout.places.keys()].map((one) => (learned.has(one) ? 1 : 0)).join("");
    const set = this.#sets.get(members) ?? this.#sets.size;
    this.#sets.set(members, set);
    const key = `${kind} ${set}`;
    return this.#gradients.hold(key, async () => {
      const more = await this.#more(kind);
      const plan = buildPlan({
        name: kind,
        target: this.#backend.target,
        layout: this.#weights.layout,
        outputs: {},
        withGradients: (parameters) => {
          const e: LearnedParameters = { ...parameters, learned };
          if (kind !== "apply") more!.averageGradients(e);
          if (kind === "mean") return;
          updateParameters(e, this.#options.update);
          if (this.#options.average) more!.averageParameters(e);
        },
      });
      return { loaded: await this.#load(plan, key), inputs: inputsOf(plan), learned };
    });
  }

  /** What a step on one batch with a loss of its own does without. */
  async #more(kind: BatchKind | GradientKind) {
    const { loss, average, weightDtype } = this.#options;
    return kind === "train" && loss && !average && weightDtype === "f32" ? undefined : loadOnDemand();
  }

  #load(plan: Plan, key: string): Promise<LoadedPlan> {
    return this.#backend.load(plan, { model: this.#weights.name, part: key }, this.#memory);
  }

  dispose(): void {
    this.#batches.dispose();
    this.#gradients.dispose();
  }
}

const inputsOf = ({ buffers }: Plan): ReadonlySet<string> =>
  new Set(buffers.filter(({ role }) => role === "input").map(({ name }) => name));
