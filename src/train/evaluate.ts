import { type Batch, batchKey } from "../data/batch.ts";
import { DataError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { inputTensor } from "../graph/tensor.ts";
import { checkTokens, type TokenRange, tokenRanges } from "../graph/token-ranges.ts";
import { carryName, type SequenceModel, traceStateful } from "../graph/trace.ts";
import type { Loss } from "../nn/losses.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import { type Backend, type LoadedPlan, RING } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/loaded-plans.ts";
import { checkTensor, dtypeOf, sizeOf } from "../tensor-data.ts";

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: ReadonlyMap<string, TokenRange>;
  /** Carried states and their sizes. */
  readonly states: readonly { readonly name: string; readonly size: number }[];
}

/** Measures a model's loss on batches; keeps its plans, so that measuring again makes nothing new. */
export class Evaluator {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #loss: Loss;
  readonly #prepared = new LoadedPlans<Prepared>();

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
    const carried = states.map(({ path, to }) => ({ name: carryName(path), size: to.size }));
    return {
      loaded: await this.#backend.load(plan, this.#weights.bound),
      ranges: tokenRanges([loss]),
      states: carried,
    };
  }

  /** Mean loss over all targets; the state starts at zero and is carried from batch to batch of one shape. */
  async run(batches: Iterable<Batch>): Promise<{ loss: number; tokens: number }> {
    let sum = 0;
    let tokens = 0;
    const started = new Set<Prepared>();
    const pending: Promise<void>[] = [];
    for (const batch of batches) {
      for (const name of ["x", "target"] as const)
        checkTensor(`batch.${name}`, batch[name], batch[name].shape, dtypeOf(batch[name].data));
      const prepared = await this.#prepared.get(batchKey(batch), () => this.#load(batch));
      const { loaded, ranges, states } = prepared;
      for (const [name, range] of ranges) checkTokens(name, batch[name as "x" | "target"], range);
      if (!started.has(prepared) || batch.resetState === true) {
        for (const { name, size } of states) loaded.write(name, new Float32Array(size));
        started.add(prepared);
      }
      loaded.write("x", batch.x.data);
      loaded.write("target", batch.target.data);
      pending.push(
        loaded.runAndRead(["loss", "count"]).then(([loss, count]) => {
          // A batch without any target counts as one token of loss 0 on the device.
          const counted = Math.min(count![0]!, sizeOf(batch.target.shape));
          sum += loss![0]! * counted;
          tokens += counted;
        }),
      );
      if (pending.length >= RING) await pending.shift();
    }
    await Promise.all(pending);
    if (tokens === 0) throw new DataError("evaluate: there is no batch to measure on");
    return { loss: sum / tokens, tokens };
  }

  dispose(): void {
    this.#prepared.dispose();
  }
}
