// Long short-term memory: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; torch.nn.LSTM.
// Peepholes: Gers and Schmidhuber 2000. Coupled gates, i = 1 - f: Greff et al. 2017, "LSTM: A Search Space Odyssey".
// The prelude says which activations there are, whether c is limited, and makes what an option leaves out zero.
// #include "lib/activations.wgsl"
// #include NORM
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let vi = x.i + r.i + p.peepholeI * prev.c;
  let vf = x.f + r.f + p.peepholeF * prev.c;
  let vg = x.g + r.g;
  let nf = normed(vf, p.normWeightF, p.normBiasF);
  let f = gateActivation(nf.y);
  var ni: Normed;
  var i = 1.0 - f;
  if (!COUPLED) {
    ni = normed(vi, p.normWeightI, p.normBiasI);
    i = gateActivation(ni.y);
  }
  let ng = normed(vg, p.normWeightG, p.normBiasG);
  let g = cellActivation(ng.y);
  let c = limited(f * prev.c + i * g);
  let vo = x.o + r.o + p.peepholeO * c;
  let no = normed(vo, p.normWeightO, p.normBiasO);
  let o = gateActivation(no.y);
  let h = o * hiddenActivation(c);

  var saved: Saved;
  saved.i = i;
  saved.f = f;
  saved.g = g;
  saved.o = o;
  saved.normWeightI = ni.hat;
  saved.normWeightF = nf.hat;
  saved.normWeightG = ng.hat;
  saved.normWeightO = no.hat;
  saved.normBiasI = ni.scale;
  saved.normBiasF = nf.scale;
  saved.normBiasG = ng.scale;
  saved.normBiasO = no.scale;
  return Forward(State(h, c), saved);
}

fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  let f = saved.f;
  let g = saved.g;
  let o = saved.o;
  let i = select(saved.i, 1.0 - f, COUPLED);
  let sum = f * prev.c + i * g;
  let c = limited(sum);
  let q = hiddenActivation(c);

  let no = grad.h * q * gateActivationDerivative(o);
  let vo = normGradient(saved.normWeightO, saved.normBiasO, p.normWeightO, no);
  let dc = (grad.c + grad.h * o * hiddenActivationDerivative(q) + vo.v * p.peepholeO) * limitedDerivative(sum);

  let ng = dc * i * cellActivationDerivative(g);
  let vg = normGradient(saved.normWeightG, saved.normBiasG, p.normWeightG, ng);
  var ni = Real(0.0);
  var vi = NormGradient(Real(0.0), Real(0.0));
  var df = dc * (prev.c - g);
  if (!COUPLED) {
    df = dc * prev.c;
    ni = dc * g * gateActivationDerivative(i);
    vi = normGradient(saved.normWeightI, saved.normBiasI, p.normWeightI, ni);
  }
  let nf = df * gateActivationDerivative(f);
  let vf = normGradient(saved.normWeightF, saved.normBiasF, p.normWeightF, nf);

  var grads: Saved;
  grads.i = vi.v;
  grads.f = vf.v;
  grads.g = vg.v;
  grads.o = vo.v;
  grads.peepholeI = vi.v * prev.c;
  grads.peepholeF = vf.v * prev.c;
  grads.peepholeO = vo.v * c;
  grads.normWeightI = vi.weight;
  grads.normWeightF = vf.weight;
  grads.normWeightG = vg.weight;
  grads.normWeightO = vo.weight;
  grads.normBiasI = ni;
  grads.normBiasF = nf;
  grads.normBiasG = ng;
  grads.normBiasO = no;
  return Backward(grads, State(Real(0.0), dc * f + vi.v * p.peepholeI + vf.v * p.peepholeF));
}
