import {
  type AnyBatch,
  checkNumber,
  checkOptions,
  type Module,
  RandomStream,
  type Runtime,
  ShapeError,
  type TensorData,
} from "../../index.ts";
import { cellGates, type Layer, lookInto, stepOf } from "./layer-steps.ts";
import { checkBatch, type LossOptions, stateGradients } from "./state-gradients.ts";

export interface GradientFlowOptions extends LossOptions {
  /**
   * What counts as saturated: tanh (RNN's h, LSTM's g, GRU's n) beyond ± `tanh`, default 0.95; sigmoid (gates, RNN's h) within
   * `sigmoid` of 0 or 1, default 0.05. relu is where it is 0.
   */
  readonly saturation?: { readonly tanh?: number; readonly sigmoid?: number };
}

/** How a loss's gradient goes back through one layer. T time. */
export interface LayerFlow {
  /** Where the layer stands in the model: `encoder.rnn`, `rnn.l1` for the second of several. */
  readonly name: string;
  /** The cell: `lstm`, `gru`, `rnn(Tanh)`. */
  readonly cell: string;
  /**
   * By state, for each step `[T]`: the Euclidean norm of the gradient by that state, over all sequences and units. By h it is that
   * through all that reads it: the next step, the layers above, the output. By LSTM's c it is that through the next step, h being
   * a state by itself; at the last step it is 0.
   */
  readonly norms: Readonly<Record<string, readonly number[]>>;
  /** By gate (RNN: a), for each step `[T]`: the share of units, over all sequences, where the activation hardly has a gradient. */
  readonly saturated: Readonly<Record<string, readonly number[]>>;
  /** Of an RNN: γ_W, the largest singular value of R, and γ_φ, the largest derivative of the activation. */
  readonly gammas?: { readonly weight: number; readonly activation: number };
  /**
   * Of an RNN, for each step t `[T]`: (γ_W·γ_φ)^(s-t), s being the last step whose loss is taken; 0 after it. No ∂h_s/∂h_t has a
   * larger norm (Pascanu, Mikolov and Bengio 2013, equation 7). So where nothing but the loss of step s reads the layer's h,
   * norms.h[t] is at most bound[t]·norms.h[s]. Absent where the layer goes over another number of steps than the last layer.
   */
  readonly bound?: readonly number[];
}

export interface GradientFlow {
  /** The loss: with `from: "all"` the sum of the losses of all steps. */
  readonly loss: number;
  /** The last step whose loss was taken. */
  readonly from: number;
  /** In the order in which the model calls them. */
  readonly layers: readonly LayerFlow[];
}

type Kind = "tanh" | "sigmoid" | "relu";

/** The largest derivative of an activation. */
const steepest: Readonly<Record<Kind, number>> = { tanh: 1, relu: 1, sigmoid: 1 / 4 };

/** Iterations without a change of this share end the search. */
const CLOSE = 1e-13;
const MOST_ITERATIONS = 20_000;

/**
 * The largest singular value of a matrix, by power iteration on its product with its transpose.
 * @param matrix `[M,N]`
 * @throws ShapeError for anything else
 */
export function spectralNorm({ shape, data }: TensorData): number {
  const [M, N] = shape as [number, number];
  if (shape.length !== 2 || data.length !== M * N)
    throw new ShapeError(`spectralNorm: the matrix has shape [${shape}] and ${data.length} values, expected [M,N]`);
  const random = new RandomStream(0, "spectral norm");
  const v = Array.from({ length: N }, () => random.normal());
  let norm = 0;
  for (let n = 0; n < MOST_ITERATIONS; n++) {
    const length = normOf(v);
    if (length === 0) return 0;
    const image = new Array<number>(M).fill(0);
    for (let i = 0; i < M; i++) for (let j = 0; j < N; j++) image[i]! += (data[i * N + j]! * v[j]!) / length;
    const found = normOf(image);
    if (Math.abs(found - norm) <= CLOSE * found) return found;
    norm = found;
    v.fill(0);
    for (let i = 0; i < M; i++) for (let j = 0; j < N; j++) v[j]! += data[i * N + j]! * image[i]!;
  }
  return norm;
}

