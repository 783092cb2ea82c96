// Groups the positions of equal tokens, so that a scatter finds all that add to one row without searching for them.
// grouped[0] holds the positions sorted by token, equal tokens in the order of the text; grouped[1] says where in it each run
// of equal tokens begins, and N behind the last run. Tokens outside the vocabulary make one run, the last.
// A stable radix sort in one workgroup: every lane counts the digits of a stretch of its own, so nothing needs atomics, and
// the work is N times the digits of V, whatever the text repeats.

const LANES = 128u;
const BITS = 4u;
const DIGITS = 16u;

struct Params {
  N: u32, // tokens
  V: u32, // vocabulary
  rounds: u32, // digits of V
  tokensOffset: u32,
  groupedOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read_write> grouped: array<i32>; // [2,N]

var<workgroup> counts: array<array<u32, LANES>, DIGITS>;
var<workgroup> totals: array<u32, DIGITS>;

fn keyOf(position: u32) -> u32 {
  return min(u32(tokens[params.tokensOffset + position]), params.V);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  let stretch = (params.N + LANES - 1u) / LANES;
  let begin = min(lane * stretch, params.N);
  let end = min(begin + stretch, params.N);
  // DIGITS and LANES, as numbers that compilers do not know: software adapters take seconds to compile loops that they unroll.
  let digits = select(0u, DIGITS, params.N > 0u);
  let lanes = select(0u, LANES, params.N > 0u);

  for (var round = 0u; round < params.rounds; round++) {
    // From one row to the other and back; the last round writes row 0.
    let source = params.groupedOffset + (params.rounds - round) % 2u * params.N;
    let to = params.groupedOffset + (params.rounds - 1u - round) % 2u * params.N;
    let shift = round * BITS;
    for (var digit = 0u; digit < digits; digit++) {
      counts[digit][lane] = 0u;
    }
    for (var i = begin; i < end; i++) {
      var position = i;
      if (round > 0u) {
        position = u32(grouped[source + i]);
      }
      counts[(keyOf(position) >> shift) % DIGITS][lane]++;
    }
    workgroupBarrier();
    // Where a lane's tokens with a digit go: behind those of all lower digits and of the same digit in lanes before.
    if (lane < DIGITS) {
      var sum = 0u;
      for (var other = 0u; other < lanes; other++) {
        let count = counts[lane][other];
        counts[lane][other] = sum;
        sum += count;
      }
      totals[lane] = sum;
    }
    workgroupBarrier();
    var before = 0u;
    for (var digit = 0u; digit < digits; digit++) {
      counts[digit][lane] += before;
      before += totals[digit];
    }
    for (var i = begin; i < end; i++) {
      var position = i;
      if (round > 0u) {
        position = u32(grouped[source + i]);
      }
      let digit = (keyOf(position) >> shift) % DIGITS;
      grouped[to + counts[digit][lane]] = i32(position);
      counts[digit][lane]++;
    }
    storageBarrier();
  }

  // The runs, of which every lane knows those that begin in its stretch.
  var runs = 0u;
  for (var i = begin; i < end; i++) {
    runs += u32(beginsRun(i));
  }
  counts[0][lane] = runs;
  workgroupBarrier();
  var run = 0u;
  var all = 0u;
  for (var other = 0u; other < lanes; other++) {
    run += select(0u, counts[0][other], other < lane);
    all += counts[0][other];
  }
  let starts = params.groupedOffset + params.N;
  for (var i = begin; i < end; i++) {
    if (beginsRun(i)) {
      grouped[starts + run] = i32(i);
      run++;
    }
  }
  for (var i = all + lane; i < params.N; i += LANES) {
    grouped[starts + i] = i32(params.N);
  }
}

fn beginsRun(i: u32) -> bool {
  if (i == 0u) {
    return true;
  }
  let at = params.groupedOffset + i;
  return keyOf(u32(grouped[at])) != keyOf(u32(grouped[at - 1u]));
}
