// True for Inf and NaN. Looks at the bits: compilers may assume that neither exists.
fn isBad(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}
