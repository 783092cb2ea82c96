// How fast this library is to be beside the others, as the issues of its backends have it: how often their time is ours.

import { OURS, OURS_ON_GPU, OURS_ON_TWO } from "./contenders.mjs";

const native1 = "ONNX Runtime native, 1 thread";
const tensorflow = "TensorFlow.js webgpu";
const ortNode = "ONNX Runtime node webgpu";
const ortWeb = "ONNX Runtime web webgpu";
const cudnn = "PyTorch CUDA f32";

/**
 * Works of a kind, or those of it whose name has `of`, against one other, of `ours`; `mean`, the geometric mean, and `each` are what
 * is to be reached.
 */
const targets = [
  { kinds: ["forward"], ours: OURS, against: "ONNX Runtime wasm, 1 thread", mean: 1, each: 0.9 },
  { kinds: ["forward"], ours: OURS_ON_TWO, against: "ONNX Runtime wasm, 2 threads", mean: 1.2 },
  { kinds: ["training", "character training"], ours: OURS, against: "PyTorch, 1 thread", mean: 0.5 },
  { kinds: ["training", "character training"], ours: OURS_ON_TWO, against: "PyTorch, 1 thread", mean: 0.5 },
  { kinds: ["training", "character training"], ours: OURS_ON_TWO, against: OURS, mean: 1.5 },
  { kinds: ["training", "character training"], ours: OURS, against: OURS_ON_GPU, mean: 3 },
  { kinds: ["session"], ours: OURS, against: native1, mean: 1 },
  { kinds: ["generation"], ours: OURS, against: "PyTorch, 1 thread", mean: 1 },

  { kinds: ["training"], of: "B 16", ours: OURS_ON_GPU, against: tensorflow, mean: 12 },
  { kinds: ["training"], of: "B 64", ours: OURS_ON_GPU, against: tensorflow, mean: 8 },
  { kinds: ["forward"], ours: OURS_ON_GPU, against: ortNode, mean: 5, each: 3 },
  { kinds: ["forward"], ours: OURS_ON_GPU, against: ortWeb, mean: 5, each: 3 },
  { kinds: ["stream"], ours: OURS_ON_GPU, against: ortNode, mean: 3 },
  { kinds: ["stream"], ours: OURS_ON_GPU, against: ortWeb, mean: 3 },
  { kinds: ["session"], ours: OURS_ON_GPU, against: ortNode, mean: 1.5 },
  { kinds: ["session"], ours: OURS_ON_GPU, against: ortWeb, mean: 1.5 },
  { kinds: ["generation"], ours: OURS_ON_GPU, against: tensorflow, mean: 20 },
  { kinds: ["first step"], of: "warm", ours: OURS_ON_GPU, against: tensorflow, mean: 3 },
  { kinds: ["first step"], of: "empty", ours: OURS_ON_GPU, against: tensorflow, mean: 2 },

  { kinds: ["layer forward"], ours: OURS_ON_GPU, against: cudnn, mean: 1, each: 0.5 },
  { kinds: ["layer training"], ours: OURS_ON_GPU, against: cudnn, mean: 1, each: 0.5 },
];
/** Of a product, GFLOP/s of a thread. */
const PRODUCT = 25;

const geometricMean = (numbers) => Math.exp(numbers.reduce((sum, x) => sum + Math.log(x), 0) / numbers.length);

const ofOthers = {
  [OURS]: "",
  [OURS_ON_TWO]: ", 2 threads,",
  [OURS_ON_GPU]: "",
};

/** A target's results, as far as it was measured. */
function reachedBy({ kinds, of = "", ours, against, mean, each }, results) {
  const resultOf = (work, contender) =>
    results.find((result) => result.work === work && result.contender === contender);
  const works = new Set(
    results.filter(({ kind, work }) => kinds.includes(kind) && work.includes(of)).map(({ work }) => work),
  );
  const found = [...works]
    .map((work) => [resultOf(work, ours), resultOf(work, against)])
    .filter(([own, other]) => own && other);
  if (found.length === 0) return [];
  const ratios = found.map(([own, other]) => other.ratio / own.ratio);
  const cpuRatios = found.map(([own, other]) => other.cpuRatio / own.cpuRatio);
  const [got, least] = [geometricMean(ratios), Math.min(...ratios)];
  const reached = {
    what: `${kinds[0]}${of && ` (${of})`}${ofOthers[ours]}`,
    against,
    wanted: mean,
    got,
    least,
    gotCpu: geometricMean(cpuRatios),
    leastCpu: Math.min(...cpuRatios),
    ...(each !== undefined && { each }),
    ok: got >= mean && (each === undefined || least >= each),
  };
  return [reached];
}

/**
 * Prints what was reached, as far as it was measured.
 * @param ours who was compared with the others
 */
export function showTargets(results, ours) {
  const compared = ours === OURS ? [OURS, OURS_ON_TWO] : [ours];
  const reached = targets.filter(({ ours }) => compared.includes(ours)).flatMap((target) => reachedBy(target, results));
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
