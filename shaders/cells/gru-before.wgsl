// Gated recurrent unit, reset before the matrix product, as in the paper (Cho et al. 2014) and ONNX's default:
// n = tanh(W_n·x + R_n·(r * h) + b_n). The vector r * h is the inner one, made in a dispatch of its own.
// #include "lib/activations.wgsl"
// #include NORM
fn cellInner(x: Gates, prev: State, p: Learned) -> Real {
  return gateActivation(normed(x.r, p.normWeightR, p.normBiasR).y) * prev.h;
}

fn cellForward(x: Gates, recurrent: Gates, prev: State, p: Learned) -> Forward {
  let nr = normed(x.r, p.normWeightR, p.normBiasR);
  let nz = normed(x.z, p.normWeightZ, p.normBiasZ);
  let nn = normed(x.n + recurrent.n, p.normWeightN, p.normBiasN);
  let r = gateActivation(nr.y);
  let z = gateActivation(nz.y);
  let n = candidateActivation(nn.y);
  let h = (1.0 - z) * n + z * prev.h;

  var work: Work;
  work.r = r;
  work.z = z;
  work.n = n;
  work.reset = r;
  work.normWeightR = nr.hat;
  work.normWeightZ = nz.hat;
  work.normWeightN = nn.hat;
  work.normBiasR = nr.scale;
  work.normBiasZ = nz.scale;
  work.normBiasN = nn.scale;
  return Forward(State(h), work);
}

// All but the gradient by r, which comes through the inner vector.
fn cellBackward(saved: Work, prev: State, grad: State, p: Learned) -> Backward {
  let z = saved.z;
  let n = saved.n;
  let nn = grad.h * (1.0 - z) * candidateActivationDerivative(n);
  let vn = normGradient(saved.normWeightN, saved.normBiasN, p.normWeightN, nn);
  let nz = grad.h * (prev.h - n) * gateActivationDerivative(z);
  let vz = normGradient(saved.normWeightZ, saved.normBiasZ, p.normWeightZ, nz);

  var work = saved;
  work.z = vz.v;
  work.n = vn.v;
  work.normWeightZ = vz.weight;
  work.normWeightN = vn.weight;
  work.normBiasZ = nz;
  work.normBiasN = nn;
  return Backward(work, State(grad.h * z));
}

fn cellInnerBackward(saved: Work, prev: State, grad: Real, p: Learned) -> Backward {
  let r = saved.reset;
  let nr = grad * prev.h * gateActivationDerivative(r);
  let vr = normGradient(saved.normWeightR, saved.normBiasR, p.normWeightR, nr);

  var work = saved;
  work.r = vr.v;
  work.normWeightR = vr.weight;
  work.normBiasR = nr;
  return Backward(work, State(grad * r));
}
