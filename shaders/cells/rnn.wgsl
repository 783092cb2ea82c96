// Elman network (Elman 1990); torch.nn.RNN, with any activation.
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let h = activation(x.a + r.a);
  var saved: Saved;
  saved.a = h;
  return Forward(State(h), saved);
}

fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  var grads: Saved;
  grads.a = grad.h * activationDerivative(saved.a);
  return Backward(grads, State(Real(0.0)));
}
