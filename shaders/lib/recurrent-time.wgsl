// Times and slots of a recurrent layer.
// Time s lies in slot s+1 of every state. A direction that runs forwards starts from slot 0, one that runs backwards from
// slot T+1, so that slots 1..T of h are the layer's output [T,B,D*P] as it stands.
fn runsBackwards(d: u32) -> bool {
  return ((params.backwards >> d) & 1u) == 1u;
}
// The time that direction d works on in step t.
fn timeOf(t: u32, d: u32) -> u32 {
  return select(t, params.T - 1u - t, runsBackwards(d));
}
// The slot of the state before time s.
fn slotBefore(s: u32, d: u32) -> u32 {
  return select(s, s + 2u, runsBackwards(d));
}
