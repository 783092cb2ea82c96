import type { Dispatch, View } from "../plan/plan.ts";
import { matmulWgsl } from "../shaders/matmul.generated.ts";
import { matmulTiledWgsl } from "../shaders/matmul-tiled.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, read, readWrite, type Scheduler, spreadGrid, u32 } from "./kernel.ts";

const bindings = [
  read("a", "f32", "[Z,M,K] by strides"),
  read("b", "f32", "[Z,K,N] by strides"),
  read("bias", "f32", "[Z,N]"),
  readWrite("c", "f32", "[Z,M,N] by strides"),
] as const;

const params = u32(
  "Z",
  "M",
  "N",
  "K",
  "kPart",
  "cPart",
  "aRow",
  "aColumn",
  "mSplit",
  "mShift",
  "kSplit",
  "kShift",
  "bRow",
  "bColumn",
  "cRow",
  "aBatch",
  "bBatch",
  "biasBatch",
  "cBatch",
  "sumBatch",
  "hasBias",
  "accumulate",
  "hasSum",
  "sumAt",
);

/** The matrix product straight from storage, with a register tile and no workgroup memory. */
export const matmul = defineKernel({
  shader: matmulWgsl,
  bindings,
  params,
  variants: variantsOf("matmul").filter((variant) => variant !== "tiled"),
});

/** The matrix product through workgroup memory, for real GPUs. */
export const matmulTiled = defineKernel({
  shader: matmulTiledWgsl,
  bindings,
  params,
  variants: [{}],
});

/** A matrix in memory: where it begins, and the strides of its axes in elements. */
export interface Matrix {
  readonly view: View;
  readonly row: number;
  readonly column: number;
  /** Stride between batches; 0 (the default) uses the same matrix for all. */
  readonly batch?: number;
}

export interface Product {
  readonly label: string;
  readonly size: { readonly M: number; readonly N: number; readonly K: number; readonly batches?: number };
  readonly a: Matrix & {
    /** From row (or column) `from` on, memory lies `shift` further. */
    readonly rowGap?: { readonly from: number; readonly shift: number };
    readonly columnGap?: { readonly from: number; readonly shift: number };
  };
  readonly b: Matrix;
  /** Columns of the result are contiguous. */
  readonly c: { readonly view: View; readonly row: number; readonly batch?: number };
  readonly bias?: { readonly view: View; readonly batch?: number };
  /** Also writes the sums of a's rows: the gradient of a bias. The view lies in c's buffer, behind c. */
  readonly sum?: { readonly view: View; readonly batch?: number };
  readonly accumulate?: boolean;
  /** K in parts of so many, each with results of its own `stride` behind the ones before; default all of K. */
  readonly parts?: { readonly of: number; readonly stride: number };
}

const never = { from: 0xffffffff, shift: 0 };

/** The commands of a product, by the variant that suits the sizes and the machine. */
export function product(
  { target }: Scheduler,
  { label, size, a, b, c, bias, sum, accumulate, parts }: Product,
): Dispatch[] {
  const { M, N, K, batches = 1 } = size;
  const { of: kPart = K, stride: cPart = 0 } = parts ?? {};
  const { rowGap = never, columnGap = never } = a;
  const call = {
    label,
    views: { a: a.view, b: b.view, bias: bias?.view ?? b.view, c: c.view },
    params: {
      Z: batches,
      M,
      N,
      K,
      kPart,
      cPart,
      aRow: a.row,
      aColumn: a.column,
      mSplit: rowGap.from,
      mShift: rowGap.shift,
      kSplit: columnGap.from,
      kShift: columnGap.shift,
      bRow: b.row,
      bColumn: b.column,
      cRow: c.row,
      aBatch: a.batch ?? 0,
      bBatch: b.batch ?? 0,
      biasBatch: bias?.batch ?? 0,
      cBatch: c.batch ?? 0,
      sumBatch: sum?.batch ?? 0,
      hasBias: bias ? 1 : 0,
      accumulate: accumulate ? 1 : 0,
      hasSum: sum ? 1 : 0,
      sumAt: sum ? sum.view.offset - c.view.offset : 0,
    },
  };
  const count = Math.ceil(K / kPart);
  const variant = chooseVariant(target, "matmul", { M, N, K: kPart, batches: batches * count, results: M * N });
  if (variant === "tiled") {
    const tiles = Math.ceil(N / 64) * Math.ceil(M / 64) * batches * count;
    return [dispatch(matmulTiled, { ...call, grid: spreadGrid(tiles, target.maxWorkgroups) })];
  }
  const { ROWS, COLUMNS, LANES, SHARED } = variant;
  const across = Math.ceil(N / COLUMNS / SHARED) * SHARED;
  const tiles = Math.ceil(M / ROWS) * across * batches;
  const grid = spreadGrid(Math.ceil(tiles / LANES) * count, target.maxWorkgroups);
  return [dispatch(matmul, { ...call, constants: variant, grid })];
}