const normOf = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0));

/** For each step, a number that is told from its numbers. */
const byStep = (values: TensorData, measure: (step: readonly number[]) => number): number[] =>
  Array.from({ length: values.shape[0]! }, (_, t) => measure([...stepOf(values, t)]));

function saturatedOf({ module, gates }: Layer, { tanh, sigmoid }: Record<"tanh" | "sigmoid", number>) {
  const isSaturated: Readonly<Record<Kind, (value: number) => boolean>> = {
    tanh: (value) => Math.abs(value) > tanh,
    sigmoid: (value) => value < sigmoid || value > 1 - sigmoid,
    relu: (value) => value === 0,
  };
  return Object.fromEntries(
    Object.entries(gates).map(([gate, { activation }]) => {
      const test = isSaturated[cellGates[module.cell]![gate]!];
      return [gate, byStep(activation, (step) => step.filter(test).length / step.length)];
    }),
  );
}

/**
 * How the gradient of a loss goes back through a model's recurrent layers, step by step: whether it vanishes or explodes, as numbers
 * (Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013).
 *
 *     const { layers } = await gradientFlow(runtime, model, batch); // layers[0].norms.h[t]
 *
 * @param model as for a trainer; its recurrent layers run forwards. Its `forward` is called once, without noise, from its first state
 * @param batch `{ x, target }`, as for a trainer. Padding counts as steps do
 * @param options.from the step whose loss is taken, or "all"; default the last step
 * @throws OptionError for a model without recurrent layers, or with one that runs from the end, and for a step that is not there;
 *   ShapeError for what does not fit
 */
export async function gradientFlow(
  runtime: Runtime,
  model: Module,
  batch: Pick<AnyBatch, "x" | "target">,
  options: GradientFlowOptions = {},
): Promise<GradientFlow> {
  const who = "gradientFlow";
  checkOptions(who, options, ["loss", "from", "saturation"]);
  const { saturation = {} } = options;
  checkOptions(`${who}: saturation`, saturation, ["tanh", "sigmoid"]);
  const tanh = checkNumber(who, "saturation.tanh", saturation.tanh ?? 0.95, 0, 1);
  const sigmoid = checkNumber(who, "saturation.sigmoid", saturation.sigmoid ?? 0.05, 0, 0.5);
  checkBatch(who, batch);
  const { layers } = await lookInto(who, runtime, model, batch.x);
  const gradients = await stateGradients(who, runtime, model, batch, layers, options);
  try {
    const { losses, layers: byLayer } = await gradients.of(gradients.from.map(() => 1));
    const weights = await runtime.stateDict(model);
    const from = gradients.from.at(-1)!;
    const T = layers.at(-1)!.x.shape[0]!;
    return {
      loss: losses.reduce((sum, one) => sum + one, 0),
      from,
      layers: layers.map((layer, k) => {
        const { name, module } = layer;
        const norms = Object.entries(byLayer[k]!).map(([state, one]) => [state, byStep(one, normOf)]);
        const kind = cellGates[module.cell]?.a;
        const R = weights[`${module.path && `${module.path}.`}weight_hh_l${layer.layer}`];
        const gammas = kind && layer.gates.a && R && { weight: spectralNorm(R), activation: steepest[kind] };
        return {
          name,
          cell: module.cell,
          norms: Object.fromEntries(norms),
          saturated: saturatedOf(layer, { tanh, sigmoid }),
          ...(gammas && { gammas }),
          ...(gammas && layer.x.shape[0] === T && { bound: boundOf(gammas, from, T) }),
        };
      }),
    };
  } finally {
    gradients.dispose();
  }
}

const boundOf = ({ weight, activation }: { weight: number; activation: number }, s: number, T: number): number[] =>
  Array.from({ length: T }, (_, t) => (t > s ? 0 : (weight * activation) ** (s - t)));
