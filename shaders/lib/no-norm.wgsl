// What stands for lib/layer-norm.wgsl in cells without layer normalisation.
fn normed(v: Real, weight: Real, bias: Real) -> Real {
  return v;
}

struct NormGradient { v: Real, weight: Real }

fn normGradient(v: Real, weight: Real, grad: Real) -> NormGradient {
  return NormGradient(grad, Real(0.0));
}
