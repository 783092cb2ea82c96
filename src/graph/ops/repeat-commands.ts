import { sumColumns } from "../../kernels/column-sums.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { Commands } from "../commands.ts";
import type { RepeatSizes } from "./repeat.ts";

export const repeatCommands: Commands<RepeatSizes> = {
  forward({ inputs: [x], outputs: [y], attributes: { D, B, C }, label }, e) {
    const [from, to] = [e.view(x!), e.allocate(y!, label)];
    e.emit(copyStrided(e.target, { label, from, to, lengths: [1, D, B, C], strides: [0, C, 0, 1] }));
  },
  backward({ inputs: [x], outputs: [y], attributes: { D, B, C }, label }, e) {
    const a = e.gradient(y!);
    if (!a || !e.needsGradient(x)) return;
    const { view: to, accumulate } = e.gradientInto(x);
    e.emit(sumColumns(e.target, `${label} gradient`, { N: B, D, C, batch: B * C, accumulate }, { a, to }));
  },
};
