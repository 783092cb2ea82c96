// How fast this library is to be beside the others, as the issue of the WebAssembly backend has it: how often their time is ours.

import { OURS, OURS_ON_TWO } from "./contenders.mjs";

const native1 = "ONNX Runtime native, 1 thread";

/** Works of a kind against one other, of `ours` (default one thread); `mean`, the geometric mean, and `each` are what is to be reached. */
const targets = [
  { kinds: ["forward"], against: "ONNX Runtime wasm, 1 thread", mean: 1, each: 0.9 },
  { kinds: ["forward"], ours: OURS_ON_TWO, against: "ONNX Runtime wasm, 2 threads", mean: 1.2 },
  { kinds: ["training", "character training"], against: "PyTorch, 1 thread", mean: 0.5 },
  { kinds: ["training", "character training"], ours: OURS_ON_TWO, against: "PyTorch, 1 thread", mean: 0.5 },
  { kinds: ["training", "character training"], ours: OURS_ON_TWO, against: OURS, mean: 1.5 },
  { kinds: ["training", "character training"], against: "webgpu-rnn gpu", mean: 3 },
  { kinds: ["session"], against: native1, mean: 1 },
  { kinds: ["generation"], against: "PyTorch, 1 thread", mean: 1 },
];
/** Of a product, GFLOP/s of a thread. */
const PRODUCT = 25;

const geometricMean = (numbers) => Math.exp(numbers.reduce((sum, x) => sum + Math.log(x), 0) / numbers.length);

/** Prints what was reached, as far as it was measured. */
export function showTargets(results) {
  const reached = targets.flatMap(({ kinds, ours = OURS, against, mean, each }) => {
    const all = results.filter(({ kind, contender }) => kinds.includes(kind) && contender === against);
    const own = (work) => results.find((result) => result.work === work && result.contender === ours);
    const found = all.filter(({ work }) => own(work));
    if (found.length === 0) return [];
    const ratios = found.map(({ work, ratio }) => ratio / own(work).ratio);
    const [got, least] = [geometricMean(ratios), Math.min(...ratios)];
    const cpuRatios = found.map(({ work, cpuRatio }) => cpuRatio / own(work).cpuRatio);
    const [gotCpu, leastCpu] = [geometricMean(cpuRatios), Math.min(...cpuRatios)];
    const ok = got >= mean && (each === undefined || least >= each);
    return [
      {
        what: ours === OURS ? kinds[0] : `${kinds[0]}, 2 threads,`,
        against,
        wanted: mean,
        got,
        least,
        gotCpu,
        leastCpu,
        ...(each !== undefined && { each }),
        ok,
      },
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
