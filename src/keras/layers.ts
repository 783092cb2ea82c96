import {
  Conv1d,
  Dropout,
  Embedding,
  functional as F,
  init,
  LayerNorm,
  Linear,
  Module,
  Parameter,
  type Tensor,
} from "../index.ts";
import { startFrom } from "../nn/start-from.ts";
import type { StateDict } from "../tensor-data.ts";
import { activationOf, activationsKnown, reluOf } from "./activations.ts";
import { isRecord } from "./config.ts";
import { convolutionKernel, transposed } from "./kernels.ts";
import {
  type Called,
  type Layer,
  type LayerSource,
  numberOf,
  pointwise,
  requireOption,
  swapTime,
  type Value,
} from "./layer.ts";
import { mergeLayers } from "./merge-layers.ts";
import { poolingLayers } from "./pooling-layers.ts";
import { bidirectionalLayer, recurrentLayer } from "./recurrent-layers.ts";

/** How each class of Keras's layers is built; undefined where something was refused. */
type Builder = (source: LayerSource) => Layer | undefined;

function activationFor(source: LayerSource): (x: Tensor) => Tensor {
  const known = activationOf(source.config.activation, source.keras);
  if (!known)
    source.refuse(
      `activation is ${JSON.stringify(source.config.activation)?.slice(0, 80)}; known are ${activationsKnown.join(", ")}`,
    );
  return known?.f ?? ((x) => x);
}

/** Weights that a layer must have, of so many axes. */
function weightsOf({ weights, refuse }: LayerSource, axes: Readonly<Record<string, number>>): StateDict | undefined {
  const missing = Object.entries(axes).filter(([name, rank]) => weights[name]?.shape.length !== rank);
  if (missing.length === 0) return weights;
  const named = missing.map(
    ([name, rank]) => `${name} of ${rank} axes (${weights[name] ? `[${weights[name].shape}]` : "there is none"})`,
  );
  return void refuse(`needs the weights ${named.join(" and ")} in the file`);
}

/** `x * weight + bias` along an axis: what batch normalisation is, once it is trained. */
class Affine extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  constructor(size: number) {
    super();
    this.weight = new Parameter([size], init.ones);
    this.bias = new Parameter([size], init.zeros);
  }
  forward(x: Tensor, axis: number): Tensor {
    const shape = x.shape.map((n, i) => (i === axis ? n : 1));
    return x.mul(F.reshape(this.weight.tensor, shape)).add(F.reshape(this.bias.tensor, shape));
  }
}

const keep = (module: Module, f: (x: Tensor) => Tensor): Layer => ({ module, ...pointwise(f)() });

function dense(source: LayerSource): Layer | undefined {
  const hasBias = source.config.use_bias !== false;
  const weights = weightsOf(source, { kernel: 2, ...(hasBias && { bias: 1 }) });
  const activation = activationFor(source);
  if (!weights) return undefined;
  const weight = transposed(weights.kernel!);
  const [outFeatures, inFeatures] = weight.shape as [number, number];
  const module = new Linear({ inFeatures, outFeatures, bias: hasBias });
  startFrom(module, { weight, ...(hasBias && { bias: weights.bias! }) });
  return keep(module, (x) => activation(module.forward(x)));
}

function embedding(source: LayerSource): Layer | undefined {
  const weights = weightsOf(source, { embeddings: 2 });
  if (!weights) return undefined;
  const table = weights.embeddings!;
  const [numEmbeddings, embeddingDim] = table.shape as [number, number];
  const module = new Embedding({ numEmbeddings, embeddingDim });
  startFrom(module, { weight: table });
  const masked = source.config.mask_zero === true;
  const call = ([x]: readonly Value[]): Called => {
    const tokens = x!.tensor.toInt();
    return { outputs: [{ tensor: module.forward(tokens), mask: masked ? tokens.ne(0) : x!.mask }] };
  };
  return { module, call };
}

/** The axis that a normalisation is about: the last one of all, or one that is counted with the batch. */
function axisOf(source: LayerSource): number | undefined {
  const given = source.config.axis ?? -1;
  const axis = Array.isArray(given) && given.length === 1 ? given[0] : given;
  return typeof axis === "number" && Number.isInteger(axis)
    ? axis
    : void source.refuse(`axis is ${JSON.stringify(given)}; one axis can be imported`);
}

