// Simple recurrent unit (Lei et al. 2018): gates see c through a weight of each unit; h mixes c with a projection of x.
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, recurrent: Gates, prev: State, p: Learned) -> Forward {
  let f = sigmoid(x.f + p.vF * prev.c);
  let r = sigmoid(x.r + p.vR * prev.c);
  let c = f * prev.c + (1.0 - f) * x.u;
  var saved: Saved;
  saved.u = x.u;
  saved.f = f;
  saved.r = r;
  saved.p = x.p;
  return Forward(State(r * c + (1.0 - r) * x.p, c), saved);
}

fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let f = saved.f;
  let r = saved.r;
  let c = f * prev.c + (1.0 - f) * saved.u;
  let dc = grad.c + grad.h * r;
  let vf = dc * (prev.c - saved.u) * sigmoidDerivative(f);
  let vr = grad.h * (c - saved.p) * sigmoidDerivative(r);
  var grads: Saved;
  grads.u = dc * (1.0 - f);
  grads.f = vf;
  grads.r = vr;
  grads.p = grad.h * (1.0 - r);
  grads.vF = vf * prev.c;
  grads.vR = vr * prev.c;
  return Backward(grads, State(Real(0.0), dc * f + vf * p.vF + vr * p.vR));
}
