import {
  type BatchPart,
  checkCount,
  checkOptions,
  type Module,
  OptionError,
  type Runtime,
  ShapeError,
  type StateDict,
  type TensorData,
} from "../../index.ts";
import { cellGates, type GateValues, type Layer, type LayerValues, lookInto, stepOf } from "./layer-steps.ts";
import { type LossOptions, stateGradients } from "./state-gradients.ts";

export interface UnrollOptions extends LossOptions {
  /**
   * Paths of so many steps only, that of the loss included: truncated back-propagation through time. Default: all steps, back to the
   * first.
   */
  readonly steps?: number;
}

/** What one layer computed over a sequence. T time, B batch, I input, H hidden. */
export interface UnrolledLayer extends LayerValues {
  /** Where the layer stands in the model: `encoder.rnn`, `rnn.l1` for the second of several. */
  readonly name: string;
  /** The cell: `lstm`, `gru`, `rnn(Tanh)`. */
  readonly cell: string;
}

/** The path of a gradient from a loss E_s back to h_t, and by h_t to the weights of an RNN. */
export interface GradientPath {
  /** The layer's name. */
  readonly layer: string;
  /** s: the step of the loss. */
  readonly from: number;
  /** t: the step in which the weights were used. */
  readonly step: number;
  /** What it adds to the gradient of each weight of the layer, by its name in the state dict. */
  readonly gradients: StateDict;
}

export interface Unrolled {
  /** In the order in which the model calls them. */
  readonly layers: readonly UnrolledLayer[];
  /** What the model puts out, by name, without its state. */
  readonly outputs: StateDict;
  /** The losses whose paths were followed, E_s; none without a target. */
  readonly losses: readonly number[];
  /** Of the layers that are an RNN with tanh, relu or sigmoid. */
  readonly paths: readonly GradientPath[];
  /** The sum of all paths, by weight: the gradient that back-propagation through time gives. */
  readonly gradients: StateDict;
}

/** The derivative of an activation by what goes in, told from y. */
const derivatives = {
  tanh: (y: number) => 1 - y * y,
  relu: (y: number) => (y > 0 ? 1 : 0),
  sigmoid: (y: number) => y * (1 - y),
};

/** What float32 may round off a state. */
const ROUNDING = 1e-4;

/** An RNN whose every h is the activation of its one gate. */
interface PlainLayer {
  readonly layer: Layer;
  readonly gate: GateValues;
  readonly derivative: (y: number) => number;
}

/** @throws OptionError for an RNN that holds or mixes its states, in padding or by zoneout */
function plainLayer(layer: Layer): PlainLayer | undefined {
  const kind = cellGates[layer.module.cell]?.a;
  const gate = layer.gates.a;
  if (!kind || !gate) return undefined;
  const { data } = layer.states.h!;
  const other = gate.activation.data.findIndex((value, i) => !(Math.abs(value - data[i]!) <= ROUNDING));
  if (other >= 0) {
    const [, B, H] = layer.states.h!.shape as [number, number, number];
    throw new OptionError(
      `unroll: ${layer.name}: h of step ${Math.floor(other / (B * H))}, row ${Math.floor(other / H) % B} is not the activation of W·x + R·h + b, so paths through it are none of a plain RNN; leave out lengths, masks and zoneout, or the target`,
    );
  }
  return { layer, gate, derivative: derivatives[kind] };
}

/** The sum over the rows of `a [B,M]` times `b [B,N]`: `[M,N]`. */
function outerProducts(a: ArrayLike<number>, b: ArrayLike<number>, B: number): TensorData {
  const [M, N] = [a.length / B, b.length / B];
  const data = new Float64Array(M * N);
  for (let row = 0; row < B; row++)
    for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) data[m * N + n]! += a[row * M + m]! * b[row * N + n]!;
  return { shape: [M, N], data };
}

/** What step t adds to the gradients of the weights. @param gradient by h of all steps, `[T,B,H]` */
function gradientsAt({ layer, derivative }: PlainLayer, gradient: TensorData, t: number): StateDict {
  const B = gradient.shape[1]!;
  const h = stepOf(layer.states.h!, t);
  // Through the activation: ∂E/∂a = ∂E/∂h ⊙ φ'(a), where a is the pre-activation.
  const byA = Float64Array.from(stepOf(gradient, t), (one, i) => one * derivative(h[i]!));
  const bias = () => ({ shape: [byA.length / B], data: outerProducts(byA, new Float64Array(B).fill(1), B).data });
  const { module, layer: l } = layer;
  const prefix = module.path && `${module.path}.`;
  const hasBias = `bias_ih_l${l}` in module;
  return {
    [`${prefix}weight_ih_l${l}`]: outerProducts(byA, stepOf(layer.x, t), B),
    [`${prefix}weight_hh_l${l}`]: outerProducts(byA, stepOf(layer.before, t), B),
    ...(hasBias && { [`${prefix}bias_ih_l${l}`]: bias(), [`${prefix}bias_hh_l${l}`]: bias() }),
  };
}

