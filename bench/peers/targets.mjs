// How fast this library is to be beside the others, as the issue of the WebAssembly backend has it: how often their time is ours.

import { OURS } from "./contenders.mjs";

const native1 = "ONNX Runtime native, 1 thread";

/** Works of a kind against one other; `mean`, the geometric mean, and `each` are what is to be reached. */
const targets = [
  { kinds: ["forward"], against: "ONNX Runtime wasm, 1 thread", mean: 1, each: 0.9 },
  { kinds: ["training", "character training"], against: "PyTorch, 1 thread", mean: 0.5 },
  { kinds: ["training", "character training"], against: "webgpu-rnn gpu", mean: 3 },
  { kinds: ["session"], against: native1, mean: 1 },
  { kinds: ["generation"], against: "PyTorch, 1 thread", mean: 1 },
];
/** Of a product, GFLOP/s of a thread. */
const PRODUCT = 25;

const geometricMean = (numbers) => Math.exp(numbers.reduce((sum, x) => sum + Math.log(x), 0) / numbers.length);

/** Prints what was reached, as far as it was measured. */
export function showTargets(results) {
  const reached = targets.flatMap(({ kinds, against, mean, each }) => {
    const found = results.filter(({ kind, contender }) => kinds.includes(kind) && contender === against);
    if (found.length === 0) return [];
    const ratios = found.map(({ ratio }) => ratio);
    const [got, least] = [geometricMean(ratios), Math.min(...ratios)];
    const cpuRatios = found.map(({ cpuRatio }) => cpuRatio);
    const [gotCpu, leastCpu] = [geometricMean(cpuRatios), Math.min(...cpuRatios)];
    const ok = got >= mean && (each === undefined || least >= each);
    return [
      { what: kinds[0], against, wanted: mean, got, least, gotCpu, leastCpu, ...(each !== undefined && { each }), ok },
    ];
  });
  for (const { gflops, work, contender } of results)
    if (work.startsWith("product") && contender === OURS)
      reached.push({
        what: work,
        against: "GFLOP/s",
        wanted: PRODUCT,
        got: gflops,
        least: gflops,
        ok: gflops >= PRODUCT,
      });
  if (reached.length > 0) console.log("\nto reach");
  for (const { what, against, wanted, got, each, least, gotCpu, leastCpu, ok } of reached) {
    const cpu = gotCpu === undefined ? "" : `; by CPU time ${gotCpu.toFixed(2)}, least ${leastCpu.toFixed(2)}`;
    const aim = each === undefined ? "" : `, none below ${each}`;
    console.log(
      `  ${ok ? "reached" : "not yet"}  ${`${what} against ${against}`.padEnd(50)} ${got.toFixed(2)} (least ${least.toFixed(2)}${cpu}) of ${wanted}${aim}`,
    );
  }
  return reached;
}
