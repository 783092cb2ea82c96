import { sigmoid } from "../cells/activations.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { scanGatesWgsl } from "../shaders/scan-gates.generated.ts";
import { scanGatesBackwardWgsl } from "../shaders/scan-gates-backward.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

const variants = [{ PAIR: false }, { PAIR: true }];

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The share of the old state and of the new one, from the pre-activations of one gate z or of two, f and i: f / (f + i). */
function sharesOf(pair: boolean, x: Float64Array, at: number, H: number): { keep: number; take: number } {
  if (!pair) return { keep: sigmoid(-x[at]!), take: sigmoid(x[at]!) };
  const odds = softplus(-x[at + H]!) - softplus(-x[at]!);
  return { keep: sigmoid(odds), take: sigmoid(-odds) };
}

/** The a and b of a recurrence `h_t = a_t * h_{t-1} + b_t` from its gates. See shaders/scan-gates.wgsl. */
export const scanGates = defineKernel({
  shader: scanGatesWgsl,
  bindings: [
    read("x", "f32", "[R,G,H]"),
    read("mask", "i32", "[R]"),
    readWrite("a", "f32", "[R,H]"),
    readWrite("b", "f32", "[R,H]"),
  ],
  params: u32("R", "H", "hasMask"),
  variants,
  twin({ x, mask, a, b }, { R, H, hasMask }, { constants: { PAIR } }) {
    const gates = PAIR ? 3 : 2;
    for (let r = 0; r < R; r++) {
      const real = !hasMask || mask[r] !== 0;
      for (let u = 0; u < H; u++) {
        const at = r * gates * H + u;
        const { keep, take } = sharesOf(PAIR === true, x, at, H);
        a[r * H + u] = real ? keep : 1;
        b[r * H + u] = real ? take * x[at + (gates - 1) * H]! : 0;
      }
    }
  },
});

/** The gradient by the gates. */
export const scanGatesBackward = defineKernel({
  shader: scanGatesBackwardWgsl,
  bindings: [
    read("x", "f32", "[R,G,H]"),
    read("mask", "i32", "[R]"),
    read("aGradient", "f32", "[R,H]"),
    read("bGradient", "f32", "[R,H]"),
    readWrite("xGradient", "f32", "[R,G,H]"),
  ],
  params: u32("R", "H", "hasMask", "accumulate"),
  variants,
  twin({ x, mask, aGradient, bGradient, xGradient }, { R, H, hasMask, accumulate }, { constants: { PAIR } }) {
    const gates = PAIR ? 3 : 2;
    for (let r = 0; r < R; r++) {
      const real = !hasMask || mask[r] !== 0;
      for (let u = 0; u < H; u++) {
        const at = r * gates * H + u;
        const last = at + (gates - 1) * H;
        const { keep, take } = sharesOf(PAIR === true, x, at, H);
        const db = bGradient[r * H + u]!;
        const q = aGradient[r * H + u]! - db * x[last]!;
        const put = (index: number, value: number) => {
          xGradient[index] = (real ? value : 0) + (accumulate ? xGradient[index]! : 0);
        };
        if (PAIR) {
          put(at, q * keep * take * sigmoid(-x[at]!));
          put(at + H, -q * keep * take * sigmoid(-x[at + H]!));
        } else put(at, -q * keep * take);
        put(last, db * take);
      }
    }
  },
});

interface Sizes {
  /** Rows: steps times sequences. */
  readonly R: number;
  readonly H: number;
  /** Two gates, normalised so that they add up to 1, instead of one. */
  readonly pair: boolean;
}

export const openGates = (
  target: Target,
  label: string,
  { R, H, pair }: Sizes,
  { mask, ...views }: { x: View; mask: View | undefined; a: View; b: View },
): Dispatch =>
  dispatch(scanGates, {
    label,
    views: { ...views, mask: mask ?? views.x },
    params: { R, H, hasMask: mask ? 1 : 0 },
    constants: { PAIR: pair },
    grid: gridFor(R * H, 64, target.maxWorkgroups),
  });

export const gateGradients = (
  target: Target,
  label: string,
  { R, H, pair, accumulate }: Sizes & { readonly accumulate: boolean },
  { mask, ...views }: { x: View; mask: View | undefined; aGradient: View; bGradient: View; xGradient: View },
): Dispatch =>
  dispatch(scanGatesBackward, {
    label,
    views: { ...views, mask: mask ?? views.x },
    params: { R, H, hasMask: mask ? 1 : 0, accumulate: accumulate ? 1 : 0 },
    constants: { PAIR: pair },
    grid: gridFor(R * H, 64, target.maxWorkgroups),
  });
