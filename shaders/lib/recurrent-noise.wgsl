// What a state keeps of its previous value (mask, zoneout), and dropout of what R reads. `control` holds the seed of the
// noise, the mask [T,B], or both. Every number depends on seed, stream, step, row and unit only: backward draws the same again.
// #include "lib/random.wgsl"
fn isMasked(time: u32, row: u32) -> bool {
  return params.layer.hasMask != 0u && control[params.controlOffset + params.layer.maskAt + time * params.layer.B + row] == 0;
}
// Whether the output of this step is zero whatever the state is, so that its gradient goes nowhere.
fn isOutputZero(time: u32, row: u32) -> bool {
  return params.layer.zeroOutput != 0u && isMasked(time, row);
}

// One number for each of four units, in a loop whose end compilers do not know: written out, software adapters take long for it.
fn uniformFour(stream: u32, step: u32, row: u32, d: u32, unit: vec4u) -> vec4f {
  let seed = u32(control[params.controlOffset + params.layer.seedAt]);
  let index = (row * params.layer.D + d) * params.layer.H + unit;
  let units = select(0u, 4u, params.layer.B > 0u);
  var drawn = vec4f(0.0);
  for (var l = 0u; l < units; l++) {
    drawn[l] = uniformOf(pcg4d(vec4u(seed, stream, step, index[l])).x);
  }
  return drawn;
}

// How much of its previous value state `state` of four units keeps: all of it in a masked step, else what zoneout says
// (Krueger et al. 2017): all or nothing while training, its expectation otherwise. States other than h go together.
fn keep(state: u32, time: u32, row: u32, d: u32, unit: vec4u) -> vec4f {
  if (isMasked(time, row)) {
    return vec4f(1.0);
  }
  let rate = select(params.layer.zoneoutCell, params.layer.zoneoutH, state == 0u);
  if (rate == 0.0 || params.layer.hasNoise == 0u) {
    return vec4f(rate);
  }
  let draw = uniformFour(params.layer.stream + select(2u, 1u, state == 0u), time, row, d, unit);
  return select(vec4f(0.0), vec4f(1.0), draw < vec4f(rate));
}

// Whether R reads h after recurrent dropout.
fn dropsH() -> bool {
  return params.layer.recurrentDropout > 0.0;
}

// Recurrent dropout's factor of four units, the same in every step (Gal and Ghahramani 2016).
fn dropFactor(row: u32, d: u32, unit: vec4u) -> vec4f {
  let rate = params.layer.recurrentDropout;
  if (rate == 0.0) {
    return vec4f(1.0);
  }
  let draw = uniformFour(params.layer.stream, 0u, row, d, unit);
  return select(vec4f(1.0 / (1.0 - rate)), vec4f(0.0), draw < vec4f(rate));
}
