// Layers of one size on top of each other, in the place of directions: layer d is d steps behind the first one, so that what it
// reads (its own state and the output of the layer below) was made by the dispatch before, and all layers go on in one dispatch.
// Their slots and times are shifted likewise: slot s of layer d is that of its step s - d.

// Whether a layer has not begun or has ended.
fn isIdle(time: u32, d: u32) -> bool {
  return time < d || time >= d + params.T;
}
