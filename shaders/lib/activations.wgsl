// Activations that stay accurate to about 1e-7 and finite on every driver. WGSL's own tanh may be wrong by 1e-5 and is
// undefined for large arguments (https://www.w3.org/TR/WGSL/#floating-point-accuracy), so none of it is used here.
// `Real` is f32 or a vector of f32, chosen by the kernel's prelude.

fn sigmoid(x: Real) -> Real {
  return 1.0 / (1.0 + exp(-clamp(x, Real(-30.0), Real(30.0))));
}

// (1 - e) / (1 + e) with e = exp(-2|x|) loses digits near 0, where the odd Taylor polynomial takes over.
fn hyperbolicTangent(x: Real) -> Real {
  let e = exp(-2.0 * min(abs(x), Real(15.0)));
  let far = sign(x) * (1.0 - e) / (1.0 + e);
  let q = x * x;
  let near = x * (1.0 + q * (-1.0 / 3.0 + q * (2.0 / 15.0 - q * (17.0 / 315.0))));
  return select(far, near, abs(x) < Real(0.1));
}
