import { adadeltaWgsl } from "../shaders/adadelta.generated.ts";
import { adagradWgsl } from "../shaders/adagrad.generated.ts";
import { adamWgsl } from "../shaders/adam.generated.ts";
import { adamaxWgsl } from "../shaders/adamax.generated.ts";
import { asgdWgsl } from "../shaders/asgd.generated.ts";
import { ftrlWgsl } from "../shaders/ftrl.generated.ts";
import { lionWgsl } from "../shaders/lion.generated.ts";
import { nadamWgsl } from "../shaders/nadam.generated.ts";
import { radamWgsl } from "../shaders/radam.generated.ts";
import { rmspropWgsl } from "../shaders/rmsprop.generated.ts";
import { rpropWgsl } from "../shaders/rprop.generated.ts";
import { sgdWgsl } from "../shaders/sgd.generated.ts";
import type { Shader } from "../shaders/shader.ts";
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

// Its own members as a function, so that a bundler sees that making a kernel does nothing else, and leaves out what is not used.
/* @__NO_SIDE_EFFECTS__ */
function optimizerKernel<const O extends readonly Param[]>(
  shader: Shader,
  slots: 1 | 2 | 3,
  own: () => O,
  update: Update<O[number]["name"]>,
) {
  const names = momentNames.slice(0, slots);
  return defineKernel({
    shader,
    bindings: [...bindings, ...names.map((moment) => readWrite(moment, "f32", "[P]"))],
    params: [...u32("P"), ...f32("clipValue", "weightDecay"), ...own()],
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
  sgdWgsl,
  1,
  () => [...f32("momentum", "dampening"), ...u32("nesterov")],
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
  adamWgsl,
  3,
  () => [...f32("beta1", "beta2", "eps"), ...u32("decoupled", "amsgrad")],
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
  rmspropWgsl,
  3,
  () => [...f32("alpha", "eps", "momentum"), ...u32("centered")],
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
export const adagradKernel = optimizerKernel(
  adagradWgsl,
  1,
  () => [...f32("eps")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const sum = moments[0]![at]! + d * d;
    moments[0]![at] = sum;
    return weight - (hyper[0]! * d) / (Math.sqrt(sum) + p.eps);
  },
);

/** torch.optim.Adamax. hyper: learning rate, 1 - beta1^step. */
export const adamaxKernel = optimizerKernel(
  adamaxWgsl,
  2,
  () => [...f32("beta1", "beta2", "eps")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const m = p.beta1 * moments[0]![at]! + (1 - p.beta1) * d;
    const largest = Math.max(p.beta2 * moments[1]![at]!, Math.abs(d) + p.eps);
    moments[0]![at] = m;
    moments[1]![at] = largest;
    return weight - ((hyper[0]! / hyper[1]!) * m) / largest;
  },
);

/** torch.optim.NAdam. hyper: learning rate, shares of the gradient and of its average, 1 - beta2^step. */
export const nadamKernel = optimizerKernel(
  nadamWgsl,
  2,
  () => [...f32("beta1", "beta2", "eps"), ...u32("decoupled")],
  ({ weight, g, p, hyper, moments, at }) => {
    const lr = hyper[0]!;
    const decayed = p.decoupled ? weight * (1 - lr * p.weightDecay) : weight;
    const d = p.decoupled ? g : g + p.weightDecay * weight;
    const m = p.beta1 * moments[0]![at]! + (1 - p.beta1) * d;
    const v = p.beta2 * moments[1]![at]! + (1 - p.beta2) * d * d;
    moments[0]![at] = m;
    moments[1]![at] = v;
    return decayed - (lr * (hyper[1]! * d + hyper[2]! * m)) / (Math.sqrt(v / hyper[3]!) + p.eps);
  },
);

/** torch.optim.RAdam. hyper: learning rate, 1 - beta1^step, factor of the rectified step (0: momentum alone). */
export const radamKernel = optimizerKernel(
  radamWgsl,
  2,
  () => [...f32("beta1", "beta2", "eps"), ...u32("decoupled")],
  ({ weight, g, p, hyper, moments, at }) => {
    const lr = hyper[0]!;
    const decayed = p.decoupled ? weight * (1 - lr * p.weightDecay) : weight;
    const d = p.decoupled ? g : g + p.weightDecay * weight;
    const m = p.beta1 * moments[0]![at]! + (1 - p.beta1) * d;
    const v = p.beta2 * moments[1]![at]! + (1 - p.beta2) * d * d;
    moments[0]![at] = m;
    moments[1]![at] = v;
    const adapted = hyper[2] ? hyper[2] / (Math.sqrt(v) + p.eps) : 1;
    return decayed - (lr / hyper[1]!) * m * adapted;
  },
);

/** keras.optimizers.Lion. hyper: learning rate. */
export const lionKernel = optimizerKernel(
  lionWgsl,
  1,
  () => [...f32("beta1", "beta2")],
  ({ weight, g, p, hyper, moments, at }) => {
    const lr = hyper[0]!;
    const m = moments[0]![at]!;
    moments[0]![at] = p.beta2 * m + (1 - p.beta2) * g;
    return weight * (1 - lr * p.weightDecay) - lr * Math.sign(p.beta1 * m + (1 - p.beta1) * g);
  },
);

/** torch.optim.Adadelta. hyper: learning rate. */
export const adadeltaKernel = optimizerKernel(
  adadeltaWgsl,
  2,
  () => [...f32("rho", "eps")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const square = p.rho * moments[0]![at]! + (1 - p.rho) * d * d;
    const change = (Math.sqrt(moments[1]![at]! + p.eps) / Math.sqrt(square + p.eps)) * d;
    moments[0]![at] = square;
    moments[1]![at] = p.rho * moments[1]![at]! + (1 - p.rho) * change * change;
    return weight - hyper[0]! * change;
  },
);

/** keras.optimizers.Ftrl. hyper: learning rate. */
export const ftrlKernel = optimizerKernel(
  ftrlWgsl,
  2,
  () => [...f32("power", "l1", "l2", "l2Shrinkage", "beta")],
  ({ weight, g, p, hyper, moments, at }) => {
    const lr = hyper[0]!;
    if (lr === 0) return weight;
    const decayed = weight * (1 - lr * p.weightDecay);
    const sum = moments[0]![at]! + g * g;
    const sigma = (sum ** p.power - moments[0]![at]! ** p.power) / lr;
    const linear = moments[1]![at]! + g + 2 * p.l2Shrinkage * decayed - sigma * decayed;
    moments[0]![at] = sum;
    moments[1]![at] = linear;
    const quadratic = sum ** p.power / lr + 2 * (p.l2 + p.beta / (2 * lr));
    return (Math.max(-p.l1, Math.min(p.l1, linear)) - linear) / quadratic;
  },
);

/** torch.optim.ASGD. hyper: learning rate with its decay, share of the new weight in the average. */
export const asgdKernel = optimizerKernel(
  asgdWgsl,
  1,
  () => [...f32("lambd")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const next = weight * (1 - p.lambd * hyper[0]!) - hyper[0]! * d;
    moments[0]![at]! += (next - moments[0]![at]!) * hyper[1]!;
    return next;
  },
);

/** torch.optim.Rprop. hyper: learning rate. A step size of 0 has not begun. */
export const rpropKernel = optimizerKernel(
  rpropWgsl,
  2,
  () => [...f32("etaMinus", "etaPlus", "stepSizeMin", "stepSizeMax")],
  ({ weight, g, p, hyper, moments, at }) => {
    const d = g + p.weightDecay * weight;
    const turn = Math.sign(d) * Math.sign(moments[0]![at]!);
    const factor = turn > 0 ? p.etaPlus : turn < 0 ? p.etaMinus : 1;
    const size = Math.min(Math.max((moments[1]![at]! || hyper[0]!) * factor, p.stepSizeMin), p.stepSizeMax);
    const used = turn < 0 ? 0 : d;
    moments[0]![at] = used;
    moments[1]![at] = size;
    return weight - Math.sign(used) * size;
  },
);
