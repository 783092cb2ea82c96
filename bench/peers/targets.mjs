// How fast this library is to be beside the others, as the issue of the WebAssembly backend has it: how often their time is ours.

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

/** Prints what was reached, as far as it was measured. */
export function showTargets(results) {
  const reached = targets.flatMap(({ kinds, against, mean, each }) => {
    const found = results.filter(
      ({ kind, contender, ratio }) => kinds.includes(kind) && contender === against && ratio,
    );
    if (found.length === 0) return [];
    const ratios = found.map(({ ratio }) => ratio);
    const got = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    const least = Math.min(...ratios);
    const ok = got >= mean && (each === undefined || least >= each);
    return [{ what: kinds[0], against, wanted: mean, got, ...(each !== undefined && { wantedEach: each }), least, ok }];
  });
  for (const { gflops, work } of results.filter(
    ({ kind, contender }) => kind === "product" && contender.startsWith("webgpu"),
  ))
    reached.push({
      what: work,
      against: "GFLOP/s",
      wanted: PRODUCT,
      got: gflops,
      least: gflops,
      ok: gflops >= PRODUCT,
    });
  console.log("\nto reach");
  for (const { what, against, wanted, got, wantedEach, least, ok } of reached) {
    const each = wantedEach === undefined ? "" : `, none below ${wantedEach}`;
    console.log(
      `  ${ok ? "reached" : "not yet"}  ${`${what} against ${against}`.padEnd(52)} ${got.toFixed(2)} (least ${least.toFixed(2)}) of ${wanted}${each}`,
    );
  }
  return reached;
}
