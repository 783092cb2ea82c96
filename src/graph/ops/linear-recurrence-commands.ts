import { scan, scanGradients } from "../../kernels/scan.ts";
import type { Commands } from "../commands.ts";
import { part } from "../op.ts";
import type { LinearRecurrenceSizes } from "./linear-recurrence.ts";

export const linearRecurrenceCommands: Commands<LinearRecurrenceSizes> = {
  forward({ inputs: [a, b, h0], outputs: [h], attributes: size, label }, e) {
    const views = { a: e.view(a!), b: e.view(b!), h0: h0 && e.view(h0), h: e.allocate(h!, label) };
    e.emit(...scan(e, { label, size, views }));
  },
  backward({ inputs: [a, b, h0], outputs: [h], attributes: size, label }, e) {
    const hGradient = e.gradient(h!);
    if (!hGradient) return;
    const { T, N } = size;
    const gradients = e.scratch(`${label} gradients`, (2 * T + 1) * N);
    const views = { a: e.view(a!), h: e.view(h!), h0: h0 && e.view(h0), hGradient, gradients };
    e.emit(...scanGradients(e, { label: `${label} backward`, size, views }));
    if (e.needsGradient(a)) e.contribute(a, part(gradients, 0, T * N));
    if (e.needsGradient(b)) e.contribute(b, part(gradients, T * N, T * N));
    if (e.needsGradient(h0)) e.contribute(h0, part(gradients, 2 * T * N, N));
  },
};
