// Which units and rows an invocation owns: a workgroup has LANES / SLICES words of four units of ROWS rows. SLICES invocations
// share each word: every one of them adds up its part of a product, and the first one goes on with the sum. Where the workgroup
// has all words of its rows it can go from step to step.
var<workgroup> handed: array<vec4f, 4u * (LANES - WORDS)>; // [SLICES-1,4,WORDS], four sums at a time

fn wordOf(id: u32, group: u32, lane: u32, words: u32) -> u32 {
  return group % ((words + WORDS - 1u) / WORDS) * WORDS + lane % WORDS;
}
fn firstRowOf(id: u32, group: u32, words: u32) -> u32 {
  return group / ((words + WORDS - 1u) / WORDS) * ROWS;
}

fn unitsOfWord() -> u32 {
  return 4u;
}
fn ownsResults(lane: u32) -> bool {
  return lane < WORDS;
}

// The sums over all slices, in their order, for the invocations that own results. The loop's end is one that compilers do not
// know: software adapters take many seconds for one that they unroll.
fn sumOfSlices(own: array<vec4f, PARTS>, lane: u32) -> array<vec4f, PARTS> {
  var sums = own;
  let word = lane % WORDS;
  let slice = lane / WORDS;
  for (var start = 0u; start < PARTS; start += 4u) {
    let end = min(start + 4u, PARTS);
    if (slice > 0u) {
      for (var i = start; i < end; i++) {
        handed[((slice - 1u) * 4u + i - start) * WORDS + word] = sums[i];
      }
    }
    workgroupBarrier();
    if (ownsResults(lane)) {
      let others = select(0u, SLICES - 1u, params.layer.B > 0u);
      for (var s = 0u; s < others; s++) {
        for (var i = start; i < end; i++) {
          sums[i] += handed[(s * 4u + i - start) * WORDS + word];
        }
      }
    }
    workgroupBarrier();
  }
  return sums;
}

fn endStep() {
  storageBarrier();
}
