// Independently recurrent network (Li et al. 2018): a unit hears its own h only, h = act(W·x + b + u * h).
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let h = activation(x.a + p.u * prev.h);
  var work: Work;
  work.a = h;
  return Forward(State(h), work);
}

fn cellBackward(saved: Work, prev: State, grad: State, p: Learned) -> Backward {
  let a = grad.h * activationDerivative(saved.a);
  var work: Work;
  work.a = a;
  work.u = a * prev.h;
  return Backward(work, State(a * p.u));
}
