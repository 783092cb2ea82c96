// Elman network with a rectifier: Le, Jaitly and Hinton 2015; torch.nn.RNN(nonlinearity="relu").
fn cellForward(x: Gates, r: Gates, prev: State) -> Forward {
  let h = max(x.a + r.a, Real(0.0));
  return Forward(State(h), Work(h));
}

fn cellBackward(saved: Work, prev: State, next: State, grad: State) -> Backward {
  return Backward(Work(select(Real(0.0), grad.h, saved.a > Real(0.0))), State(Real(0.0)));
}
