// Connectionist temporal classification: Graves et al. 2006, "Connectionist Temporal Classification: Labelling Unsegmented
// Sequence Data with Recurrent Neural Networks", section 4. A sequence's positions are its labels with blanks between and
// around them, L = 2S + 1. alpha[t,s]: log of all that leads to position s at step t; beta[t,s]: of all that goes on from it.
// Both without the largest of their step, so that digits do not go to what all positions have in common.
// rowLoss[b] = -log p(labels) * scale; paths[t,b,s] in [0,1]: how much of it goes through position s at t, up to a factor of the
// step's own (ctc-gradient divides by the sum). One workgroup a sequence. NEVER stands for log 0.

// #include "lib/finite.wgsl"

struct Params {
  T: u32,
  B: u32,
  C: u32, // classes
  S: u32, // labels, with padding
  blank: u32,
  byLength: u32, // 1: rowLoss is divided by the number of labels
  zeroInfinity: u32, // 1: a sequence whose labels do not fit its steps has loss 0, else infinity
  nan: u32, // bits of NaN and of infinity, given at run time because constant ones do not compile
  infinity: u32,
  logitsOffset: u32,
  logSumOffset: u32,
  labelsOffset: u32,
  stepCountsOffset: u32,
  labelCountsOffset: u32,
  pathsOffset: u32,
  betaOffset: u32,
  rowLossOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [T,B,C]
@group(0) @binding(2) var<storage, read> logSum: array<f32>; // [T,B]
@group(0) @binding(3) var<storage, read> labels: array<i32>; // [B,S]
@group(0) @binding(4) var<storage, read> stepCounts: array<i32>; // [B] steps of each sequence, at most T
@group(0) @binding(5) var<storage, read> labelCounts: array<i32>; // [B] labels of each sequence, at most S
@group(0) @binding(6) var<storage, read_write> paths: array<f32>; // [T,B,L] alpha until the way back
@group(0) @binding(7) var<storage, read_write> beta: array<f32>; // [2,B,L] of this step and the one after it
@group(0) @binding(8) var<storage, read_write> rowLoss: array<f32>; // [B]

const LANES = 64u;
const NEVER = -1.0e30;
const ALMOST_NEVER = -1.0e29;
var<workgroup> partial: array<vec2f, LANES>;

fn classOf(b: u32, s: u32) -> u32 {
  if (s % 2u == 0u) {
    return params.blank;
  }
  return u32(max(labels[params.labelsOffset + b * params.S + s / 2u], 0));
}

// Whether a path may go from position s - 2 to position s: only over a blank between two labels that differ.
fn skips(b: u32, s: u32) -> bool {
  return s >= 2u && s % 2u == 1u && classOf(b, s) != classOf(b, s - 2u);
}

fn logProbability(t: u32, b: u32, s: u32) -> f32 {
  let row = t * params.B + b;
  return logits[params.logitsOffset + row * params.C + classOf(b, s)] - logSum[params.logSumOffset + row];
}

fn logAdd(x: f32, y: f32, z: f32) -> f32 {
  let most = max(x, max(y, z));
  let sum = exp(max(x - most, -80.0)) + exp(max(y - most, -80.0)) + exp(max(z - most, -80.0));
  return select(most + log(sum), NEVER, most < ALMOST_NEVER);
}

// The largest of all lanes' pairs; 0 for a step that no path gets to.
fn largest(lane: u32, own: vec2f) -> vec2f {
  partial[lane] = own;
  workgroupBarrier();
  var most = vec2f(NEVER);
  for (var i = 0u; i < LANES; i++) {
    most = max(most, partial[i]);
  }
  workgroupBarrier();
  return select(most, vec2f(0.0), most < vec2f(ALMOST_NEVER));
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let L = 2u * params.S + 1u;
  for (var b = group.x; b < params.B; b += groups.x) {
    let steps = u32(stepCounts[params.stepCountsOffset + b]);
    let count = u32(labelCounts[params.labelCountsOffset + b]);
    let positions = 2u * count + 1u;

    // Forward: paths holds alpha.
    var bad = false;
    var leftOut = 0.0; // what was left out of alpha up to the step before
    var before = 0.0; // the largest alpha of the step before
    for (var t = 0u; t < params.T; t++) {
      var own = NEVER;
      let at = params.pathsOffset + (t * params.B + b) * L;
      let last = at - params.B * L;
      if (t < steps) {
        bad = bad || isBad(logSum[params.logSumOffset + t * params.B + b]);
        for (var s = lane; s < positions; s += LANES) {
          var value = select(NEVER, 0.0, s < 2u);
          if (t > 0u) {
            let stay = paths[last + s] - before;
            var next = NEVER;
            var skip = NEVER;
            if (s >= 1u) {
              next = paths[last + s - 1u] - before;
            }
            if (skips(b, s)) {
              skip = paths[last + s - 2u] - before;
            }
            value = logAdd(stay, next, skip);
          }
          if (value > ALMOST_NEVER) {
            value += logProbability(t, b, s);
          }
          paths[at + s] = value;
          own = max(own, value);
        }
      }
      storageBarrier();
      let most = largest(lane, vec2f(own)).x;
      if (t < steps) {
        leftOut += select(0.0, before, t > 0u);
        before = most;
      }
    }

    // What leads to the last label or the blank behind it.
    var total = select(NEVER, 0.0, count == 0u);
    if (steps > 0u) {
      let at = params.pathsOffset + ((steps - 1u) * params.B + b) * L + positions - 1u;
      var label = NEVER;
      if (count > 0u) {
        label = paths[at - 1u];
      }
      total = logAdd(paths[at], label, NEVER);
    }
    let fits = total > ALMOST_NEVER;
    if (lane == 0u) {
      var loss = -(total + leftOut);
      if (params.byLength != 0u) {
        loss /= f32(max(count, 1u));
      }
      let misfit = select(bitcast<f32>(params.infinity), 0.0, params.zeroInfinity != 0u);
      loss = select(misfit, loss, fits);
      rowLoss[params.rowLossOffset + b] = select(loss, bitcast<f32>(params.nan), bad);
    }
    storageBarrier();
    workgroupBarrier();

    // Backward: from the last step on, paths becomes exp(alpha + beta).
    var after = 0.0; // the largest beta of the step after
    for (var back = 0u; back < params.T; back++) {
      let t = params.T - 1u - back;
      let at = params.pathsOffset + (t * params.B + b) * L;
      let here = params.betaOffset + ((t % 2u) * params.B + b) * L;
      let there = params.betaOffset + ((1u - t % 2u) * params.B + b) * L;
      var own = vec2f(NEVER);
      if (t < steps) {
        for (var s = lane; s < positions; s += LANES) {
          var value = select(NEVER, 0.0, s + 2u >= positions);
          if (t + 1u < steps) {
            let stay = beta[there + s] - after + logProbability(t + 1u, b, s);
            var next = NEVER;
            var skip = NEVER;
            if (s + 1u < positions) {
              next = beta[there + s + 1u] - after + logProbability(t + 1u, b, s + 1u);
            }
            if (s + 2u < positions && skips(b, s + 2u)) {
              skip = beta[there + s + 2u] - after + logProbability(t + 1u, b, s + 2u);
            }
            value = logAdd(stay, next, skip);
          }
          beta[here + s] = value;
          own = max(own, vec2f(value, paths[at + s] + value));
        }
      }
      storageBarrier();
      let most = largest(lane, own);
      if (t < steps) {
        after = most.x;
      }
      for (var s = lane; s < L; s += LANES) {
        var share = 0.0;
        if (t < steps && s < positions && fits) {
          share = exp(max(paths[at + s] + beta[here + s] - most.y, -80.0));
        }
        paths[at + s] = select(0.0, share, share > 1.0e-30);
      }
    }
    storageBarrier();
    workgroupBarrier();
  }
}
