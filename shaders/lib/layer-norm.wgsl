// A gate's pre-activation normalised over the units of its row: Ba, Kiros and Hinton 2016. Needs meanOverUnits.
const NORM_EPSILON = 1e-5; // torch.nn.LayerNorm's

struct Normed { y: Real, hat: Real, scale: Real } // hat and scale are for normGradient

fn normed(v: Real, weight: Real, bias: Real) -> Normed {
  let centred = v - meanOverUnits(v);
  let scale = Real(inverseSqrt(meanOverUnits(centred * centred) + NORM_EPSILON));
  let hat = centred * scale;
  return Normed(hat * weight + bias, hat, scale);
}

struct NormGradient { v: Real, weight: Real }

// From the gradient by y of normed(v): the gradients by v and by the weight; that by the bias is the given one.
fn normGradient(hat: Real, scale: Real, weight: Real, grad: Real) -> NormGradient {
  let byHat = grad * weight;
  return NormGradient(scale * (byHat - meanOverUnits(byHat) - hat * meanOverUnits(byHat * hat)), grad * hat);
}
