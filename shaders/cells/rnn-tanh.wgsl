// Elman network with tanh: Elman 1990; torch.nn.RNN(nonlinearity="tanh").
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State) -> Forward {
  let h = hyperbolicTangent(x.a + r.a);
  return Forward(State(h), Work(h));
}

fn cellBackward(saved: Work, prev: State, next: State, grad: State) -> Backward {
  let h = saved.a;
  return Backward(Work(grad.h * (1.0 - h * h)), State(Real(0.0)));
}