function addInto(sums: StateDict, gradients: StateDict): void {
  for (const [name, { shape, data }] of Object.entries(gradients)) {
    sums[name] ??= { shape, data: new Float64Array(data.length) };
    const sum = sums[name].data;
    for (const [i, value] of data.entries()) sum[i]! += value;
  }
}

/**
 * Every intermediate number of every step; and, given a target, how back-propagation through time adds up for an RNN (Werbos 1990):
 *
 *     ∂E_s/∂W = Σ_t ∂E_s/∂h_t · ∂h_t/∂W,   t = s, s-1, …, 0
 *
 * where ∂h_t/∂W is of the use of W in step t alone. Each term is a path: W → h_t → h_{t+1} → … → h_s → E_s.
 *
 * @param model as for a trainer; its recurrent layers run forwards. Its `forward` is called once, without noise, from its first state
 * @param input `{ x }`, or `{ x, target }` for the paths
 * @param options.from the step whose loss is taken, or "all"; default the last step
 * @param options.steps cuts each path after so many steps, as truncated back-propagation does
 * @throws OptionError for a model without recurrent layers, or with one that runs from the end; for paths without an RNN, or with one
 *   that holds its state in padding; for a step that is not there. ShapeError for what does not fit
 */
export async function unroll(
  runtime: Runtime,
  model: Module,
  input: { readonly x: BatchPart; readonly target?: BatchPart },
  options: UnrollOptions = {},
): Promise<Unrolled> {
  const who = "unroll";
  checkOptions(who, options, ["loss", "from", "steps"]);
  const most = options.steps === undefined ? Number.POSITIVE_INFINITY : checkCount(who, "steps", options.steps);
  if (typeof input !== "object" || input === null || !input.x)
    throw new ShapeError(`${who}: the input has no x, expected { x }, or { x, target }`);
  const { x, target } = input;
  const given = Object.keys(options);
  if (!target && given.length > 0)
    throw new OptionError(
      `${who}: ${given.join(", ")} without a target: paths go back from a loss; give { x, target }`,
    );
  const { layers, outputs } = await lookInto(who, runtime, model, x);
  const values = layers.map(({ name, module, x, before, gates, states }) => {
    return { name, cell: module.cell, x, before, gates, states };
  });
  if (!target) return { layers: values, outputs, losses: [], paths: [], gradients: {} };

  const plain = layers.map(plainLayer);
  if (!plain.some(Boolean))
    throw new OptionError(
      `${who}: paths are those of an RNN with tanh, relu or sigmoid, and the model has ${[...new Set(values.map(({ cell }) => cell))].join(", ")}; leave out the target`,
    );
  const T = layers.at(-1)!.x.shape[0];
  const other = layers.find(({ x }) => x.shape[0] !== T);
  if (other && options.steps !== undefined)
    throw new OptionError(
      `${who}: steps is ${options.steps}, but ${other.name} goes over ${other.x.shape[0]} steps and ${layers.at(-1)!.name} over ${T}, so it is not clear where to cut; leave steps out`,
    );
  const byStates = await stateGradients(who, runtime, model, { x, target }, layers, options);
  let losses: readonly number[] = [];
  const paths: GradientPath[] = [];
  const gradients: StateDict = {};
  try {
    for (const [n, from] of byStates.from.entries()) {
      const { losses: found, layers: byLayer } = await byStates.of(byStates.from.map((_, i) => Number(i === n)));
      losses = found;
      for (const [k, one] of plain.entries()) {
        if (!one) continue;
        const gradient = byLayer[k]!.h!;
        // A layer over another sequence than the loss's, such as an encoder, comes before all of it.
        const last = gradient.shape[0] === T ? from : gradient.shape[0]! - 1;
        for (let step = last; step >= 0 && last - step < most; step--) {
          const path = { layer: one.layer.name, from, step, gradients: gradientsAt(one, gradient, step) };
          paths.push(path);
          addInto(gradients, path.gradients);
        }
      }
    }
  } finally {
    byStates.dispose();
  }
  return { layers: values, outputs, losses, paths, gradients };
}
