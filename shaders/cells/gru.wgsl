// Gated recurrent unit, reset after the matrix product: Cho et al. 2014 in the form of torch.nn.GRU and cuDNN.
// #include "lib/activations.wgsl"
// The product R_n·h + b_hn is needed apart from W_n·x, so it has a place of its own: rn.
fn cellForward(x: Gates, recurrent: Gates, prev: State) -> Forward {
  let r = sigmoid(x.r + recurrent.r);
  let z = sigmoid(x.z + recurrent.z);
  let rn = recurrent.n;
  let n = hyperbolicTangent(x.n + r * rn);
  let h = (1.0 - z) * n + z * prev.h;
  return Forward(State(h), Work(r, z, n, rn));
}

fn cellBackward(saved: Work, prev: State, next: State, grad: State) -> Backward {
  let r = saved.r;
  let z = saved.z;
  let n = saved.n;
  let dn = grad.h * (1.0 - z) * (1.0 - n * n);
  let dz = grad.h * (prev.h - n) * z * (1.0 - z);
  let dr = dn * saved.rn * r * (1.0 - r);
  return Backward(Work(dr, dz, dn, dn * r), State(grad.h * z));
}
