import type { TwinOf } from "./kernel.ts";
import type { matmul } from "./matmul.ts";

const productTwin: TwinOf<typeof matmul> = ({ a, b, bias, c }, p) => {
  const row = new Float64Array(p.N);
  for (let i = 0; i < p.Z * Math.ceil(p.K / p.kPart); i++) {
    const [z, part] = [i % p.Z, Math.floor(i / p.Z)];
    const end = Math.min((part + 1) * p.kPart, p.K);
    for (let m = 0; m < p.M; m++) {
      const aBase = z * p.aBatch + m * p.aRow + (m >= p.mSplit ? p.mShift : 0);
      const cBase = part * p.cPart + z * p.cBatch + m * p.cRow;
      let total = 0;
      row.fill(0);
      for (let k = part * p.kPart; k < end; k++) {
        const left = a[aBase + k * p.aColumn + (k >= p.kSplit ? p.kShift : 0)]!;
        const bBase = z * p.bBatch + k * p.bRow;
        total += left;
        for (let n = 0; n < p.N; n++) row[n]! += left * b[bBase + n * p.bColumn]!;
      }
      for (let n = 0; n < p.N; n++) {
        c[cBase + n] = row[n]! + (p.hasBias ? bias[z * p.biasBatch + n]! : 0) + (p.accumulate ? c[cBase + n]! : 0);
      }
      if (p.hasSum) {
        const at = part * p.cPart + p.sumAt + z * p.sumBatch + m;
        c[at] = total + (p.accumulate ? c[at]! : 0);
      }
    }
  }
};

/** The twins of the kernels in matmul.ts, by their names. */
export const matmulTwins = {
  matmul: productTwin,
  "matmul-tiled": productTwin,
};
