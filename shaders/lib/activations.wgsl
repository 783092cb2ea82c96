// Activations that stay accurate to about 1e-7 and finite on every driver. WGSL's own tanh may be wrong by 1e-5 and is
// undefined for large arguments (https://www.w3.org/TR/WGSL/#floating-point-accuracy), so none of it is used here.
// `Real` is f32 or a vector of f32 and `Bits` its u32, chosen by the kernel's prelude. Derivatives are told from y, the
// activation's value.

// y, or NaN where x is NaN: min, max and clamp may lose it, and so may exp. Looks at the bits, because compilers may assume
// that none exists.
fn orNaN(x: Real, y: Real) -> Real {
  return select(y, x, (bitcast<Bits>(x) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

// What goes into an activation, cut to ± limit.
fn cut(x: Real, limit: f32) -> Real {
  return orNaN(x, clamp(x, Real(-limit), Real(limit)));
}

// The limit keeps exp finite; far below 0 the result is as small as it should be, so that its logarithm is right.
fn sigmoid(x: Real) -> Real {
  return orNaN(x, 1.0 / (1.0 + exp(-clamp(x, Real(-80.0), Real(80.0)))));
}
fn sigmoidDerivative(y: Real) -> Real {
  return y * (1.0 - y);
}

// (1 - e) / (1 + e) with e = exp(-2|x|) loses digits near 0, where the odd Taylor polynomial takes over.
fn hyperbolicTangent(x: Real) -> Real {
  let e = exp(-2.0 * min(abs(x), Real(15.0)));
  let far = sign(x) * (1.0 - e) / (1.0 + e);
  let q = x * x;
  let near = x * (1.0 + q * (-1.0 / 3.0 + q * (2.0 / 15.0 - q * (17.0 / 315.0))));
  return orNaN(x, select(far, near, abs(x) < Real(0.1)));
}
fn hyperbolicTangentDerivative(y: Real) -> Real {
  return 1.0 - y * y;
}

fn relu(x: Real) -> Real {
  return orNaN(x, max(x, Real(0.0)));
}
fn reluDerivative(y: Real) -> Real {
  return select(Real(0.0), Real(1.0), y > Real(0.0));
}

fn leakyRelu(x: Real, alpha: f32) -> Real {
  return select(alpha * x, x, x >= Real(0.0));
}
fn leakyReluDerivative(y: Real, alpha: f32) -> Real {
  return select(Real(alpha), Real(1.0), y > Real(0.0));
}

fn thresholdedRelu(x: Real, alpha: f32) -> Real {
  return orNaN(x, select(Real(0.0), x, x > Real(alpha)));
}
fn thresholdedReluDerivative(y: Real, alpha: f32) -> Real {
  return select(Real(0.0), Real(1.0), y != Real(0.0));
}

fn scaledTanh(x: Real, alpha: f32, beta: f32) -> Real {
  return alpha * hyperbolicTangent(beta * x);
}
fn scaledTanhDerivative(y: Real, alpha: f32, beta: f32) -> Real {
  let q = y / alpha;
  return alpha * beta * (1.0 - q * q);
}

fn hardSigmoid(x: Real, alpha: f32, beta: f32) -> Real {
  return orNaN(x, clamp(alpha * x + beta, Real(0.0), Real(1.0)));
}
fn hardSigmoidDerivative(y: Real, alpha: f32, beta: f32) -> Real {
  return select(Real(0.0), Real(alpha), (y > Real(0.0)) & (y < Real(1.0)));
}

// exp(x) - 1 for x <= 0: near 0, where the difference loses digits, by its Taylor polynomial.
fn expMinusOne(x: Real) -> Real {
  let near = x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0)))));
  return select(exp(max(x, Real(-30.0))) - 1.0, near, x > Real(-0.15));
}
fn elu(x: Real, alpha: f32) -> Real {
  return orNaN(x, select(alpha * expMinusOne(min(x, Real(0.0))), x, x >= Real(0.0)));
}
fn eluDerivative(y: Real, alpha: f32) -> Real {
  return select(y + alpha, Real(1.0), y > Real(0.0));
}

fn softsign(x: Real) -> Real {
  return x / (1.0 + abs(x));
}
fn softsignDerivative(y: Real) -> Real {
  let q = 1.0 - abs(y);
  return q * q;
}

// log(1 + e) with e = exp(-|x|) in (0, 1]: below 0.1, where 1 + e loses digits of e, by the series.
fn softplus(x: Real) -> Real {
  let e = exp(-min(abs(x), Real(80.0)));
  let near = e * (1.0 - e * (0.5 - e * (1.0 / 3.0 - e * (0.25 - e * (0.2 - e * (1.0 / 6.0))))));
  return orNaN(x, max(x, Real(0.0))) + select(log(1.0 + e), near, e < Real(0.1));
}
fn softplusDerivative(y: Real) -> Real {
  return -expMinusOne(-y);
}

fn affine(x: Real, alpha: f32, beta: f32) -> Real {
  return alpha * x + beta;
}
fn affineDerivative(y: Real, alpha: f32, beta: f32) -> Real {
  return Real(alpha);
}
