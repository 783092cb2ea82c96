// The best W of the candidates of all hypotheses become the hypotheses: by score, of equal ones the lower hypothesis first, then
// the earlier candidate. Every candidate counts those before it, and that is its place; those of one hypothesis are in order.

struct Params {
  W: u32, // hypotheses
  K: u32, // candidates of each
  tokensOffset: u32,
  sumsOffset: u32,
  scoresOffset: u32,
  settingsOffset: u32,
  hypothesesOffset: u32,
  chosenOffset: u32,
  nextTotalsOffset: u32,
  nextHypothesesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [W,K]
@group(0) @binding(2) var<storage, read> sums: array<f32>; // [W,K]
@group(0) @binding(3) var<storage, read> scores: array<f32>; // [W,K]
@group(0) @binding(4) var<storage, read> settings: array<i32>; // [3] bits of lengthPenalty, endToken (-1: none), most tokens
@group(0) @binding(5) var<storage, read> hypotheses: array<i32>; // [2,W] lengths, then 1 where finished
@group(0) @binding(6) var<storage, read_write> chosen: array<i32>; // [2,W] tokens, then the hypotheses that they follow
@group(0) @binding(7) var<storage, read_write> nextTotals: array<f32>; // [W]
@group(0) @binding(8) var<storage, read_write> nextHypotheses: array<i32>; // [2,W] as hypotheses

// How many candidates come before the k-th of hypothesis w; W where there are at least as many.
fn placeOf(w: u32, k: u32) -> u32 {
  let score = scores[params.scoresOffset + w * params.K + k];
  var place = k;
  for (var other = 0u; other < params.W; other++) {
    if (other == w) {
      continue;
    }
    for (var j = 0u; j < params.K && place < params.W; j++) {
      let theirs = scores[params.scoresOffset + other * params.K + j];
      if (theirs < score || (theirs == score && other > w)) {
        break;
      }
      place++;
    }
  }
  return place;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.W * params.K; i += groups.x * 64u) {
    let w = i / params.K;
    let place = placeOf(w, i % params.K);
    if (place < params.W) {
      let token = tokens[params.tokensOffset + i];
      let wasFinished = hypotheses[params.hypothesesOffset + params.W + w] != 0;
      let length = hypotheses[params.hypothesesOffset + w] + select(1, 0, wasFinished);
      let isEnd = token == settings[params.settingsOffset + 1u] || length >= settings[params.settingsOffset + 2u];
      chosen[params.chosenOffset + place] = token;
      chosen[params.chosenOffset + params.W + place] = i32(w);
      nextTotals[params.nextTotalsOffset + place] = sums[params.sumsOffset + i];
      nextHypotheses[params.nextHypothesesOffset + place] = length;
      nextHypotheses[params.nextHypothesesOffset + params.W + place] = select(0, 1, wasFinished || isEnd);
    }
  }
}
