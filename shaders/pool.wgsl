// y[b,c] = mean, largest or last of x[t,b,c] over the real steps t; 0 where there is none. `note` keeps what the gradient
// needs: how many steps were real (MEAN), or which one was taken, -1 for none. Of equal largest ones the first is taken,
// and NaN before all others.

// #include "lib/finite.wgsl"

struct Params {
  T: u32, // steps
  B: u32, // sequences
  C: u32, // columns
  hasMask: u32,
  xOffset: u32,
  maskOffset: u32,
  yOffset: u32,
  noteOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [T,B,C]
@group(0) @binding(2) var<storage, read> mask: array<i32>; // [T,B]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [B,C]
@group(0) @binding(4) var<storage, read_write> note: array<i32>; // [B,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.B * params.C; i += groups.x * 64u) {
    let b = i / params.C;
    var value = 0.0;
    var noted = select(-1, 0, MEAN);
    for (var t = 0u; t < params.T; t++) {
      var real = true;
      if (params.hasMask != 0u) {
        real = mask[params.maskOffset + t * params.B + b] != 0;
      }
      if (real) {
        let now = x[params.xOffset + t * params.B * params.C + i];
        if (MEAN) {
          value += now;
          noted++;
        } else if (!MAX || noted < 0 || now > value || (isNaN(now) && !isNaN(value))) {
          value = now;
          noted = i32(t);
        }
      }
    }
    y[params.yOffset + i] = select(value, value / f32(max(noted, 1)), MEAN);
    note[params.noteOffset + i] = noted;
  }
}
