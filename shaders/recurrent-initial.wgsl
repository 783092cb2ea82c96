// Puts the states before a layer's first step into the slots that the step reads. An invocation owns a unit of a row.

// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-noise.wgsl"

struct Params {
  layer: Recurrence,
  h0Offset: u32,
  cellStates0Offset: u32,
  controlOffset: u32,
  hOffset: u32,
  statesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h0: array<f32>; // [D,B,P]
@group(0) @binding(2) var<storage, read> cellStates0: array<f32>; // [S-1,D,B,H]
@group(0) @binding(3) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(4) var<storage, read_write> h: array<f32>; // [slots,B,D,P], twice with recurrent dropout
@group(0) @binding(5) var<storage, read_write> states: array<f32>; // as in recurrent-forward

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let z = id.z;
  let d = params.layer.direction + z;
  let slot = params.layer.steps[d].before;
  for (var i = id.x; i < params.layer.B * params.layer.H; i += groups.x * 64u) {
    let u = i % params.layer.H;
    let row = i / params.layer.H;
    if (u < params.layer.P) {
      let value = h0[params.h0Offset + (d * params.layer.B + row) * params.layer.P + u];
      let to = params.hOffset + hIndex(slot, row, d) + u;
      h[to] = value;
      if (dropsH()) {
        h[params.layer.droppedAt + to] = value * dropFactor(row, d, vec4u(u)).x;
      }
    }
    for (var s = 1u; s <= params.layer.cellStates; s++) {
      let given = params.cellStates0Offset + (((s - 1u) * params.layer.D + d) * params.layer.B + row) * params.layer.H + u;
      states[params.statesOffset + cellStateIndex(s, slot, row, z) + u] = cellStates0[given];
    }
  }
}