function batchNormalization(source: LayerSource): Layer | undefined {
  const { config } = source;
  const [scale, center] = [config.scale !== false, config.center !== false];
  const weights = weightsOf(source, {
    moving_mean: 1,
    moving_variance: 1,
    ...(scale && { gamma: 1 }),
    ...(center && { beta: 1 }),
  });
  const axis = axisOf(source);
  if (!weights || axis === undefined) return undefined;
  const epsilon = numberOf(source, "epsilon", 1e-3);
  const { gamma, beta, moving_mean: mean, moving_variance: variance } = weights;
  const size = mean!.shape[0]!;
  const module = new Affine(size);
  const weight = Float32Array.from(variance!.data, (v, i) => (scale ? gamma!.data[i]! : 1) / Math.sqrt(v + epsilon));
  const bias = Float32Array.from(mean!.data, (m, i) => (center ? beta!.data[i]! : 0) - m * weight[i]!);
  startFrom(module, { weight: { shape: [size], data: weight }, bias: { shape: [size], data: bias } });
  return keep(module, (x) => module.forward(x, axis < 0 ? axis + x.shape.length : axis));
}

function layerNormalization(source: LayerSource): Layer | undefined {
  const { config, refuse } = source;
  const [scale, center] = [config.scale !== false, config.center !== false];
  const axis = axisOf(source);
  requireOption(source, "rms_scaling", [false]);
  if (axis === undefined) return undefined;
  const weights = weightsOf(source, { ...(scale && { gamma: 1 }), ...(center && { beta: 1 }) });
  const size = weights && (weights.gamma ?? weights.beta)?.shape[0];
  if (!weights || !size) return void (weights && refuse("has neither scale nor center, so that its size is not known"));
  const module = new LayerNorm({ normalizedShape: size, eps: numberOf(source, "epsilon", 1e-3) });
  const shape = [size];
  startFrom(module, {
    weight: weights.gamma ?? { shape, data: new Float32Array(size).fill(1) },
    bias: weights.beta ?? { shape, data: new Float32Array(size) },
  });
  return keep(module, (x) => {
    if (axis !== -1 && axis !== x.shape.length - 1)
      throw new RangeError(`layer normalisation of axis ${axis} of ${x.shape.length}`);
    return module.forward(x);
  });
}

function conv1d(source: LayerSource): Layer | undefined {
  const { config } = source;
  const hasBias = config.use_bias !== false;
  requireOption(source, "data_format", ["channels_last", null]);
  requireOption(source, "groups", [1]);
  requireOption(source, "padding", ["valid", "same", "causal"]);
  const weights = weightsOf(source, { kernel: 3, ...(hasBias && { bias: 1 }) });
  const activation = activationFor(source);
  const [stride, dilation] = [numberOf(source, "strides", 1), numberOf(source, "dilation_rate", 1)];
  if (!weights) return undefined;
  const weight = convolutionKernel(weights.kernel!);
  const [O, C, K] = weight.shape as [number, number, number];
  const module = new Conv1d({ inChannels: C, outChannels: O, kernelSize: K, stride, dilation, bias: hasBias });
  startFrom(module, { weight, ...(hasBias && { bias: weights.bias! }) });
  const f = (x: Tensor): Tensor => {
    const widths = paddingOf(String(config.padding ?? "valid"), x.shape[1]!, { reach: dilation * (K - 1), stride });
    return activation(swapTime(module.forward(F.pad(swapTime(x), [widths, [0, 0], [0, 0]]))));
  };
  return { module, ...pointwise(f, false)() };
}

/** Steps before and after a sequence of T, so that windows of `reach + 1` steps give what Keras's padding promises. */
export function paddingOf(
  padding: string,
  T: number,
  { reach, stride }: { reach: number; stride: number },
): [number, number] {
  if (padding === "causal") return [reach, 0];
  if (padding !== "same") return [0, 0];
  const all = Math.max(0, (Math.ceil(T / stride) - 1) * stride + reach + 1 - T);
  return [Math.floor(all / 2), all - Math.floor(all / 2)];
}

function dropout(source: LayerSource, variational = false): Layer {
  requireOption(source, "noise_shape", [null]);
  const module = new Dropout({ p: numberOf(source, "rate", 0), variational });
  const f = (x: Tensor) => (variational ? swapTime(module.forward(swapTime(x))) : module.forward(x));
  return { dropout: module, ...pointwise(f)() };
}

