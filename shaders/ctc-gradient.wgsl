// Gradient of the CTC loss by the logits: scale * (softmax - the part of all paths that goes through each class), as in
// warp-ctc and torch.nn.CTCLoss behind a log_softmax; 0 in steps beyond a sequence's length and where its labels do not fit.
// One workgroup a row.

struct Params {
  N: u32, // rows: T * B
  B: u32,
  C: u32, // classes
  S: u32, // labels, with padding
  blank: u32,
  byLength: u32, // 1: divided by the number of labels
  scale: f32,
  logitsOffset: u32,
  logSumOffset: u32,
  labelsOffset: u32,
  labelCountsOffset: u32,
  pathsOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [T,B,C]
@group(0) @binding(2) var<storage, read> logSum: array<f32>; // [T,B]
@group(0) @binding(3) var<storage, read> labels: array<i32>; // [B,S]
@group(0) @binding(4) var<storage, read> labelCounts: array<i32>; // [B] labels of each sequence, at most S
@group(0) @binding(5) var<storage, read> paths: array<f32>; // [T,B,L]
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>; // [T,B,C]

const LANES = 64u;
var<workgroup> partial: array<f32, LANES>;

fn classOf(b: u32, s: u32) -> u32 {
  if (s % 2u == 0u) {
    return params.blank;
  }
  return u32(max(labels[params.labelsOffset + b * params.S + s / 2u], 0));
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let L = 2u * params.S + 1u;
  for (var n = group.x; n < params.N; n += groups.x) {
    let b = n % params.B;
    let count = u32(labelCounts[params.labelCountsOffset + b]);
    let positions = 2u * count + 1u;
    let row = params.pathsOffset + n * L;
    var scale = params.scale;
    if (params.byLength != 0u) {
      scale /= f32(max(count, 1u));
    }

    var sum = 0.0;
    for (var s = lane; s < positions; s += LANES) {
      sum += paths[row + s];
    }
    partial[lane] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
      total += partial[i];
    }
    let counts = total > 0.0;

    let at = params.gradientOffset + n * params.C;
    for (var c = lane; c < params.C; c += LANES) {
      let p = exp(logits[params.logitsOffset + n * params.C + c] - logSum[params.logSumOffset + n]);
      gradient[at + c] = select(0.0, scale * p, counts);
    }
    storageBarrier();
    workgroupBarrier();

    // A class's first position adds up all of its positions, so that no two lanes write the same class.
    for (var s = lane; s < positions; s += LANES) {
      let class_ = classOf(b, s);
      var first = true;
      for (var i = s % 2u; i < s; i += 2u) {
        first = first && classOf(b, i) != class_;
      }
      if (first && counts && (s % 2u == 0u || class_ != params.blank)) {
        var share = 0.0;
        for (var i = s; i < positions; i += 2u) {
          share += select(0.0, paths[row + i], classOf(b, i) == class_);
        }
        gradient[at + class_] -= scale * share / total;
      }
    }
    workgroupBarrier();
  }
}
