// Minimal gated unit (Zhou et al. 2016): one gate f, that mixes and that forgets. R_n's product is with f * h, the inner vector.
// #include "lib/activations.wgsl"
fn cellInner(x: Gates, prev: State, p: Learned) -> Real {
  return sigmoid(x.f) * prev.h;
}

fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let f = sigmoid(x.f);
  let n = hyperbolicTangent(x.n + r.n);
  var work: Work;
  work.f = f;
  work.n = n;
  work.forget = f;
  return Forward(State((1.0 - f) * prev.h + f * n), work);
}

// work.f holds the gradient by f without what comes through the inner vector.
fn cellBackward(saved: Work, prev: State, grad: State, p: Learned) -> Backward {
  let f = saved.f;
  let n = saved.n;
  var work = saved;
  work.f = grad.h * (n - prev.h);
  work.n = grad.h * f * hyperbolicTangentDerivative(n);
  return Backward(work, State(grad.h * (1.0 - f)));
}

fn cellInnerBackward(saved: Work, prev: State, grad: Real, p: Learned) -> Backward {
  let f = saved.forget;
  var work = saved;
  work.f = (saved.f + grad * prev.h) * sigmoidDerivative(f);
  return Backward(work, State(grad * f));
}
