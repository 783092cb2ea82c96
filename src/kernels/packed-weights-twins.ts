import type { NumberArray, PackedDType } from "../tensor-data.ts";
import type { TwinOf } from "./kernel.ts";
import { packedLength, type packF16, type packInt8, type WeightSizes } from "./packed-weights.ts";
import type { recurrentForward } from "./recurrent.ts";
import { recurrentGradientTwins } from "./recurrent-gradient-twins.ts";
import { recurrentTwins } from "./recurrent-twins.ts";

/** The whole number nearest to x of at least 0, of two equally near the even one. */
function nearestEven(x: number): number {
  const low = Math.floor(x);
  const over = x - low;
  return over > 0.5 || (over === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/** The largest number of f16. */
export const MOST_HALF = 65504;

/** The bits of a number, rounded to f32 and from there to f16. */
export function halfBits(number: number): number {
  const value = Math.fround(number);
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  let exponent = -14;
  while (size >= 2 ** (exponent + 1)) exponent++;
  const bits = (exponent + 14) * 1024 + nearestEven(size * 2 ** (10 - exponent));
  return sign | Math.min(bits, 0x7bff);
}

/** The number that has these bits in f16. */
export function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction > 0 ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Number i of words of two f16 each. */
const halfAt = (words: NumberArray, i: number): number => halfOf((words[i >> 1]! >> (16 * (i & 1))) & 0xffff);

const packF16Twin: TwinOf<typeof packF16> = ({ weight, to }, { D, G, H, K, unitStride, columnStride }) => {
  const pairs = Math.ceil(H / 4) * 2;
  for (let dg = 0; dg < D * G; dg++) {
    const d = Math.floor(dg / G);
    for (let k = 0; k < K; k++) {
      const half = (u: number) => (u < H ? halfBits(weight[dg * H * K + u * unitStride + k * columnStride]!) : 0);
      const first = ((d * K + k) * G + (dg % G)) * pairs;
      for (let pair = 0; pair < pairs; pair++) to[first + pair] = half(2 * pair) | (half(2 * pair + 1) << 16);
    }
  }
};

const bitsOf = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0]!;
const floatOf = (word: number): number => new Float32Array(Int32Array.of(word).buffer)[0]!;

/** The scale of a row of int8. */
function scaleOf(row: readonly number[]): number {
  const most = row.reduce((so, x) => (Number.isNaN(so) ? so : Math.max(so, Math.abs(x))), 0);
  if (!Number.isFinite(most)) return Number.NaN;
  return most < 2 ** -118 ? 0 : Math.fround(most * Math.fround(1 / 127));
}

const packInt8Twin: TwinOf<typeof packInt8> = ({ weight, to }, { D, G, H, K }) => {
  const words = Math.ceil(H / 4);
  for (let dg = 0; dg < D * G; dg++) {
    const d = Math.floor(dg / G);
    const place = (k: number, word: number) => ((d * (K + 4) + k) * G + (dg % G)) * words + word;
    for (let word = 0; word < words; word++) {
      for (let k = 0; k < K; k++) to[place(k, word)] = 0;
      for (let l = 0; l < 4; l++) {
        const u = 4 * word + l;
        const row = u < H ? Array.from(weight.subarray((dg * H + u) * K, (dg * H + u + 1) * K), Math.fround) : [];
        const scale = scaleOf(row);
        to[place(K + l, word)] = bitsOf(scale);
        if (!(scale > 0)) continue;
        row.forEach((value, k) => {
          const size = Math.abs(value);
          // Half as much too much goes to the larger one. Products are rounded to f32, as the kernel's are.
          let near = Math.floor(size / scale);
          if (size > Math.fround((near + 0.5) * scale)) near++;
          const number = value < 0 ? -near : near;
          to[place(k, word)]! |= (number & 0xff) << (8 * l);
        });
      }
    }
  }
};

/** Packed weights as numbers, laid out as those of f32: `[D,K,G,⌈H/4⌉*4]`. */
export function unpacked(words: NumberArray, dtype: PackedDType, { D, G, H, K }: WeightSizes): Float64Array {
  const padded = Math.ceil(H / 4) * 4;
  const column = G * padded;
  const numbers = new Float64Array(D * K * column);
  const columns = packedLength(dtype, { D: 1, G, H, K }) / (dtype === "f16" ? column / 2 : column / 4);
  numbers.forEach((_, i) => {
    const [d, k, inColumn] = [Math.floor(i / column / K), Math.floor(i / column) % K, i % column];
    if (dtype === "f16") {
      numbers[i] = halfAt(words, i);
      return;
    }
    const wordAt = (at: number) => words[(d * columns + at) * (column / 4) + (inColumn >> 2)]!;
    const l = inColumn & 3;
    const number = (wordAt(k) << (24 - 8 * l)) >> 24;
    numbers[i] = number * floatOf(wordAt(K + l));
  });
  return numbers;
}

const forwardWith =
  (dtype: PackedDType): TwinOf<typeof recurrentForward> =>
  ({ weight, ...arrays }, params, context) => {
    const { D, H, K } = params;
    const numbers = unpacked(weight, dtype, { D, G: context.cell.gates.length, H, K });
    recurrentTwins["recurrent-forward"]({ ...arrays, weight: numbers }, params, context);
  };

/** The twin of a kernel that reads R by rows, of which f16 has the same layout. */
const withHalves =
  <A extends { readonly weight: NumberArray }, R extends readonly unknown[]>(twin: (arrays: A, ...rest: R) => void) =>
  (arrays: A, ...rest: R): void => {
    const weight = Float64Array.from({ length: 2 * arrays.weight.length }, (_, i) => halfAt(arrays.weight, i));
    twin({ ...arrays, weight }, ...rest);
  };

/** The twins of the kernels in packed-weights.ts, by their names. */
export const packedWeightsTwins = {
  "pack-f16": packF16Twin,
  "pack-int8": packInt8Twin,
  "recurrent-forward-f16": forwardWith("f16"),
  "recurrent-forward-int8": forwardWith("int8"),
  "recurrent-backward-f16": withHalves(recurrentGradientTwins["recurrent-backward"]),
  "recurrent-intermediate-backward-f16": withHalves(recurrentGradientTwins["recurrent-intermediate-backward"]),
  "recurrent-project-backward-f16": withHalves(recurrentGradientTwins["recurrent-project-backward"]),
};
