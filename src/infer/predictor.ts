import { type BatchPart, checkTensors, keyOf, mapPart, tensorsOf } from "../data/batch.ts";
import { checkOptions, OptionError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkInputs, type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { inputTensor, type Tensor } from "../graph/tensor.ts";
import { applyModel, leavesOf, type SequenceModel } from "../graph/trace.ts";
import type { Module } from "../nn/module.ts";
import { type StoredOptions, storedAs } from "../nn/stored-weights.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import { LoadedPlans } from "../plan/plan-budget.ts";
import { dtypeOf, type Shape, type StateDict, type TensorData } from "../tensor-data.ts";

/** What a model returns, as numbers: tensors by name; those that lie deeper by their path, `state.h`. */
export type Predicted<M extends Module> = (M extends { forward(...args: never[]): infer R }
  ? { readonly [K in keyof R as R[K] extends Tensor ? K : never]: TensorData }
  : unknown) &
  StateDict;

interface Prepared {
  readonly loaded: LoadedPlan;
  readonly ranges: InputRanges;
  /** Inputs that the plan reads. */
  readonly inputs: readonly string[];
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
}

/** Calls a model on numbers, once for each call; keeps its plans, so that equal shapes make nothing new. */
export class Predictor {
  readonly #backend: Backend;
  readonly #weights: Weights;
  readonly #plans: LoadedPlans<Prepared>;

  /** @throws OptionError as `storedAs` */
  constructor(backend: Backend, weights: Weights, options?: StoredOptions) {
    this.#backend = backend;
    this.#weights = storedAs(backend, weights, options);
    this.#plans = new LoadedPlans(backend.budget);
  }

  async #load(x: BatchPart, key: string): Promise<Prepared> {
    const { model, layout, name } = this.#weights;
    const tensors = mapPart("x", x, (at, { shape, data }) => inputTensor(at, shape, dtypeOf(data)));
    const { outputs, state } = applyModel(model as Module & SequenceModel, tensors, undefined);
    const found = leavesOf({ ...outputs, ...(state !== undefined && { state }) });
    if (found.size === 0)
      throw new OptionError(
        `predict: ${model.constructor.name}.forward returned no tensors, expected { logits } or others`,
      );
    // An output may not bear the name of an input.
    const named = [...found].map(([path, tensor]) => ({ path, name: `output ${path}`, tensor }));
    const plan = buildPlan({
      name: "predict",
      target: this.#backend.target,
      layout,
      outputs: Object.fromEntries(named.map(({ name: output, tensor }) => [output, tensor])),
    });
    const loaded = await this.#backend.load(plan, { model: name, part: `predict ${key}` }, this.#weights);
    return {
      loaded,
      ranges: inputRanges(found.values()),
      inputs: plan.buffers.filter(({ role }) => role === "input").map((buffer) => buffer.name),
      outputs: named.map(({ path, tensor }) => ({ name: path, shape: tensor.shape })),
    };
  }

  /** @throws OptionError for an unknown option; ShapeError or DataError for what the model cannot be given */
  async run(x: BatchPart, options: StoredOptions): Promise<StateDict> {
    checkOptions("predict", options, ["weightDtype"]);
    const given = tensorsOf({ x });
    checkTensors(given, "predict: ");
    const key = keyOf(given);
    return this.#plans.use(
      key,
      () => this.#load(x, key),
      async ({ loaded, ranges, inputs, outputs }) => {
        checkInputs(ranges, given);
        for (const name of inputs) loaded.write(name, given[name]!.data);
        const values = await loaded.runAndRead(outputs.map(({ name }) => `output ${name}`));
        return Object.fromEntries(outputs.map(({ name, shape }, i) => [name, { shape, data: values[i]! }]));
      },
    );
  }

  dispose(): void {
    this.#plans.dispose();
  }
}
