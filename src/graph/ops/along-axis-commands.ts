import { gatherAlong, gatherGradient, type Rows, sumCumulatively, takeTopK } from "../../kernels/axis.ts";
import type { Commands } from "../commands.ts";

interface Taken extends Rows {
  /** Entries taken. */
  readonly K: number;
}

export const topKCommands: Commands<Taken & { readonly smallest: boolean }> = {
  forward({ inputs: [x], outputs: [y, index], attributes, label }, e) {
    const views = { x: e.view(x!), y: e.allocate(y!, label), index: e.allocate(index!, `${label} indices`) };
    e.emit(takeTopK(e.target, label, attributes, views));
  },
  backward({ inputs: [x], outputs: [y, index], attributes, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view: gradient, accumulate } = e.gradientInto(x);
    const views = { index: e.view(index!), outputGradient, gradient };
    e.emit(gatherGradient(e.target, `${label} gradient`, { ...attributes, accumulate }, views));
  },
};

export const gatherCommands: Commands<Taken> = {
  forward({ inputs: [x, index], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), index: e.view(index!), y: e.allocate(y!, label) };
    e.emit(gatherAlong(e.target, label, attributes, views));
  },
  backward({ inputs: [x, index], outputs: [y], attributes, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view: gradient, accumulate } = e.gradientInto(x);
    const views = { index: e.view(index!), outputGradient, gradient };
    e.emit(gatherGradient(e.target, `${label} gradient`, { ...attributes, accumulate }, views));
  },
};

export const cumulativeCommands: Commands<Rows> = {
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), y: e.allocate(y!, label) };
    e.emit(sumCumulatively(e.target, label, { ...attributes, reverse: false, accumulate: false }, views));
  },
  backward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const call = { ...attributes, reverse: true, accumulate };
    e.emit(sumCumulatively(e.target, `${label} gradient`, call, { x: gradient, y: view }));
  },
};
