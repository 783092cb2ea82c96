import { type AnyBatch, batchKey, carriesState, checkBatch, inputsOf } from "../data/batch.ts";
import { BusyError, checkOptions, checkSwitch, DataError, OptionError, shown } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkInputs, type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { Tensor } from "../graph/tensor.ts";
import { logitsOf, type SequenceModel } from "../graph/trace.ts";
import { CarriedState } from "../nn/carried-state.ts";
import { crossEntropy } from "../nn/cross-entropy.ts";
import type { Module } from "../nn/module.ts";
import { storedAs } from "../nn/stored-weights.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan, Memory } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import type { NumberArray, TensorData, WeightDType } from "../tensor-data.ts";
import { type AnyLoss, checkLoss } from "./any-loss.ts";
import { type BatchSource, checkEpochs } from "./epochs.ts";
import { type LossGraph, traceLoss } from "./loss-graph.ts";
import { checkMetrics, type Measurement, type MetricResults, type MetricState, type Metrics } from "./metrics.ts";

/** What was measured on some batches. */
export interface Evaluation<M extends Metrics = Metrics> {
  /** The mean over all that the losses count, in nats per token by default. */
  readonly loss: number;
  /** How many these are. Batches whose loss tells no count, or is a sum, count as one each. */
  readonly tokens: number;
  /** By the names of the metrics that were asked for. */
  readonly metrics: MetricResults<M>;
}

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: InputRanges;
  /** Inputs that the plan reads. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly metrics: ReadonlyMap<string, Watched>;
}

/** A metric on batches of one shape: where its tensors come from. */
interface Watched {
  readonly measurement: Measurement<unknown>;
  /** By the metric's name for it: the output of the plan, or the input of the batch. */
  readonly sources: ReadonlyMap<
    string,
    { readonly from: "output" | "input"; readonly name: string; readonly tensor: Tensor }
  >;
}

/** Batches that may be under way at once. */
const AHEAD = 4;

/** @throws OptionError for an option of `Runtime.evaluate` that is not known, or a `carryState` that is no switch */
export function checkEvaluation(options: { readonly carryState?: boolean }): void {
  checkOptions("evaluate", options, ["loss", "carryState", "metrics", "weightDtype"]);
  if (options.carryState !== undefined) checkSwitch("evaluate", "carryState", options.carryState);
}

/** Measures a model's loss and metrics on batches; keeps its plans, so that measuring again makes nothing new. */
export class Evaluator<M extends Metrics = Record<never, never>> {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #source: Memory & { readonly version: number };
  readonly #loss: AnyLoss;
  readonly #metrics: Metrics;
  readonly #carryState: boolean | undefined;
  readonly #onDispose: () => void;
  readonly #plans: LoadedPlans<Prepared>;
  readonly #carried: CarriedState;
  #last: Promise<unknown> = Promise.resolve();

  /** @param options.source of the weights; default the model's */
  constructor(
    backend: Backend,
    weights: Weights,
    options: {
      readonly loss?: AnyLoss | undefined;
      readonly carryState?: boolean | undefined;
      readonly weightDtype?: WeightDType | undefined;
      readonly metrics?: M | undefined;
      readonly source?: Memory & { readonly version: number };
    },
    onDispose: () => void = () => {},
  ) {
    this.#backend = backend;
    this.#weights = storedAs(backend, weights, options);
    this.#source = options.source ?? weights;
    const { loss, metrics } = options;
    this.#loss = loss ? checkLoss("evaluate", loss) : crossEntropy();
    if (metrics) checkMetrics("evaluate", metrics);
    this.#metrics = metrics ?? {};
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
    const graph = traceLoss(this.#weights.model as Module & SequenceModel, batch, this.#loss, {
      carry,
      carryState: this.#carryState,
    });
    const { loss, count, states } = graph;
    const { metrics, watched } = this.#watch(graph);
    if (isFirst && !this.#carried.fits(states)) {
      // Another number of rows than the last time: their states go, and so do the plans that hold on to them.
      this.#plans.keepOnly(key);
      this.#carried.clear();
    }
    this.#carried.check(states);
    const outputs = { loss, ...(count && { count }), ...watched };
    const parts = states.flatMap((state) => state.parts);
    const plan = buildPlan({
      name: "evaluate",
      target: this.#backend.target,
      layout: this.#weights.layout,
      outputs,
      carries: parts,
    });
    const owner = { model: this.#weights.name, part: `evaluate ${key}` };
    const loaded = await this.#backend.load(plan, owner, this.#carried.memory(this.#source));
    this.#carried.attach(states, loaded);
    return {
      loaded,
      ranges: inputRanges([...Object.values(outputs), ...parts.map(({ from }) => from)]),
      inputs: plan.buffers.filter(({ role }) => role === "input").map(({ name }) => name),
      outputs: Object.keys(outputs),
      metrics,
    };
  }

