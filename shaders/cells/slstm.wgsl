// sLSTM (Beck et al. 2024, "xLSTM"): exponential input gate, normaliser n, stabiliser m. All of c and n is times exp(-m).
// The prelude says what the logarithm of the forget gate is. While n is 0 nothing was stored, and m is the input gate's.
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let vi = x.i + r.i;
  let vf = x.f + r.f;
  let z = hyperbolicTangent(x.z + r.z);
  let o = sigmoid(x.o + r.o);
  let old = logForget(vf) + prev.m;
  let isNew = (vi >= old) | (prev.n == Real(0.0));
  let m = select(old, vi, isNew);
  // The larger of both is 1. The limit is for the first step, where an endless f would turn c's 0 into a NaN.
  let i = select(exp(min(vi - old, Real(0.0))), Real(1.0), isNew);
  let f = select(Real(1.0), exp(min(old - vi, Real(80.0))), isNew);
  let c = f * prev.c + i * z;
  let n = f * prev.n + i;

  var saved: Saved;
  saved.i = i;
  saved.f = f;
  saved.z = z;
  saved.o = o;
  saved.slope = logForgetSlope(vf);
  return Forward(State(o * c / n, c, n, m), saved);
}

fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let i = saved.i;
  let f = saved.f;
  let z = saved.z;
  let o = saved.o;
  let c = f * prev.c + i * z;
  let n = f * prev.n + i;
  let q = c / n;
  let dc = grad.c + grad.h * o / n;
  let dn = grad.n - grad.h * o * q / n;
  let byI = (dc * z + dn) * i;
  let byF = (dc * prev.c + dn * prev.n) * f;
  // What m does goes to the one of the two that it is.
  let byM = grad.m - byI - byF;
  let isNew = i == Real(1.0);
  let old = byF + select(byM, Real(0.0), isNew);

  var grads: Saved;
  grads.i = byI + select(Real(0.0), byM, isNew);
  grads.f = old * saved.slope;
  grads.z = dc * i * hyperbolicTangentDerivative(z);
  grads.o = grad.h * q * sigmoidDerivative(o);
  return Backward(grads, State(Real(0.0), dc * f, dn * f, old));
}
