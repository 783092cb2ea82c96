import { type Activation, functional as F, type Tensor } from "../index.ts";
import { isRecord } from "./config.ts";

interface KerasActivation {
  /** As a function of a tensor. */
  readonly f: (x: Tensor) => Tensor;
  /** In a recurrent layer, where our cells have it. */
  readonly cell?: Activation;
}

const clip = (x: Tensor, min: number, max: number): Tensor => F.clamp(x, { min, max });

/** Slope and middle of hard_sigmoid: Keras 3 has another one than Keras 2 and TensorFlow.js. */
const hardSigmoid = (keras: number): number => (keras >= 3 ? 1 / 6 : 0.2);

const activations: Readonly<Record<string, (keras: number) => KerasActivation>> = {
  linear: () => ({ f: (x) => x, cell: "Affine" }),
  relu: () => ({ f: (x) => x.relu(), cell: "Relu" }),
  sigmoid: () => ({ f: (x) => x.sigmoid(), cell: "Sigmoid" }),
  tanh: () => ({ f: (x) => x.tanh(), cell: "Tanh" }),
  hard_sigmoid: (keras) => ({
    f: (x) => clip(x.mul(hardSigmoid(keras)).add(0.5), 0, 1),
    cell: { name: "HardSigmoid", alpha: hardSigmoid(keras) },
  }),
  softmax: () => ({ f: (x) => x.softmax() }),
  log_softmax: () => ({ f: (x) => x.logSoftmax() }),
  softplus: () => ({ f: (x) => x.softplus(), cell: "Softplus" }),
  softsign: () => ({ f: F.softsign, cell: "Softsign" }),
  elu: () => ({ f: (x) => F.elu(x), cell: "Elu" }),
  selu: () => ({ f: F.selu }),
  gelu: () => ({ f: (x) => x.gelu() }),
  silu: () => ({ f: (x) => x.silu() }),
  swish: () => ({ f: (x) => x.silu() }),
  exponential: () => ({ f: (x) => x.exp() }),
  leaky_relu: () => ({ f: (x) => F.leakyRelu(x, { negativeSlope: 0.2 }), cell: { name: "LeakyRelu", alpha: 0.2 } }),
  mish: () => ({ f: F.mish }),
  hard_silu: () => ({ f: F.hardSwish }),
  hard_swish: () => ({ f: F.hardSwish }),
  relu6: () => ({ f: (x) => clip(x, 0, 6) }),
};

/** Keras's names of the activations that are known. */
export const activationsKnown = Object.keys(activations);

/**
 * An activation by what a config says: a name, null, or (Keras 3) an object of a layer or a function.
 * @returns undefined where it is not known
 */
export function activationOf(given: unknown, keras: number): KerasActivation | undefined {
  if (given === null || given === undefined) return activations.linear!(keras);
  const name = isRecord(given) ? (given.config ?? given.class_name) : given;
  if (typeof name !== "string") return undefined;
  return Object.hasOwn(activations, name) ? activations[name]!(keras) : undefined;
}

/** The layers ReLU and LeakyReLU. */
export function reluOf(options: {
  maxValue: number | undefined;
  slope: number;
  threshold: number;
}): (x: Tensor) => Tensor {
  const { maxValue, slope, threshold } = options;
  return (x) => {
    const y = slope === 0 && threshold === 0 ? x.relu() : F.where(x.ge(threshold), x, x.sub(threshold).mul(slope));
    return maxValue === undefined ? y : y.minimum(maxValue);
  };
}
