// Long short-term memory: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; torch.nn.LSTM.
// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State) -> Forward {
  let i = sigmoid(x.i + r.i);
  let f = sigmoid(x.f + r.f);
  let g = hyperbolicTangent(x.g + r.g);
  let o = sigmoid(x.o + r.o);
  let c = f * prev.c + i * g;
  let h = o * hyperbolicTangent(c);
  return Forward(State(h, c), Work(i, f, g, o));
}

fn cellBackward(saved: Work, prev: State, next: State, grad: State) -> Backward {
  let i = saved.i;
  let f = saved.f;
  let g = saved.g;
  let o = saved.o;
  let q = hyperbolicTangent(next.c);
  let dc = grad.c + grad.h * o * (1.0 - q * q);
  let di = dc * g      * i * (1.0 - i);
  let df = dc * prev.c * f * (1.0 - f);
  let dg = dc * i      * (1.0 - g * g);
  let do_ = grad.h * q * o * (1.0 - o);
  return Backward(Work(di, df, dg, do_), State(Real(0.0), dc * f));
}
