/** RNN, LSTM and GRU as the papers write them, number by number in float64: what looking into the library's layers is compared with. */
import { sigmoid } from "../../src/cells/activations.ts";
import type { StateDict } from "../../src/index.ts";

export type PlainCell = "tanh" | "relu" | "sigmoid" | "lstm" | "gru";

export interface PlainSizes {
  readonly cell: PlainCell;
  readonly layers: number;
  readonly T: number;
  readonly B: number;
  readonly H: number;
}

/** A number that is added to a state after a step. */
export interface Bump {
  readonly layer: number;
  readonly step: number;
  readonly state: string;
  /** Of `[B,H]`. */
  readonly index: number;
  readonly by: number;
}

/** Each `[B,H]`, by name: gates and states. */
export type PlainStep = Readonly<Record<string, readonly number[]>>;

const activate = { tanh: Math.tanh, relu: (x: number) => Math.max(x, 0), sigmoid };

/** All steps of all layers. @param weights by PyTorch's names, behind `prefix` */
export function plainLayers(
  { cell, layers, T, B, H }: PlainSizes,
  weights: StateDict,
  prefix: string,
  x: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  bump?: Bump,
): PlainStep[][] {
  let inputs = Array.from({ length: T }, (_, t) =>
    Array.from(x.data).slice(t * B * x.shape[2]!, (t + 1) * B * x.shape[2]!),
  );
  return Array.from({ length: layers }, (_, layer) => {
    const of = (kind: string) => weights[`${prefix}${kind}_l${layer}`]!;
    const I = inputs[0]!.length / B;
    const [W, R, b, b2] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((kind) => of(kind).data);
    /** Row u of W times row n of v. */
    const times = (matrix: ArrayLike<number>, u: number, v: readonly number[], n: number, size: number) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += matrix[u * size + i]! * v[n * size + i]!;
      return sum;
    };
    let before: PlainStep = { h: Array(B * H).fill(0), c: Array(B * H).fill(0) };
    const steps = inputs.map((input, t) => {
      const made: Record<string, number[]> = {};
      const put = (name: string, at: number, value: number) => {
        made[name] ??= Array(B * H).fill(0);
        made[name]![at] = value;
        return value;
      };
      for (let n = 0; n < B; n++)
        for (let u = 0; u < H; u++) {
          const at = n * H + u;
          const wx = (g: number) => times(W!, g * H + u, input, n, I) + b![g * H + u]!;
          const rh = (g: number) => times(R!, g * H + u, before.h!, n, H) + b2![g * H + u]!;
          if (cell === "lstm") {
            const [i, f, o] = [0, 1, 3].map((g) => sigmoid(wx(g) + rh(g))) as [number, number, number];
            const g = Math.tanh(wx(2) + rh(2));
            const c = f * before.c![at]! + i * g;
            for (const [name, value] of Object.entries({ i, f, g, o, c, h: o * Math.tanh(c) })) put(name, at, value);
          } else if (cell === "gru") {
            const [r, z] = [0, 1].map((g) => sigmoid(wx(g) + rh(g))) as [number, number];
            const n = Math.tanh(wx(2) + r * rh(2));
            for (const [name, value] of Object.entries({ r, z, n, h: (1 - z) * n + z * before.h![at]! }))
              put(name, at, value);
          } else put("h", at, activate[cell](wx(0) + rh(0)));
        }
      if (bump?.layer === layer && bump.step === t) {
        made[bump.state] = [...made[bump.state]!];
        made[bump.state]![bump.index]! += bump.by;
      }
      before = made;
      return made;
    });
    inputs = steps.map(({ h }) => [...h!]);
    return steps;
  });
}

/** The cross-entropy of `logits [B,V]`, the mean over B. */
export function crossEntropyOf(logits: readonly number[], target: ArrayLike<number>, V: number): number {
  const B = logits.length / V;
  let sum = 0;
  for (let n = 0; n < B; n++) {
    const row = logits.slice(n * V, (n + 1) * V);
    sum += Math.log(row.reduce((all, one) => all + Math.exp(one), 0)) - row[target[n]!]!;
  }
  return sum / B;
}

/** `h [B,H]` times a head's weight `[V,H]`, and its bias. */
export function headOf(h: readonly number[], weight: ArrayLike<number>, bias: ArrayLike<number>): number[] {
  const V = bias.length;
  const H = weight.length / V;
  return Array.from({ length: (h.length / H) * V }, (_, at) => {
    const [n, v] = [Math.floor(at / V), at % V];
    let sum = bias[v]!;
    for (let u = 0; u < H; u++) sum += weight[v * H + u]! * h[n * H + u]!;
    return sum;
  });
}