/** A layer for each step: the steps become rows of the batch. */
function timeDistributed(source: LayerSource): Layer | undefined {
  const { layer } = source.config;
  if (!isRecord(layer) || typeof layer.class_name !== "string" || !isRecord(layer.config))
    return void source.refuse("holds no layer");
  const inner = buildLayer({ ...source, className: layer.class_name, config: layer.config });
  if (!inner) return undefined;
  const call = ([x]: readonly Value[]): Called => {
    const [B, T, ...rest] = x!.tensor.shape as [number, number, ...number[]];
    const { outputs } = inner.call([{ tensor: F.reshape(x!.tensor, [B * T, ...rest]) }], {});
    return {
      outputs: outputs.map(({ tensor }) => ({
        tensor: F.reshape(tensor, [B, T, ...tensor.shape.slice(1)]),
        mask: x!.mask,
      })),
    };
  };
  return { ...inner, call };
}

function masking(source: LayerSource): Layer {
  const value = numberOf(source, "mask_value", 0);
  return {
    call([x]) {
      const real = x!.tensor.ne(value).toFloat().max(-1);
      return { outputs: [{ tensor: x!.tensor.mul(real.unsqueeze(-1)), mask: real.ne(0) }] };
    },
  };
}

const numbersOf = (source: LayerSource, name: string): number[] => {
  const value = source.config[name];
  if (Array.isArray(value) && value.every((n) => Number.isInteger(n))) return value;
  source.refuse(`${name} is ${JSON.stringify(value)}, expected whole numbers`);
  return [];
};

function softmax(source: LayerSource): Layer {
  const axis = numberOf(source, "axis", -1);
  return pointwise((x) => x.softmax(axis))();
}

function relu(source: LayerSource): Layer {
  const max = source.config.max_value;
  const slope = numberOf(source, "negative_slope", 0);
  const maxValue = typeof max === "number" ? max : undefined;
  return pointwise(reluOf({ maxValue, slope, threshold: numberOf(source, "threshold", 0) }))();
}

function leakyRelu(source: LayerSource): Layer {
  const slope = numberOf(source, source.config.alpha === undefined ? "negative_slope" : "alpha", 0.3);
  return pointwise(reluOf({ maxValue: undefined, slope, threshold: 0 }))();
}

const builders: Readonly<Record<string, Builder>> = {
  Dense: dense,
  Embedding: embedding,
  LSTM: recurrentLayer,
  GRU: recurrentLayer,
  SimpleRNN: recurrentLayer,
  Bidirectional: bidirectionalLayer,
  TimeDistributed: timeDistributed,
  Conv1D: conv1d,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Dropout: (source) => dropout(source),
  SpatialDropout1D: (source) => dropout(source, true),
  Masking: masking,
  Activation: (source) => pointwise(activationFor(source))(),
  Softmax: softmax,
  ReLU: relu,
  LeakyReLU: leakyRelu,
  ELU: (source) => {
    const alpha = numberOf(source, "alpha", 1);
    return pointwise((x) => F.elu(x, { alpha }))();
  },
  RepeatVector: (source) => {
    const n = numberOf(source, "n", 1);
    return pointwise((x) => F.expand(x.unsqueeze(1), [-1, n, -1]), false)();
  },
  Flatten: (source) => {
    requireOption(source, "data_format", ["channels_last", null]);
    return pointwise((x) => F.reshape(x, [x.shape[0]!, -1]), false)();
  },
  Reshape: (source) => {
    const target = numbersOf(source, "target_shape");
    return pointwise((x) => F.reshape(x, [x.shape[0]!, ...target]), false)();
  },
  Permute: (source) => {
    const dims = numbersOf(source, "dims");
    return pointwise((x) => F.permute(x, [0, ...dims]), false)();
  },
  ...mergeLayers,
  ...poolingLayers,
};

/** The classes of layers that can be built. */
export const layersKnown = ["InputLayer", ...Object.keys(builders)];

/** Builds a layer; what cannot be is refused, and undefined. */
export function buildLayer(source: LayerSource): Layer | undefined {
  if (source.className === "InputLayer") return pointwise((x) => x)();
  const build = Object.hasOwn(builders, source.className) ? builders[source.className] : undefined;
  if (!build) return void source.refuse("is of a class that is not known");
  try {
    return build(source);
  } catch (error) {
    return void source.refuse(`cannot be built: ${String((error as Error)?.message ?? error).slice(0, 300)}`);
  }
}
