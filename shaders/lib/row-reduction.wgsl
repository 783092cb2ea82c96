// The sum and the largest of a row's numbers, from what each of its LANES invocations found; ROWS rows a workgroup, the row of
// `base` beginning there. All invocations add in the order of the lanes, so that all have the same result.
var<workgroup> partial: array<f32, LANES * ROWS>;

fn rowSum(value: f32, base: u32, lane: u32) -> f32 {
  partial[base + lane] = value;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) {
    total += partial[base + i];
  }
  workgroupBarrier();
  return total;
}

fn rowMax(value: f32, base: u32, lane: u32) -> f32 {
  partial[base + lane] = value;
  workgroupBarrier();
  var largest = value;
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, partial[base + i]);
  }
  workgroupBarrier();
  return largest;
}
