import type { Dispatch, Target, View } from "../plan/plan.ts";
import { uniform } from "../random.ts";
import { sampleWgsl } from "../shaders/sample.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, read, readWrite, spreadGrid, u32 } from "./kernel.ts";

/** How tokens are drawn; see `Runtime.generate`. */
export interface SampleSettings {
  readonly temperature: number;
  /** 0: no limit. */
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
}

/** The settings as the kernel reads them; `first` is the index of the chunk's first random number. */
export function sampleSettings({ temperature, topK, topP, seed }: SampleSettings, first: number): Int32Array {
  const bits = new Int32Array(5);
  new Float32Array(bits.buffer).set([temperature, topP]);
  bits[2] = topK;
  bits[3] = seed | 0;
  bits[4] = first | 0;
  return bits;
}

/** Draws a token for every row. */
export const sample = defineKernel({
  shader: sampleWgsl,
  bindings: [read("logits", "f32", "[B,V]"), read("settings", "i32", "[5]"), readWrite("tokens", "i32", "[B]")],
  params: u32("B", "V", "step"),
  variants: variantsOf("sample"),
  twin({ logits, settings, tokens }, { B, V, step }) {
    const [temperature, topP] = new Float32Array(settings.slice(0, 2).buffer) as unknown as [number, number];
    const topK = settings[2]!;
    for (let b = 0; b < B; b++) {
      const row = logits.subarray(b * V, (b + 1) * V);
      const sorted = Float64Array.from(row).sort().reverse();
      const largest = sorted[0]!;
      let least = temperature <= 0 ? largest : topK > 0 && topK < V ? sorted[topK - 1]! : -Infinity;
      const weight = (x: number) => (x >= least ? Math.exp(temperature <= 0 ? 0 : (x - largest) / temperature) : 0);
      const sum = () => row.reduce((total, x) => total + weight(x), 0);
      if (temperature > 0 && topP < 1) {
        const goal = topP * sum();
        let mass = 0;
        const bound = sorted.find((x) => {
          mass += weight(x);
          return mass >= goal;
        });
        least = Math.max(least, bound ?? -Infinity);
      }
      const u = temperature <= 0 ? 0 : uniform(settings[3]! >>> 0, 0, (settings[4]! + step) >>> 0, b);
      const goal = u * sum();
      let before = 0;
      const choice = row.findIndex((x) => {
        before += weight(x);
        return before > goal;
      });
      tokens[b] = choice >= 0 ? choice : row.findLastIndex((x) => x >= least);
    }
  },
});

export const sampleTokens = (
  target: Target,
  label: string,
  sizes: { readonly B: number; readonly V: number; readonly step: number },
  views: { logits: View; settings: View; tokens: View },
): Dispatch =>
  dispatch(sample, {
    label,
    views,
    params: sizes,
    constants: chooseVariant(target, "sample", { rows: sizes.B, length: sizes.V }),
    grid: spreadGrid(sizes.B, target.maxWorkgroups),
  });
