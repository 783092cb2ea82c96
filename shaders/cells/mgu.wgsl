// Minimal gated unit (Zhou et al. 2016): one gate f, that mixes and that forgets. R_n's product is with f * h, the intermediate vector.
// #include "lib/activations.wgsl"
fn cellIntermediate(x: Gates, prev: State, p: Learned) -> Real {
  return sigmoid(x.f) * prev.h;
}

fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let f = sigmoid(x.f);
  let n = hyperbolicTangent(x.n + r.n);
  var saved: Saved;
  saved.f = f;
  saved.n = n;
  saved.forget = f;
  return Forward(State((1.0 - f) * prev.h + f * n), saved);
}

// saved.f holds the gradient by f without what comes through the intermediate vector.
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let f = saved.f;
  let n = saved.n;
  var grads = saved;
  grads.f = grad.h * (n - prev.h);
  grads.n = grad.h * f * hyperbolicTangentDerivative(n);
  return Backward(grads, State(grad.h * (1.0 - f)));
}

fn cellIntermediateBackward(saved: Saved, prev: State, grad: Real, p: Learned) -> Backward {
  let f = saved.forget;
  var grads = saved;
  grads.f = (saved.f + grad * prev.h) * sigmoidDerivative(f);
  return Backward(grads, State(grad * f));
}
