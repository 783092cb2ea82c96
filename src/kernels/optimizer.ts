import { defineKernel, f32, type Kernel, type Param, read, readWrite, u32 } from "./kernel.ts";
import { clippedByValue } from "./norm.ts";

const bindings = [
  readWrite("parameter", "f32", "[P]"),
  read("gradient", "f32", "[P]"),
  read("norm", "f32", "[2]"),
  read("hyper", "f32", "per step"),
  readWrite("moments", "f32", "[K,P]"),
] as const;

/** One parameter's update: gets the clipped gradient, may change the moments (the k-th at `at + k * slot`), returns the new weight. */
type Update<P extends Param["name"]> = (now: {
  readonly weight: number;
  readonly g: number;
  readonly p: Readonly<Record<P | "P" | "weightDecay", number>>;
  readonly hyper: Float64Array;
  readonly moments: Float64Array;
  readonly at: number;
}) => number;

function optimizerKernel<const O extends readonly Param[]>(name: string, own: O, update: Update<O[number]["name"]>) {
  return defineKernel({
    name,
    bindings,
    params: [...u32("P"), ...f32("clipValue", "weightDecay"), ...own],
    variants: [{}],
    twin({ parameter, gradient, norm, hyper, moments }, params) {
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
  [...f32("momentum", "dampening"), ...u32("nesterov")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    if (p.momentum === 0) return weight - hyper[0]! * d;
    const v = hyper[1] ? d : p.momentum * moments[at]! + (1 - p.dampening) * d;
    moments[at] = v;
    return weight - hyper[0]! * (p.nesterov ? d + p.momentum * v : v);
  },
);

/** torch.optim.Adam and AdamW. hyper: learning rate, 1 - beta1^step, 1 - beta2^step. */
export const adamKernel = optimizerKernel(
  "adam",
  [...u32("slot"), ...f32("beta1", "beta2", "eps"), ...u32("decoupled", "amsgrad")],
  ({ weight, g, p, hyper, moments, at }) => {
    const lr = hyper[0]!;
    const decayed = p.decoupled ? weight * (1 - lr * p.weightDecay) : weight;
    const d = p.decoupled ? g : g + p.weightDecay * weight;
    const m = p.beta1 * moments[at]! + (1 - p.beta1) * d;
    const v = p.beta2 * moments[at + p.slot]! + (1 - p.beta2) * d * d;
    moments[at] = m;
    moments[at + p.slot] = v;
    const second = p.amsgrad ? Math.max(moments[at + 2 * p.slot]!, v) : v;
    if (p.amsgrad) moments[at + 2 * p.slot] = second;
    return decayed - ((lr / hyper[1]!) * m) / (Math.sqrt(second) / Math.sqrt(hyper[2]!) + p.eps);
  },
);

/** torch.optim.RMSprop. hyper: learning rate. */
export const rmspropKernel = optimizerKernel(
  "rmsprop",
  [...u32("slot"), ...f32("alpha", "eps", "momentum"), ...u32("centered")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const square = p.alpha * moments[at]! + (1 - p.alpha) * d * d;
    moments[at] = square;
    let variance = square;
    if (p.centered) {
      const mean = p.alpha * moments[at + 2 * p.slot]! + (1 - p.alpha) * d;
      moments[at + 2 * p.slot] = mean;
      variance = Math.max(square - mean * mean, 0);
    }
    let update = d / (Math.sqrt(variance) + p.eps);
    if (p.momentum > 0) {
      update += p.momentum * moments[at + p.slot]!;
      moments[at + p.slot] = update;
    }
    return weight - hyper[0]! * update;
  },
);

/** torch.optim.Adagrad. hyper: learning rate with its decay. */
export const adagradKernel = optimizerKernel("adagrad", f32("eps"), ({ weight, g, p, hyper, moments, at }) => {
  const d = g + p.weightDecay * weight;
  const sum = moments[at]! + d * d;
  moments[at] = sum;
  return weight - (hyper[0]! * d) / (Math.sqrt(sum) + p.eps);
});
