import { defineKernel, f32, type Kernel, type Param, read, readWrite, u32 } from "./kernel.ts";
import { clippedByValue } from "./norm.ts";

/** Each moment is a buffer of its own, so that a buffer of parameters may be as large as a buffer can be. */
export const momentNames = ["moment0", "moment1", "moment2"] as const;

const bindings = [
  readWrite("parameter", "f32", "[P]"),
  read("gradient", "f32", "[P]"),
  read("norm", "f32", "[2]"),
  read("hyper", "f32", "per step"),
] as const;

/** One parameter's update: gets the clipped gradient, may change the moments (of this parameter at `at`), returns the new weight. */
type Update<P extends Param["name"]> = (now: {
  readonly weight: number;
  readonly g: number;
  readonly p: Readonly<Record<P | "P" | "weightDecay", number>>;
  readonly hyper: Float64Array;
  readonly moments: readonly Float64Array[];
  readonly at: number;
}) => number;

function optimizerKernel<const O extends readonly Param[]>(
  name: string,
  slots: 1 | 3,
  own: O,
  update: Update<O[number]["name"]>,
) {
  const names = momentNames.slice(0, slots);
  return defineKernel({
    name,
    bindings: [...bindings, ...names.map((moment) => readWrite(moment, "f32", "[P]"))],
    params: [...u32("P"), ...f32("clipValue", "weightDecay"), ...own],
    variants: [{}],
    twin(arrays, params) {
      const { parameter, gradient, norm, hyper } = arrays;
      const moments = names.map((moment) => arrays[moment]);
      const p = params as unknown as Readonly<Record<O[number]["name"] | "P" | "clipValue" | "weightDecay", number>>;
      for (let i = 0; i < p.P; i++) {
        const g = clippedByValue(gradient[i]!, p.clipValue) * norm[1]!;
        parameter[i] = update({ weight: parameter[i]!, g, p, hyper, moments, at: i });
      }
    },
  }) as Kernel;
}

/** torch.optim.SGD. hyper: learning rate; 1 in the first step. */
export const sgdKernel = optimizerKernel(
  "sgd",
  1,
  [...f32("momentum", "dampening"), ...u32("nesterov")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    if (p.momentum === 0) return weight - hyper[0]! * d;
    const v = hyper[1] ? d : p.momentum * moments[0]![at]! + (1 - p.dampening) * d;
    moments[0]![at] = v;
    return weight - hyper[0]! * (p.nesterov ? d + p.momentum * v : v);
  },
);

/** torch.optim.Adam and AdamW. hyper: learning rate, 1 - beta1^step, 1 - beta2^step. */
export const adamKernel = optimizerKernel(
  "adam",
  3,
  [...f32("beta1", "beta2", "eps"), ...u32("decoupled", "amsgrad")],
  ({ weight, g, p, hyper, moments, at }) => {
    const lr = hyper[0]!;
    const decayed = p.decoupled ? weight * (1 - lr * p.weightDecay) : weight;
    const d = p.decoupled ? g : g + p.weightDecay * weight;
    const m = p.beta1 * moments[0]![at]! + (1 - p.beta1) * d;
    const v = p.beta2 * moments[1]![at]! + (1 - p.beta2) * d * d;
    moments[0]![at] = m;
    moments[1]![at] = v;
    const second = p.amsgrad ? Math.max(moments[2]![at]!, v) : v;
    if (p.amsgrad) moments[2]![at] = second;
    return decayed - ((lr / hyper[1]!) * m) / (Math.sqrt(second) / Math.sqrt(hyper[2]!) + p.eps);
  },
);

/** torch.optim.RMSprop. hyper: learning rate. */
export const rmspropKernel = optimizerKernel(
  "rmsprop",
  3,
  [...f32("alpha", "eps", "momentum"), ...u32("centered")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const square = p.alpha * moments[0]![at]! + (1 - p.alpha) * d * d;
    moments[0]![at] = square;
    let variance = square;
    if (p.centered) {
      const mean = p.alpha * moments[2]![at]! + (1 - p.alpha) * d;
      moments[2]![at] = mean;
      variance = Math.max(square - mean * mean, 0);
    }
    let update = d / (Math.sqrt(variance) + p.eps);
    if (p.momentum > 0) {
      update += p.momentum * moments[1]![at]!;
      moments[1]![at] = update;
    }
    return weight - hyper[0]! * update;
  },
);

/** torch.optim.Adagrad. hyper: learning rate with its decay. */
export const adagradKernel = optimizerKernel("adagrad", 1, f32("eps"), ({ weight, g, p, hyper, moments, at }) => {
  const d = g + p.weightDecay * weight;
  const sum = moments[0]![at]! + d * d;
  moments[0]![at] = sum;
  return weight - (hyper[0]! * d) / (Math.sqrt(sum) + p.eps);
});
