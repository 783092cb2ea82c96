// gradient[t,b,c] (+)= outputGradient[b,c] / count for a mean's real steps, or all of it for the step that was taken.

struct Params {
  T: u32, // steps
  B: u32, // sequences
  C: u32, // columns
  hasMask: u32,
  accumulate: u32, // 1: add to what gradient holds
  maskOffset: u32,
  noteOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<i32>; // [T,B]
@group(0) @binding(2) var<storage, read> note: array<i32>; // [B,C]
@group(0) @binding(3) var<storage, read> outputGradient: array<f32>; // [B,C]
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>; // [T,B,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rows = params.B * params.C;
  for (var i = id.x; i < params.T * rows; i += groups.x * 64u) {
    let noted = note[params.noteOffset + i % rows];
    let given = outputGradient[params.outputGradientOffset + i % rows];
    var value = 0.0;
    if (MEAN) {
      var real = true;
      if (params.hasMask != 0u) {
        real = mask[params.maskOffset + i / params.C] != 0;
      }
      value = select(0.0, given / f32(max(noted, 1)), real);
    } else {
      value = select(0.0, given, noted == i32(i / rows));
    }
    let at = params.gradientOffset + i;
    if (params.accumulate != 0u) {
      value += gradient[at];
    }
    gradient[at] = value;
  }
}
