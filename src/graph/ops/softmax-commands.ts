import { softmaxGradient, softmaxRows } from "../../kernels/masked-softmax.ts";
import type { Commands } from "../commands.ts";
import type { Sizes } from "./softmax.ts";

export const softmaxCommands: Commands<Sizes> = {
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const views = { scores: e.view(x!), mask: undefined, weights: e.allocate(y!, label) };
    e.emit(softmaxRows(e.target, label, { ...attributes, B: 1, scale: 1 }, views));
  },
  backward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const weightGradient = e.gradient(y!);
    if (!weightGradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const views = { weights: e.view(y!), weightGradient, scoreGradient: view };
    e.emit(softmaxGradient(e.target, `${label} gradient`, { ...attributes, scale: 1, accumulate }, views));
  },
};
