// Independently recurrent network (Li et al. 2018): a unit hears its own h only, h = act(W·x + b + u * h).
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let h = activation(x.a + p.u * prev.h);
  var saved: Saved;
  saved.a = h;
  return Forward(State(h), saved);
}

fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let a = grad.h * activationDerivative(saved.a);
  var grads: Saved;
  grads.a = a;
  grads.u = a * prev.h;
  return Backward(grads, State(a * p.u));
}
