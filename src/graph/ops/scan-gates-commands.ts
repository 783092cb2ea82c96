import { gateGradients, openGates } from "../../kernels/scan-gates.ts";
import type { Commands } from "../commands.ts";
import type { ScanGatesAttributes } from "./scan-gates.ts";

export const scanGatesCommands: Commands<ScanGatesAttributes> = {
  forward({ inputs: [x, mask], outputs: [a, b], attributes, label }, e) {
    const views = {
      x: e.view(x!),
      mask: mask && e.view(mask),
      a: e.allocate(a!, `${label} a`),
      b: e.allocate(b!, `${label} b`),
    };
    e.emit(openGates(e.target, label, attributes, views));
  },
  backward({ inputs: [x, mask], outputs: [a, b], attributes, label }, e) {
    if (!e.needsGradient(x)) return;
    const [aGradient, bGradient] = [a!, b!].map((tensor) => {
      const gradient = e.gradient(tensor);
      if (gradient) return gradient;
      const zero = e.scratch("no gradient", tensor.size);
      e.emit({ type: "clear", label: "no gradient", to: zero });
      return zero;
    });
    const { view, accumulate } = e.gradientInto(x);
    const views = {
      x: e.view(x),
      mask: mask && e.view(mask),
      aGradient: aGradient!,
      bGradient: bGradient!,
      xGradient: view,
    };
    e.emit(gateGradients(e.target, `${label} backward`, { ...attributes, accumulate }, views));
  },
};
