import { type AnyBatch, batchKey, checkBatch, inputsOf, rowOffsets } from "../data/batch.ts";
import { DataError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkInputs, type Range } from "../graph/input-ranges.ts";
import { carryName, type SequenceModel } from "../graph/trace.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import { type Backend, type LoadedPlan, RING } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/loaded-plans.ts";
import { type Shape, sizeOf } from "../tensor-data.ts";
import { type AnyLoss, traceLoss } from "./loss-graph.ts";

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Inputs that the plan reads. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Carried states. */
  readonly states: readonly { readonly name: string; readonly shape: Shape }[];
}

/** Measures a model's loss on batches; keeps its plans, so that measuring again makes nothing new. */
export class Evaluator {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #loss: AnyLoss;
  readonly #carry: boolean;
  readonly #prepared = new LoadedPlans<Prepared>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, weights: Weights, loss: AnyLoss, carry: boolean) {
    this.#backend = backend;
    this.#weights = weights;
    this.#loss = loss;
    this.#carry = carry;
  }

  async #load(batch: AnyBatch): Promise<Prepared> {
    const model = this.#weights.model as Module & SequenceModel;
    const { loss, count, states, ranges } = traceLoss(model, batch, this.#loss, { carry: this.#carry });
    const plan = buildPlan({
      name: "evaluate",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs: { loss, ...(count && { count }) },
      carries: states,
    });
    return {
      loaded: await this.#backend.load(plan, this.#weights.bound),
      ranges,
      inputs: plan.buffers.filter(({ role }) => role === "input").map(({ name }) => name),
      outputs: count ? ["loss", "count"] : ["loss"],
      states: states.map(({ path, to }) => ({ name: carryName(path), shape: to.shape })),
    };
  }

  /** Mean loss over all that counts; a state that is carried starts at zero and goes from batch to batch of one shape. */
  run(batches: Iterable<AnyBatch>): Promise<{ loss: number; tokens: number }> {
    // One after the other, because all of them keep their state in the plans' memory.
    const result = this.#last.then(() => this.#measure(batches));
    this.#last = result.catch(() => {});
    return result;
  }

  async #measure(batches: Iterable<AnyBatch>): Promise<{ loss: number; tokens: number }> {
    let sum = 0;
    let tokens = 0;
    const started = new Set<Prepared>();
    const pending: Promise<void>[] = [];
    for (const batch of batches) {
      checkBatch(batch);
      const prepared = await this.#prepared.get(batchKey(batch), () => this.#load(batch));
      const { loaded, ranges, inputs, outputs, states } = prepared;
      const given = inputsOf(batch);
      checkInputs(ranges, given);
      const { resetState } = batch;
      for (const { name, shape } of states) {
        if (!started.has(prepared) || resetState === true) loaded.write(name, new Float32Array(sizeOf(shape)));
        else if (Array.isArray(resetState))
          for (const at of rowOffsets(name, shape, resetState)) loaded.write(name, new Float32Array(shape[2]!), at);
      }
      started.add(prepared);
      for (const name of inputs) loaded.write(name, given[name]!.data);
      pending.push(
        loaded.runAndRead(outputs).then(([loss, count]) => {
          const counted = count?.[0] ?? 1;
          sum += loss![0]! * counted;
          tokens += counted;
        }),
      );
      if (pending.length >= RING) await pending.shift();
    }
    await Promise.all(pending);
    if (tokens === 0)
      throw new DataError("evaluate: there is no batch to measure on, or every target in it is ignored");
    return { loss: sum / tokens, tokens };
  }

  dispose(): void {
    this.#prepared.dispose();
  }
}
