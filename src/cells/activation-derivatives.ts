import type { ActivationName, CellActivation } from "./activations.ts";

/** Derivatives by x, told from `y = f(x)`: so that a step keeps y only. */
const derivatives: Readonly<Record<ActivationName, (y: number, alpha: number, beta: number) => number>> = {
  Sigmoid: (y) => y * (1 - y),
  Tanh: (y) => 1 - y * y,
  Relu: (y) => (y > 0 ? 1 : 0),
  LeakyRelu: (y, alpha) => (y > 0 ? 1 : alpha),
  ThresholdedRelu: (y) => (y !== 0 ? 1 : 0),
  ScaledTanh: (y, alpha, beta) => alpha * beta * (1 - (y / alpha) ** 2),
  HardSigmoid: (y, alpha) => (y > 0 && y < 1 ? alpha : 0),
  Elu: (y, alpha) => (y > 0 ? 1 : y + alpha),
  Softsign: (y) => (1 - Math.abs(y)) ** 2,
  Softplus: (y) => -Math.expm1(-y),
  Affine: (_, alpha) => alpha,
};

/** The derivative of an activation by its input, in one direction, told from what it made of it; 0 where the input was cut. */
export function derivative(activation: CellActivation, y: number, direction: number): number {
  const { name, alpha, beta, within } = activation.of(direction);
  return within && !(y > within[0] && y < within[1]) ? 0 : derivatives[name](y, alpha, beta);
}
