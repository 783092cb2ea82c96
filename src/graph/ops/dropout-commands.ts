import { dropNumbers } from "../../kernels/dropout.ts";
import type { Commands } from "../commands.ts";
import type { DropoutAttributes } from "./dropout.ts";

export const dropoutCommands: Commands<DropoutAttributes> = {
  forward({ inputs: [x, seed], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), seed: e.view(seed!), y: e.allocate(y!, label) };
    e.emit(dropNumbers(e.target, label, { N: x!.size, ...attributes }, views));
  },
  backward({ inputs: [x, seed], outputs: [y], attributes, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const views = { x: gradient, seed: e.view(seed!), y: view };
    e.emit(dropNumbers(e.target, `${label} gradient`, { N: x.size, ...attributes, accumulate }, views));
  },
};
