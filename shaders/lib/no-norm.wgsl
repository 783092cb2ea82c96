// What stands for lib/layer-norm.wgsl in cells without layer normalisation.
struct Normed { y: Real, hat: Real, scale: Real }

fn normed(v: Real, weight: Real, bias: Real) -> Normed {
  return Normed(v, Real(0.0), Real(0.0));
}

struct NormGradient { v: Real, weight: Real }

fn normGradient(hat: Real, scale: Real, weight: Real, grad: Real) -> NormGradient {
  return NormGradient(grad, Real(0.0));
}
