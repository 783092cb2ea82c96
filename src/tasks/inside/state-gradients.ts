import {
  type AnyBatch,
  type AnyLoss,
  crossEntropy,
  functional,
  type Module,
  OptionError,
  type Runtime,
  ShapeError,
  type StateDict,
  shown,
  Tensor,
  type TensorData,
} from "../../index.ts";
import { applied, type Layer, leavesOf, specified } from "./layer-steps.ts";

export interface LossOptions {
  /** As in training; default `crossEntropy()` of the model's `logits` and the target. */
  readonly loss?: AnyLoss;
  /**
   * The step whose loss is taken, from 0 on, or "all": the sum of the losses of all steps; default the last step. A model with one
   * loss for the whole sequence, whose target has no axis for the steps, has that one only.
   */
  readonly from?: number | "all";
}

function applyLoss(who: string, loss: AnyLoss, outputs: Record<string, unknown>, target: unknown): Tensor {
  if (typeof loss !== "function" && typeof loss?.apply !== "function")
    throw new OptionError(`${who}: loss is ${shown(loss)}, expected a loss such as crossEntropy() or a function`);
  if (typeof loss !== "function" && !(outputs.logits instanceof Tensor && target instanceof Tensor))
    throw new ShapeError(
      `${who}: ${loss.name} takes the model's logits and one target; the model returned ${Object.keys(outputs).join(", ")}; for others give a loss function (outputs, target) => loss`,
    );
  const result =
    typeof loss === "function" ? loss(outputs, target) : loss.apply(outputs.logits as Tensor, target as Tensor);
  const one: unknown = result instanceof Tensor ? result : result?.loss;
  if (one instanceof Tensor && one.size === 1) return one.reshape([1]);
  throw new ShapeError(
    `${who}: the loss is ${one instanceof Tensor ? `[${one.shape}]` : shown(one)}, expected one number`,
  );
}

/** The same record with the tensors that begin with [T,B] cut to one step. */
function atStep(tree: unknown, t: number, begins: (tensor: Tensor) => boolean): unknown {
  if (tree instanceof Tensor) return begins(tree) ? tree.slice(t, 1, 0) : tree;
  if (typeof tree !== "object" || tree === null) return tree;
  return Object.fromEntries(Object.entries(tree).map(([name, one]) => [name, atStep(one, t, begins)]));
}

/** The steps whose losses are taken. @throws OptionError for others */
function stepsFrom(who: string, from: number | "all" | undefined, T: number, hasSteps: boolean): number[] {
  if (from === "all") return hasSteps ? Array.from({ length: T }, (_, s) => s) : [T - 1];
  const s = from ?? T - 1;
  if (!Number.isInteger(s) || s < 0 || s >= T)
    throw new OptionError(`${who}: from is ${shown(from)}, expected a step from 0 to ${T - 1}, or "all"`);
  if (!hasSteps && s !== T - 1)
    throw new OptionError(
      `${who}: from is ${s}, but the target has no axis for ${T} steps, so there is one loss for the whole sequence; leave from out`,
    );
  return [s];
}

/** Gradients by the states of every step and layer. */
export interface StateGradients {
  /** The steps whose losses were taken. */
  readonly from: readonly number[];
  /** The losses; and for each layer, by state, the gradient of their weighted sum, `[T,B,H]`. */
  of(weights: readonly number[]): Promise<{
    readonly losses: readonly number[];
    readonly layers: readonly Readonly<Record<string, TensorData>>[];
  }>;
  dispose(): void;
}

const nameOf = (k: number, state: string) => `change of layer ${k} ${state}`;

/**
 * Compiles the gradients of losses by the states of a model's layers: to every state a zero is added, and the gradient by that zero
 * is the gradient by the state.
 * @param layers what `lookInto` says of the model and x
 */
export async function stateGradients(
  who: string,
  runtime: Runtime,
  model: Module,
  batch: Pick<AnyBatch, "x" | "target">,
  layers: readonly Layer[],
  { loss = crossEntropy(), from }: LossOptions,
): Promise<StateGradients> {
  const x = specified(who, "x", batch.x);
  const target = specified(who, "target", batch.target);
  const zeros: StateDict = {};
  for (const [k, { states }] of layers.entries())
    for (const [state, { shape, data }] of Object.entries(states))
      zeros[nameOf(k, state)] = { shape, data: new Float32Array(data.length) };
  const changes = Object.fromEntries(
    Object.entries(zeros).map(([name, { shape }]) => [name, { shape, dtype: "f32" as const }]),
  );
  let steps: readonly number[] = [];
  const program = await runtime.compile(model, {
    inputs: { ...x.specs, ...target.specs, ...changes },
    forward(inputs) {
      const { outputs } = applied(who, model, x.pick(inputs), (k, { step, states }) =>
        Object.fromEntries(
          Object.entries(states).map(([name, one]) => [name, one.add(inputs[nameOf(k, name)]!.slice(step, 1, 0))]),
        ),
      );
      const [T, B] = layers.at(-1)!.states.h!.shape as [number, number];
      const begins = ({ shape }: Tensor) => shape.length >= 2 && shape[0] === T && shape[1] === B;
      const wanted = target.pick(inputs);
      const hasSteps = Object.values(leavesOf(wanted)).some(begins);
      steps = stepsFrom(who, from, T, hasSteps);
      const losses = steps.map((s) => {
        if (!hasSteps) return applyLoss(who, loss, outputs, wanted);
        const cut = atStep(outputs, s, begins) as Record<string, unknown>;
        return applyLoss(who, loss, cut, atStep(wanted, s, begins));
      });
      return { losses: functional.concat(losses) };
    },
    seeds: ["losses"],
    gradients: Object.keys(zeros),
  });
  return {
    from: steps,
    async of(weights) {
      const given: StateDict = await program.run({
        ...x.data,
        ...target.data,
        ...zeros,
        "gradient.losses": { shape: [steps.length], data: Float32Array.from(weights) },
      });
      const byState = layers.map(({ states }, k) =>
        Object.fromEntries(Object.keys(states).map((state) => [state, given[`grad.${nameOf(k, state)}`]!])),
      );
      return { losses: [...given.losses!.data], layers: byState };
    },
    dispose: () => program.dispose(),
  };
}

/** @throws ShapeError for what has no x or no target */
export function checkBatch(who: string, batch: Pick<AnyBatch, "x" | "target">): void {
  if (typeof batch === "object" && batch !== null && batch.x && batch.target) return;
  const has = typeof batch === "object" && batch !== null ? Object.keys(batch).join(", ") || "nothing" : String(batch);
  throw new ShapeError(`${who}: the batch has ${has}, expected { x, target }`);
}
