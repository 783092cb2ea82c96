// Gated recurrent unit, reset after the matrix product: Cho et al. 2014 in the form of torch.nn.GRU and cuDNN.
// The product R_n·h + b_hn is needed apart from W_n·x, so it has a place of its own: rn.
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

  var work: Work;
  work.r = r;
  work.z = z;
  work.n = n;
  work.rn = rn;
  work.normWeightR = nr.hat;
  work.normWeightZ = nz.hat;
  work.normWeightN = nn.hat;
  work.normBiasR = nr.scale;
  work.normBiasZ = nz.scale;
  work.normBiasN = nn.scale;
  return Forward(State(h), work);
}

fn cellBackward(saved: Work, prev: State, grad: State, p: Learned) -> Backward {
  let r = saved.r;
  let z = saved.z;
  let n = saved.n;
  let nn = grad.h * (1.0 - z) * candidateActivationDerivative(n);
  let vn = normGradient(saved.normWeightN, saved.normBiasN, p.normWeightN, nn);
  let nz = grad.h * (prev.h - n) * gateActivationDerivative(z);
  let vz = normGradient(saved.normWeightZ, saved.normBiasZ, p.normWeightZ, nz);
  let nr = vn.v * saved.rn * gateActivationDerivative(r);
  let vr = normGradient(saved.normWeightR, saved.normBiasR, p.normWeightR, nr);

  var work: Work;
  work.r = vr.v;
  work.z = vz.v;
  work.n = vn.v;
  work.rn = vn.v * r;
  work.normWeightR = vr.weight;
  work.normWeightZ = vz.weight;
  work.normWeightN = vn.weight;
  work.normBiasR = nr;
  work.normBiasZ = nz;
  work.normBiasN = nn;
  return Backward(work, State(grad.h * z));
}
