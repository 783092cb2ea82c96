import type { Dispatch, Target, View } from "../plan/plan.ts";
import { embeddingGatherWgsl } from "../shaders/embedding-gather.generated.ts";
import { embeddingScatterWgsl } from "../shaders/embedding-scatter.generated.ts";
import { eachGrouped } from "./group-tokens.ts";
import { defineKernel, dispatch, gridFor, NAN_BITS, read, readWrite, u32 } from "./kernel.ts";

/** Rows of a table by token. */
export const embeddingGather = defineKernel({
  shader: embeddingGatherWgsl,
  bindings: [read("tokens", "i32", "[N]"), read("table", "f32", "[V,E]"), readWrite("output", "f32", "[N,E]")],
  params: u32("N", "E", "V", "nan"),
  variants: [{}],
  twin({ tokens, table, output }, { N, E, V }) {
    for (let n = 0; n < N; n++) {
      const token = tokens[n]!;
      for (let e = 0; e < E; e++) output[n * E + e] = token >= 0 && token < V ? table[token * E + e]! : Number.NaN;
    }
  },
});

/** The gather's gradient by its table: equal tokens add up in the order in which they stand. */
export const embeddingScatter = defineKernel({
  shader: embeddingScatterWgsl,
  bindings: [
    read("tokens", "i32", "[N]"),
    read("grouped", "i32", "[2,N]"),
    read("outputGradient", "f32", "[N,E]"),
    readWrite("gradient", "f32", "[V,E]"),
  ],
  params: u32("N", "E", "V"),
  variants: [{}],
  twin({ tokens, grouped, outputGradient, gradient }, { N, E, V }) {
    eachGrouped({ tokens, grouped }, { N, V }, (token, n) => {
      for (let e = 0; e < E; e++) gradient[token * E + e]! += outputGradient[n * E + e]!;
    });
  },
});

interface Sizes {
  /** Tokens. */
  readonly N: number;
  /** Embedding dimension. */
  readonly E: number;
  /** Vocabulary. */
  readonly V: number;
}

export const gatherRows = (
  target: Target,
  label: string,
  sizes: Sizes,
  views: { tokens: View; table: View; output: View },
): Dispatch =>
  dispatch(embeddingGather, {
    label,
    views,
    params: { ...sizes, nan: NAN_BITS },
    grid: gridFor(sizes.N * sizes.E, 64, target.maxWorkgroups),
  });

/** `grouped`: from `groupEqualTokens`, for the same tokens. */
export const scatterRows = (
  target: Target,
  label: string,
  sizes: Sizes,
  views: { tokens: View; grouped: View; outputGradient: View; gradient: View },
): Dispatch =>
  dispatch(embeddingScatter, {
    label,
    views,
    params: { ...sizes },
    grid: gridFor(Math.min(sizes.N, sizes.V) * sizes.E, 64, target.maxWorkgroups),
  });
