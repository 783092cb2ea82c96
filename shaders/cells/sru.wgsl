// Simple recurrent unit (Lei et al. 2018): gates see c through a weight of each unit; h mixes c with a projection of x.
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, recurrent: Gates, prev: State, p: Learned) -> Forward {
  let f = sigmoid(x.f + p.vF * prev.c);
  let r = sigmoid(x.r + p.vR * prev.c);
  let c = f * prev.c + (1.0 - f) * x.u;
  var work: Work;
  work.u = x.u;
  work.f = f;
  work.r = r;
  work.p = x.p;
  return Forward(State(r * c + (1.0 - r) * x.p, c), work);
}

fn cellBackward(saved: Work, prev: State, grad: State, p: Learned) -> Backward {
  let f = saved.f;
  let r = saved.r;
  let c = f * prev.c + (1.0 - f) * saved.u;
  let dc = grad.c + grad.h * r;
  let vf = dc * (prev.c - saved.u) * sigmoidDerivative(f);
  let vr = grad.h * (c - saved.p) * sigmoidDerivative(r);
  var work: Work;
  work.u = dc * (1.0 - f);
  work.f = vf;
  work.r = vr;
  work.p = grad.h * (1.0 - r);
  work.vF = vf * prev.c;
  work.vR = vr * prev.c;
  return Backward(work, State(Real(0.0), dc * f + vf * p.vF + vr * p.vR));
}
