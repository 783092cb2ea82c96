// Gated recurrent unit, reset after the matrix product: Cho et al. 2014 in the form of torch.nn.GRU and cuDNN.
// The product R_n·h + b_hn is needed besides W_n·x, so it has a slot of its own: rn.
// #include "lib/activations.wgsl"
// #include NORM
fn cellForward(x: Gates, recurrent: Gates, prev: State, p: Learned) -> Forward {
  let rn = recurrent.n;
  let nr = normed(x.r + recurrent.r, p.normWeightR, p.normBiasR);
  let nz = normed(x.z + recurrent.z, p.normWeightZ, p.normBiasZ);
  let r = gateActivation(nr.y);
  let z = gateActivation(nz.y);
  let nn = normed(x.n + r * rn, p.normWeightN, p.normBiasN);
  let n = candidateActivation(nn.y);
  let h = (1.0 - z) * n + z * prev.h;

  var saved: Saved;
  saved.r = r;
  saved.z = z;
  saved.n = n;
  saved.rn = rn;
  saved.normWeightR = nr.hat;
  saved.normWeightZ = nz.hat;
  saved.normWeightN = nn.hat;
  saved.normBiasR = nr.scale;
  saved.normBiasZ = nz.scale;
  saved.normBiasN = nn.scale;
  return Forward(State(h), saved);
}

fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let r = saved.r;
  let z = saved.z;
  let n = saved.n;
  let nn = grad.h * (1.0 - z) * candidateActivationDerivative(n);
  let vn = normGradient(saved.normWeightN, saved.normBiasN, p.normWeightN, nn);
  let nz = grad.h * (prev.h - n) * gateActivationDerivative(z);
  let vz = normGradient(saved.normWeightZ, saved.normBiasZ, p.normWeightZ, nz);
  let nr = vn.v * saved.rn * gateActivationDerivative(r);
  let vr = normGradient(saved.normWeightR, saved.normBiasR, p.normWeightR, nr);

  var grads: Saved;
  grads.r = vr.v;
  grads.z = vz.v;
  grads.n = vn.v;
  grads.rn = vn.v * r;
  grads.normWeightR = vr.weight;
  grads.normWeightZ = vz.weight;
  grads.normWeightN = vn.weight;
  grads.normBiasR = nr;
  grads.normBiasZ = nz;
  grads.normBiasN = nn;
  return Backward(grads, State(grad.h * z));
}
