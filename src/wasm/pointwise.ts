import type { pointwiseKernel, pointwiseSum } from "../kernels/pointwise.ts";
import type { Expression } from "../plan/expression.ts";
import type { Call } from "./calls.ts";
import { compileExpression, inputsOf } from "./compile/expression-module.ts";
import type { NativeContext, NativeOf } from "./native.ts";

// An expression is compiled to a loop over numbers that lie in a row. What is read by strides is laid out in a row first, so many
// numbers at a time that they stay in the cache.

/** Numbers that are computed at a time. */
const BLOCK = 1024;
/** Bytes of them, and a vector more, because what lays them out and adds them up works by vectors. */
const BLOCK_BYTES = 4 * BLOCK + 16;

type Addresses = Readonly<Record<string, number>>;
type Sizes = Readonly<Record<string, number>>;

interface Evaluated {
  /** Computes numbers `from` to `from + count` and leaves them at `to`. Indices go up from 0. */
  readonly evaluate: (from: number, count: number, to: number) => void;
  /** Memory behind what `evaluate` uses. */
  readonly free: number;
}

/** @param bytes more of the workspace, for who calls */
function evaluated(
  at: Addresses,
  p: Sizes,
  context: NativeContext,
  result: "store" | "add" | "asFloat",
  bytes: number,
): Evaluated {
  const { expression, wasm } = context;
  const run = compiledFrom(expression, result, context);
  const inputs = inputsOf(expression);
  const workspace = context.workspace(BLOCK_BYTES * inputs.length + bytes);
  const by = new Map(expression.flatMap((value) => ("load" in value ? [[value.load, value.by] as const] : [])));
  // Of each input either where its numbers are, or how they get into its block.
  const addresses: number[] = [];
  const layouts: { readonly isOne: boolean; readonly to: number; readonly from: number; readonly sizes: number[] }[] =
    [];
  for (const [i, k] of inputs.entries()) {
    const way = by.get(k)!;
    const from = at[`x${k}`]!;
    const to = workspace + BLOCK_BYTES * i;
    addresses.push(way === "all" ? from : to);
    if (way === "all") continue;
    const strides = [0, 1, 2, 3].map((axis) => (way === "one" ? 0 : p[`x${k}s${axis}`]!));
    layouts.push({ isOne: way === "one", to, from, sizes: [p.n1!, p.n2!, p.n3!, ...strides] });
  }
  const steps = inputs.map((k) => (by.get(k) === "all" ? 4 : 0));
  const spread = wasm.spread as Call;
  const numbers = [1, 0, ...addresses, 0];
  return {
    free: workspace + BLOCK_BYTES * inputs.length,
    evaluate(from, count, to) {
      for (const { isOne, to: block, from: source, sizes } of layouts) {
        // What is the same everywhere stays laid out; no later block is longer than the first.
        if (!isOne) spread(block, source, from, count, ...sizes);
        else if (from === 0) spread(block, source, 0, count, 1, 1, count, 0, 0, 0, 0);
      }
      numbers[1] = count;
      for (let i = 0; i < addresses.length; i++) numbers[2 + i] = addresses[i]! + steps[i]! * from;
      numbers[2 + addresses.length] = to;
      run(...numbers);
    },
  };
}

function compiledFrom(expression: Expression, result: "store" | "add" | "asFloat", { compiled }: NativeContext): Call {
  return compiled(result, () => compileExpression(expression, result));
}

const pointwise: NativeOf<typeof pointwiseKernel> = (at, p, context) => {
  const { evaluate } = evaluated(at, p as Sizes, context, p.accumulate ? "add" : "store", 0);
  return () => {
    for (let from = 0; from < p.N; from += BLOCK) evaluate(from, Math.min(BLOCK, p.N - from), at.y + 4 * from);
  };
};

/** Sums are taken of as many whole rows as a block holds, or of one, which takes more than a block. */
const sums: NativeOf<typeof pointwiseSum> = (at, p, context) => {
  const { N, R, parts, factor, accumulate } = p;
  const rows = Math.max(1, Math.min(N, Math.floor(BLOCK / Math.max(1, R))));
  const sumBytes = 4 * rows * parts + 16;
  const { evaluate, free } = evaluated(at, p as Sizes, context, "asFloat", BLOCK_BYTES + sumBytes);
  const [values, kept] = [free, free + BLOCK_BYTES];
  const { addToSums, takeSums, clearRows } = context.wasm;
  return () => {
    clearRows(1, sumBytes / 4, kept, 0);
    for (let n = 0; n < N; n += rows) {
      const count = Math.min(rows, N - n);
      const end = (n + count) * R;
      for (let from = n * R; from < end; from += BLOCK) {
        const length = Math.min(BLOCK, end - from);
        evaluate(from, length, values);
        addToSums(values, length, from - n * R, R, parts, kept);
      }
      takeSums(kept, count * parts, factor, accumulate, at.y + 4 * n * parts);
    }
  };
};

export const pointwiseNatives = { pointwise, "pointwise-sum": sums };
