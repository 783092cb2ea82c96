import type { columnGather } from "../kernels/column-gather.ts";
import type { columnScatter } from "../kernels/column-scatter.ts";
import type { groupTokens } from "../kernels/group-tokens.ts";
import { direct } from "./direct.ts";
import type { NativeContext, NativeOf } from "./native.ts";

/** Columns are far apart: where there are as many tokens as columns, the whole weight is turned into rows, and no column is read twice. */
const turned = ({ N, M, V }: { readonly N: number; readonly M: number; readonly V: number }, context: NativeContext) =>
  N >= V ? context.workspace(4 * V * M) : 0;

const gatherColumns: NativeOf<typeof columnGather> = (at, p, context) => {
  const { wasm } = context;
  const { N, D, M, V, row, batch } = p;
  const { tokens, weight, y } = at;
  const bias = p.hasBias ? at.bias : 0;
  const workspace = turned(p, context);
  return () => wasm.columnGather(N, D, M, V, 4 * row, 4 * batch, tokens, weight, bias, y, workspace);
};

const scatterColumns: NativeOf<typeof columnScatter> = (at, p, context) => {
  const { wasm } = context;
  const { N, D, M, V, row, batch } = p;
  const { tokens, outputGradient, gradient } = at;
  const workspace = turned(p, context);
  return () => wasm.columnScatter(N, D, M, V, 4 * row, 4 * batch, tokens, outputGradient, gradient, workspace);
};

const group: NativeOf<typeof groupTokens> = ({ tokens, grouped }, { N, V }, { wasm, workspace }) => {
  const sorted = workspace(4 * (N + 256));
  return () => wasm.groupTokens(N, V, tokens, grouped, sorted);
};

export const tokenNatives = {
  "embedding-gather": direct("embeddingGather"),
  "embedding-scatter": direct("embeddingScatter"),
  "column-gather": gatherColumns,
  "column-scatter": scatterColumns,
  "group-tokens": group,
};
