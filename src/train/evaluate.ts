import { type AnyBatch, batchKey, carriesState, checkBatch, inputsOf } from "../data/batch.ts";
import { BusyError, DataError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkInputs, type InputRanges } from "../graph/input-ranges.ts";
import type { SequenceModel } from "../graph/trace.ts";
import { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import type { NumberArray } from "../tensor-data.ts";
import { type AnyLoss, traceLoss } from "./loss-graph.ts";

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: InputRanges;
  /** Inputs that the plan reads. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Batches that may be under way at once. */
const AHEAD = 4;

/** Measures a model's loss on batches; keeps its plans, so that measuring again makes nothing new. */
export class Evaluator {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #loss: AnyLoss;
  readonly #carryState: boolean | undefined;
  readonly #onDispose: () => void;
  readonly #plans: LoadedPlans<Prepared>;
  readonly #carried: CarriedState;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    backend: Backend,
    weights: Weights,
    options: { readonly loss: AnyLoss; readonly carryState?: boolean | undefined },
    onDispose: () => void = () => {},
  ) {
    this.#backend = backend;
    this.#weights = weights;
    this.#loss = options.loss;
    this.#carryState = options.carryState;
    this.#onDispose = onDispose;
    this.#plans = new LoadedPlans(backend.budget);
    this.#carried = new CarriedState(backend, { model: weights.name, part: "evaluate" });
  }

  /** @param options.isFirst no batch of this measurement has run yet */
  async #load(
    batch: AnyBatch,
    key: string,
    { carry, isFirst }: { readonly carry: boolean; readonly isFirst: boolean },
  ): Promise<Prepared> {
    const model = this.#weights.model as Module & SequenceModel;
    const { loss, count, states, ranges } = traceLoss(model, batch, this.#loss, { carry });
    if (isFirst && !this.#carried.fits(states)) {
      // Another number of rows than the last time: their states go, and so do the plans that hold on to them.
      this.#plans.keepOnly(key);
      this.#carried.clear();
    }
    this.#carried.check(states);
    const plan = buildPlan({
      name: "evaluate",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: { loss, ...(count && { count }) },
      carries: states.flatMap(({ parts }) => parts),
    });
    const owner = { model: this.#weights.name, part: `evaluate ${key}` };
    const loaded = await this.#backend.load(plan, owner, this.#carried.memory(this.#weights));
    this.#carried.attach(states, loaded);
    return {
      loaded,
      ranges,
      inputs: plan.buffers.filter(({ role }) => role === "input").map(({ name }) => name),
      outputs: count ? ["loss", "count"] : ["loss"],
    };
  }

  /** Mean loss over all that counts; a state that is carried starts at zero. */
  run(batches: Iterable<AnyBatch>): Promise<{ loss: number; tokens: number }> {
    // One after the other, because all of them carry one state.
    const result = this.#last.then(() => this.#measure(batches));
    this.#last = result.catch(() => {});
    return result;
  }

  async #measure(batches: Iterable<AnyBatch>): Promise<{ loss: number; tokens: number }> {
    let sum = 0;
    let tokens = 0;
    const running = new Set<Promise<unknown>>();
    this.#carried.reset();
    let carries: boolean | undefined;
    let isFirst = true;
    let version = 0;
    try {
      for (const batch of batches) {
        checkBatch(batch);
        const carry = carriesState("evaluate", batch, this.#carryState, carries);
        carries = carry;
        const key = `${carry ? "carried " : ""}${batchKey(batch)}`;
        const { begun, result } = this.#plans.start(
          key,
          () => this.#load(batch, key, { carry, isFirst }),
          (prepared) => {
            if (isFirst) version = this.#weights.version;
            if (version !== this.#weights.version)
              throw new BusyError(
                "evaluate: the weights changed while it ran, so its batches would be measured with different ones; wait for it before training goes on or weights are loaded",
              );
            isFirst = false;
            return this.#replay(batch, prepared, carry);
          },
        );
        const measured = result.then(([loss, count]) => {
          const counted = count?.[0] ?? 1;
          sum += loss![0]! * counted;
          tokens += counted;
          running.delete(measured);
        });
        running.add(measured);
        measured.catch(() => {}); // whoever waits for it sees it
        await begun;
        if (running.size >= AHEAD) await running.values().next().value;
      }
      await Promise.all(running);
    } finally {
      await Promise.allSettled(running);
    }
    if (tokens === 0)
      throw new DataError("evaluate: there is no batch to measure on, or every target in it is ignored");
    return { loss: sum / tokens, tokens };
  }

  async #replay(
    batch: AnyBatch,
    { loaded, ranges, inputs, outputs }: Prepared,
    carry: boolean,
  ): Promise<NumberArray[]> {
    const given = inputsOf(batch);
    checkInputs(ranges, given);
    if (carry) this.#carried.resetFor(batch);
    for (const name of inputs) loaded.write(name, given[name]!.data);
    return loaded.runAndRead(outputs);
  }

  dispose(): void {
    this.#plans.dispose();
    this.#carried.dispose();
    this.#onDispose();
  }
}
