import { type Batch, batchKey, checkBatch, rowOffsets } from "../data/batch.ts";
import { DataError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkRange, inputRanges, type Range } from "../graph/input-ranges.ts";
import { inputTensor } from "../graph/tensor.ts";
import { carryName, type SequenceModel, traceStateful } from "../graph/trace.ts";
import type { Loss } from "../nn/losses.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import { type Backend, type LoadedPlan, RING } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/loaded-plans.ts";
import { dtypeOf, type Shape, sizeOf } from "../tensor-data.ts";

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Carried states. */
  readonly states: readonly { readonly name: string; readonly shape: Shape }[];
}

/** Measures a model's loss on batches; keeps its plans, so that measuring again makes nothing new. */
export class Evaluator {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #loss: Loss;
  readonly #prepared = new LoadedPlans<Prepared>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, weights: Weights, loss: Loss) {
    this.#backend = backend;
    this.#weights = weights;
    this.#loss = loss;
  }

  async #load({ x, target }: Batch): Promise<Prepared> {
    const input = inputTensor("x", x.shape, dtypeOf(x.data));
    const goal = inputTensor("target", target.shape, dtypeOf(target.data));
    const { logits, states } = traceStateful(this.#weights.model as Module & SequenceModel, input, true);
    const { loss, count } = this.#loss.apply(logits, goal);
    const { target: machine } = this.#backend;
    const plan = buildPlan({
      name: "evaluate",
      target: machine,
      layout: this.#weights.layout,
      outputs: { loss, count },
      carries: states,
    });
    const carried = states.map(({ path, to }) => ({ name: carryName(path), shape: to.shape }));
    return {
      loaded: await this.#backend.load(plan, this.#weights.bound),
      ranges: inputRanges([loss]),
      states: carried,
    };
  }

  /** Mean loss over all targets; the state starts at zero and is carried from batch to batch of one shape. */
  run(batches: Iterable<Batch>): Promise<{ loss: number; tokens: number }> {
    // One after the other, because all of them keep their state in the plans' memory.
    const result = this.#last.then(() => this.#measure(batches));
    this.#last = result.catch(() => {});
    return result;
  }

  async #measure(batches: Iterable<Batch>): Promise<{ loss: number; tokens: number }> {
    let sum = 0;
    let tokens = 0;
    const started = new Set<Prepared>();
    const pending: Promise<void>[] = [];
    for (const batch of batches) {
      checkBatch(batch);
      const prepared = await this.#prepared.get(batchKey(batch), () => this.#load(batch));
      const { loaded, ranges, states } = prepared;
      for (const [name, range] of ranges) checkRange(name, batch[name as "x" | "target"], range);
      const { resetState } = batch;
      for (const { name, shape } of states) {
        if (!started.has(prepared) || resetState === true) loaded.write(name, new Float32Array(sizeOf(shape)));
        else if (Array.isArray(resetState))
          for (const at of rowOffsets(name, shape, resetState)) loaded.write(name, new Float32Array(shape[2]!), at);
      }
      started.add(prepared);
      const ignored = ranges.get("target")?.also;
      loaded.write("x", batch.x.data);
      loaded.write("target", batch.target.data);
      pending.push(
        loaded.runAndRead(["loss", "count"]).then(([loss, count]) => {
          // On the device a batch without any target counts as one token of loss 0.
          const counted = batch.target.data.every((token) => token === ignored) ? 0 : count![0]!;
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
