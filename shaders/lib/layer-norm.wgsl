// A gate's pre-activation normalised over the units of its row: Ba, Kiros and Hinton 2016. Needs meanOverUnits.
const NORM_EPSILON = 1e-5; // torch.nn.LayerNorm's

fn normed(v: Real, weight: Real, bias: Real) -> Real {
  let centred = v - meanOverUnits(v);
  return centred * inverseSqrt(meanOverUnits(centred * centred) + NORM_EPSILON) * weight + bias;
}

struct NormGradient { v: Real, weight: Real }

// From the gradient by normed(v): the gradients by v and by the weight; that by the bias is the given one.
fn normGradient(v: Real, weight: Real, grad: Real) -> NormGradient {
  let centred = v - meanOverUnits(v);
  let scale = inverseSqrt(meanOverUnits(centred * centred) + NORM_EPSILON);
  let hat = centred * scale;
  let byHat = grad * weight;
  let byV = scale * (byHat - meanOverUnits(byHat) - hat * meanOverUnits(byHat * hat));
  return NormGradient(byV, grad * hat);
}
