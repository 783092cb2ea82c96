// What every kernel of a recurrent layer knows: sizes, options, and where numbers lie. Params begin with it. Its TypeScript
// is src/kernels/recurrence.ts, which computes the slots; nothing here derives one from a time.
struct Recurrence {
  B: u32,
  D: u32, // directions of the layer
  H: u32, // units
  P: u32, // size of h: H, or less with a projection
  W: u32, // slots of `gates` for each unit
  start: u32, // first time that `gates` holds
  direction: u32, // first direction that `gates` and `states` hold, that of z = 0
  directions: u32, // how many they hold
  cellStates: u32, // states after h
  droppedAt: u32, // where in `h` what recurrent dropout left of it begins
  intermediateAt: u32, // where in `states` the intermediate vectors begin
  zeroOutput: u32, // 1: outputs of masked steps are zero, and their gradients are not looked at
  hasMask: u32,
  maskAt: u32, // where in `control` the mask begins
  hasNoise: u32,
  seedAt: u32,
  stream: u32,
  zoneoutH: f32,
  zoneoutCell: f32,
  recurrentDropout: f32,
  steps: array<Step, 2>, // by direction
}

// The step of one direction that a dispatch works on. Slots are those of `states`; the view of `h` begins so that they are its
// own too.
struct Step {
  time: u32,
  before: u32, // slot of the states that it reads
  after: u32, // slot of the states that it writes
  next: u32, // time of the step after it
}

// gates [times,B,directions,W,H]
fn gatesIndex(time: u32, row: u32, z: u32) -> u32 {
  return (((time - params.layer.start) * params.layer.B + row) * params.layer.directions + z) * params.layer.W * params.layer.H;
}
// h [slots,B,D,P], and what recurrent dropout left of it; y and its gradient [T,B,D,P] have the same rows.
fn hIndex(slot: u32, row: u32, d: u32) -> u32 {
  return ((slot * params.layer.B + row) * params.layer.D + d) * params.layer.P;
}
// states: [slots,S-1,B,directions,H], state s >= 1
fn cellStateIndex(s: u32, slot: u32, row: u32, z: u32) -> u32 {
  return (((slot * params.layer.cellStates + s - 1u) * params.layer.B + row) * params.layer.directions + z) * params.layer.H;
}
// and behind them the intermediate vectors [slots,B,directions,H]
fn intermediateIndex(slot: u32, row: u32, z: u32) -> u32 {
  return params.layer.intermediateAt + ((slot * params.layer.B + row) * params.layer.directions + z) * params.layer.H;
}
