import { holdStates, makeMask, zeroRows } from "../../kernels/mask.ts";
import type { Commands } from "../commands.ts";
import type { HeldRows, MaskAttributes, MaskedRows } from "./mask.ts";

export const sequenceMaskCommands: Commands<MaskAttributes> = {
  forward({ inputs: [lengths, mask], outputs: [output], attributes, label }, e) {
    if (!lengths && !attributes.batchFirst) {
      e.define(output!, e.view(mask!));
      return;
    }
    const make = () => {
      const to = e.scratch(label, output!.size, "i32");
      const views = { lengths: lengths && e.view(lengths), given: mask && e.view(mask), mask: to };
      e.emit(makeMask(e.target, label, attributes, views));
      return to;
    };
    // Every layer over the same sequences has the same mask.
    const kind = `mask ${attributes.T} ${attributes.batchFirst} ${lengths?.id}`;
    e.define(output!, e.once((mask ?? lengths)!, kind, make));
  },
};

export const holdRowsCommands: Commands<HeldRows> = {
  forward({ inputs: [x, old, steps], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), old: e.view(old!), steps: e.view(steps!), y: e.allocate(y!, label) };
    e.emit(holdStates(e.target, label, attributes, views));
  },
};

export const maskRowsCommands: Commands<MaskedRows> = {
  forward({ inputs: [x, mask], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), mask: e.view(mask!), y: e.allocate(y!, label) };
    e.emit(zeroRows(e.target, label, attributes, views));
  },
  backward({ inputs: [x, mask], outputs: [y], attributes, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const views = { x: gradient, mask: e.view(mask!), y: view };
    e.emit(zeroRows(e.target, `${label} gradient`, { ...attributes, accumulate }, views));
  },
};