  /** Applies the metrics: which tensors are to be read, each of them once. */
  #watch({ outputs, target }: LossGraph) {
    const watched: Record<string, Tensor> = {};
    const nameOf = (tensor: Tensor): string => {
      const known = Object.entries(watched).find(([, one]) => one === tensor)?.[0];
      const name = known ?? `metric ${Object.keys(watched).length}`;
      watched[name] = tensor;
      return name;
    };
    const loss = typeof this.#loss === "function" ? undefined : this.#loss;
    const metrics = new Map<string, Watched>();
    for (const [name, metric] of Object.entries(this.#metrics)) {
      const measurement =
        typeof metric === "function"
          ? metric(outputs, target)
          : metric.apply(
              logitsOf(this.#weights.model as Module & SequenceModel, outputs),
              oneTarget(name, target),
              undefined,
              loss,
            );
      if (typeof measurement?.begin !== "function" || typeof measurement.tensors !== "object")
        throw new OptionError(
          `evaluate: metrics.${name} gave ${shown(measurement)}, expected { tensors, begin }, as accuracy().apply(…) gives`,
        );
      const sources = Object.entries(measurement.tensors).map(([key, tensor]) => {
        const { source } = tensor;
        const from = source?.kind === "input" ? ("input" as const) : ("output" as const);
        return [key, { from, name: source?.kind === "input" ? source.name : nameOf(tensor), tensor }] as const;
      });
      metrics.set(name, { measurement, sources: new Map(sources) });
    }
    return { metrics, watched };
  }

  /** Mean loss over all that counts, and the metrics; a state that is carried starts at zero. */
  run(batches: BatchSource): Promise<Evaluation<M>> {
    // One after the other, because all of them carry one state.
    const result = this.#last.then(() => this.#measure(batches));
    this.#last = result.catch(() => {});
    return result;
  }

  async #measure(batches: BatchSource): Promise<Evaluation<M>> {
    if (typeof batches === "function")
      throw new OptionError("evaluate: the batches are a function; give what it returns, an iterable of batches");
    checkEpochs("evaluate: the batches", batches, 1);
    let sum = 0;
    let tokens = 0;
    const sums = new Map<string, MetricState<unknown>>();
    const running = new Set<Promise<unknown>>();
    this.#carried.reset();
    let carries: boolean | undefined;
    let isFirst = true;
    let version = 0;
    try {
      for await (const batch of batches) {
        checkBatch(batch);
        const carry = carriesState("evaluate", batch, this.#carryState, carries);
        carries = carry;
        const key = `${carry ? "carried " : ""}${batchKey(batch)}`;
        const { begun, result } = this.#plans.start(
          key,
          () => this.#load(batch, key, { carry, isFirst }),
          async (prepared) => {
            if (isFirst) version = this.#source.version;
            if (version !== this.#source.version)
              throw new BusyError(
                "evaluate: the weights changed while it ran, so its batches would be measured with different ones; wait for it before training goes on or weights are loaded",
              );
            isFirst = false;
            const values = await this.#replay(batch, prepared, carry);
            return { prepared, values };
          },
        );
        const measured = result.then(({ prepared, values }) => {
          const named = Object.fromEntries(prepared.outputs.map((name, i) => [name, values[i]!]));
          const counted = named.count?.[0] ?? 1;
          sum += named.loss![0]! * counted;
          tokens += counted;
          addMetrics(sums, prepared.metrics, named, batch);
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
    const metrics = Object.fromEntries([...sums].map(([name, state]) => [name, state.result()]));
    return { loss: sum / tokens, tokens, metrics: metrics as MetricResults<M> };
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

/** Adds a batch to the metrics. @param values of the plan's outputs, by name */
function addMetrics(
  sums: Map<string, MetricState<unknown>>,
  metrics: ReadonlyMap<string, Watched>,
  values: Readonly<Record<string, NumberArray>>,
  batch: AnyBatch,
): void {
  const given = inputsOf(batch);
  for (const [name, { measurement, sources }] of metrics) {
    const state = sums.get(name) ?? measurement.begin();
    sums.set(name, state);
    const tensors = [...sources].map(([key, source]): [string, TensorData] => [
      key,
      source.from === "input" ? given[source.name]! : { shape: source.tensor.shape, data: values[source.name]! },
    ]);
    state.add(Object.fromEntries(tensors));
  }
}

/** @throws OptionError for a target of several tensors, of which a metric takes one */
function oneTarget(name: string, target: LossGraph["target"]): Tensor {
  if (target instanceof Tensor) return target;
  throw new OptionError(
    `evaluate: the batch's target is a record of ${Object.keys(target).join(", ")}, and metrics.${name} takes one tensor; give a function (outputs, target) => accuracy().apply(outputs.…, target.…)`,
  );
}
