// Gated recurrent unit, reset before the matrix product, as in the paper (Cho et al. 2014) and ONNX's default:
// n = tanh(W_n·x + R_n·(r * h) + b_n). The vector r * h is the intermediate one, made in a dispatch of its own.
// #include "lib/activations.wgsl"
// #include NORM
fn cellIntermediate(x: Gates, prev: State, p: Learned) -> Real {
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

  var saved: Saved;
  saved.r = r;
  saved.z = z;
  saved.n = n;
  saved.reset = r;
  saved.normWeightR = nr.hat;
  saved.normWeightZ = nz.hat;
  saved.normWeightN = nn.hat;
  saved.normBiasR = nr.scale;
  saved.normBiasZ = nz.scale;
  saved.normBiasN = nn.scale;
  return Forward(State(h), saved);
}

// All but the gradient by r, which comes through the intermediate vector.
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let z = saved.z;
  let n = saved.n;
  let nn = grad.h * (1.0 - z) * candidateActivationDerivative(n);
  let vn = normGradient(saved.normWeightN, saved.normBiasN, p.normWeightN, nn);
  let nz = grad.h * (prev.h - n) * gateActivationDerivative(z);
  let vz = normGradient(saved.normWeightZ, saved.normBiasZ, p.normWeightZ, nz);

  var grads = saved;
  grads.z = vz.v;
  grads.n = vn.v;
  grads.normWeightZ = vz.weight;
  grads.normWeightN = vn.weight;
  grads.normBiasZ = nz;
  grads.normBiasN = nn;
  return Backward(grads, State(grad.h * z));
}

fn cellIntermediateBackward(saved: Saved, prev: State, grad: Real, p: Learned) -> Backward {
  let r = saved.reset;
  let nr = grad * prev.h * gateActivationDerivative(r);
  let vr = normGradient(saved.normWeightR, saved.normBiasR, p.normWeightR, nr);

  var grads = saved;
  grads.r = vr.v;
  grads.normWeightR = vr.weight;
  grads.normBiasR = nr;
  return Backward(grads, State(grad * r));
}
