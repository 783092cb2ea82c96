import type { Dispatch, View } from "../plan/plan.ts";
import {
  type Arrays,
  defineKernel,
  dispatch,
  type Numbers,
  read,
  readWrite,
  type Scheduler,
  spreadGrid,
  u32,
} from "./kernel.ts";

const bindings = [
  read("a", "f32", "[Z,M,K] by strides"),
  read("b", "f32", "[Z,K,N] by strides"),
  read("bias", "f32", "[Z,N]"),
  readWrite("c", "f32", "[Z,M,N] by strides"),
] as const;

const params = u32(
  ...(["Z", "M", "N", "K"] as const),
  ...(["aRow", "aColumn", "mSplit", "mShift", "kSplit", "kShift", "bRow", "bColumn", "cRow"] as const),
  ...(["aBatch", "bBatch", "biasBatch", "cBatch", "sumBatch"] as const),
  ...(["hasBias", "accumulate", "hasSum", "sumAt"] as const),
);

function twin({ a, b, bias, c }: Arrays<typeof bindings>, p: Numbers<typeof params>): void {
  const row = new Float64Array(p.N);
  for (let z = 0; z < p.Z; z++) {
    for (let m = 0; m < p.M; m++) {
      const aBase = z * p.aBatch + m * p.aRow + (m >= p.mSplit ? p.mShift : 0);
      const cBase = z * p.cBatch + m * p.cRow;
      let total = 0;
      row.fill(0);
      for (let k = 0; k < p.K; k++) {
        const left = a[aBase + k * p.aColumn + (k >= p.kSplit ? p.kShift : 0)]!;
        const bBase = z * p.bBatch + k * p.bRow;
        total += left;
        for (let n = 0; n < p.N; n++) row[n]! += left * b[bBase + n * p.bColumn]!;
      }
      for (let n = 0; n < p.N; n++) {
        c[cBase + n] = row[n]! + (p.hasBias ? bias[z * p.biasBatch + n]! : 0) + (p.accumulate ? c[cBase + n]! : 0);
      }
      if (p.hasSum) {
        const at = p.sumAt + z * p.sumBatch + m;
        c[at] = total + (p.accumulate ? c[at]! : 0);
      }
    }
  }
}

/** `ROWS x COLUMNS` results an invocation, `LANES` invocations a workgroup. */
const tile = (ROWS: number, COLUMNS: number, LANES: number) => ({ ROWS, COLUMNS, LANES });
const LARGE = tile(8, 8, 16);
const MEDIUM = tile(4, 4, 64);
const THIN = tile(1, 4, 16);
const SINGLE = tile(1, 1, 64);

/** The matrix product straight from storage, with a register tile and no workgroup memory. */
export const matmul = defineKernel({ name: "matmul", bindings, params, variants: [LARGE, MEDIUM, THIN, SINGLE], twin });

/** The matrix product through workgroup memory, for real GPUs. */
export const matmulTiled = defineKernel({ name: "matmul-tiled", bindings, params, variants: [{}], twin });

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
}

const never = { from: 0xffffffff, shift: 0 };

/** The commands of a product, by the variant that suits the sizes and the machine. */
export function product({ target }: Scheduler, { label, size, a, b, c, bias, sum, accumulate }: Product): Dispatch[] {
  const { M, N, K, batches = 1 } = size;
  const { rowGap = never, columnGap = never } = a;
  const call = {
    label,
    views: { a: a.view, b: b.view, bias: bias?.view ?? b.view, c: c.view },
    params: {
      Z: batches,
      M,
      N,
      K,
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
  if (!target.software && M >= 32 && N >= 16) {
    const tiles = Math.ceil(N / 64) * Math.ceil(M / 64) * batches;
    return [dispatch(matmulTiled, { ...call, grid: spreadGrid(tiles, target.maxWorkgroups) })];
  }
  const constants = M < 4 ? (target.software ? THIN : SINGLE) : target.software && M * N >= 4096 ? LARGE : MEDIUM;
  const tiles = Math.ceil(M / constants.ROWS) * Math.ceil(N / constants.COLUMNS) * batches;
  const grid = spreadGrid(Math.ceil(tiles / constants.LANES), target.maxWorkgroups);
  return [dispatch(matmul, { ...call, constants, grid })];
}
