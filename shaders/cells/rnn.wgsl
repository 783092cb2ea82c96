// Elman network (Elman 1990); torch.nn.RNN, with any activation.
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let h = activation(x.a + r.a);
  var work: Work;
  work.a = h;
  return Forward(State(h), work);
}

fn cellBackward(saved: Work, prev: State, grad: State, p: Learned) -> Backward {
  var work: Work;
  work.a = grad.h * activationDerivative(saved.a);
  return Backward(work, State(Real(0.0)));
}
