// What a unit keeps of its previous state (mask, zoneout), and dropout of what R reads. `control` holds the seed of the
// noise and the mask [T,B]. Every number depends on seed, stream, step, row and unit only: backward draws the same again.
// #include "lib/random.wgsl"
fn isPassedOver(s: u32, row: u32) -> bool {
  return params.hasMask != 0u && control[params.controlOffset + params.maskAt + s * params.B + row] == 0;
}

fn uniformFour(stream: u32, step: u32, row: u32, d: u32, unit: vec4u) -> vec4f {
  let seed = u32(control[params.controlOffset]);
  let index = (row * params.D + d) * params.H + unit;
  return vec4f(
    uniformOf(pcg4d(vec4u(seed, stream, step, index.x)).x),
    uniformOf(pcg4d(vec4u(seed, stream, step, index.y)).x),
    uniformOf(pcg4d(vec4u(seed, stream, step, index.z)).x),
    uniformOf(pcg4d(vec4u(seed, stream, step, index.w)).x),
  );
}

// How much of its previous value state `state` of four units keeps: all of it where the mask passes over, else what zoneout
// says (Krueger et al. 2017): all or nothing while training, its expectation otherwise. States other than h go together.
fn heldBack(state: u32, s: u32, row: u32, d: u32, unit: vec4u) -> vec4f {
  if (isPassedOver(s, row)) {
    return vec4f(1.0);
  }
  let rate = select(params.zoneoutRest, params.zoneoutH, state == 0u);
  if (rate == 0.0 || params.hasNoise == 0u) {
    return vec4f(rate);
  }
  let draw = uniformFour(params.stream + select(2u, 1u, state == 0u), s, row, d, unit);
  return select(vec4f(0.0), vec4f(1.0), draw < vec4f(rate));
}

// Recurrent dropout's factor of four units, the same in every step (Gal and Ghahramani 2016).
fn heardPart(row: u32, d: u32, unit: vec4u) -> vec4f {
  if (params.recurrentDropout == 0.0) {
    return vec4f(1.0);
  }
  let draw = uniformFour(params.stream, 0u, row, d, unit);
  return select(vec4f(1.0 / (1.0 - params.recurrentDropout)), vec4f(0.0), draw < vec4f(params.recurrentDropout));
}
