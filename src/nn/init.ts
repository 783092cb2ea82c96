import { OptionError, ShapeError } from "../errors.ts";
import type { RandomStream } from "../random.ts";
import { showShape, sizeOf } from "../tensor-data.ts";

/**
 * Makes the initial values of a parameter. The formulas are those of `torch.nn.init`; the random numbers are our own, so
 * that a seed and a parameter's name give the same weights on every machine.
 *
 * @param shape the parameter's shape; `[out, in]` for a matrix, as PyTorch stores it
 * @param random the parameter's own stream
 * @returns the values, last axis fastest
 */
export type Initializer = (shape: readonly number[], random: RandomStream) => Float32Array;

/** All 0. */
export const zeros: Initializer = (shape) => new Float32Array(sizeOf(shape));

/** All 1. */
export const ones: Initializer = (shape) => new Float32Array(sizeOf(shape)).fill(1);

/** All the same value. */
export function constant(value: number): Initializer {
  checkFinite("constant", { value });
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/**
 * Uniform between `low` and `high`; default [0, 1) as `torch.nn.init.uniform_`.
 * @throws OptionError when a bound is not finite or `low` is above `high`
 */
export function uniform(low = 0, high = 1): Initializer {
  checkFinite("uniform", { low, high });
  if (low > high) throw new OptionError(`uniform: low is ${low}, above high, which is ${high}; swap them`);
  return (shape, random) => fill(shape, () => low + (high - low) * random.next());
}

/**
 * Normal; default mean 0 and standard deviation 1 as `torch.nn.init.normal_`.
 * @throws OptionError when `mean` is not finite or `std` is not a finite number of at least 0
 */
export function normal(mean = 0, std = 1): Initializer {
  checkFinite("normal", { mean, std });
  if (std < 0) throw new OptionError(`normal: std is ${std}, expected at least 0`);
  return (shape, random) => fill(shape, () => mean + std * random.normal());
}

/**
 * Uniform within ±gain·√(6 / (fanIn + fanOut)): Glorot and Bengio, "Understanding the difficulty of training deep
 * feedforward neural networks", AISTATS 2010, as `torch.nn.init.xavier_uniform_`.
 * @throws ShapeError when used on a parameter with fewer than 2 axes
 */
export function xavierUniform(gain = 1): Initializer {
  checkFinite("xavierUniform", { gain });
  return (shape, random) => {
    const { fanIn, fanOut } = fans("xavierUniform", shape);
    const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
    return fill(shape, () => bound * (2 * random.next() - 1));
  };
}

/**
 * Normal with standard deviation gain·√(2 / (fanIn + fanOut)), as `torch.nn.init.xavier_normal_`.
 * @throws ShapeError when used on a parameter with fewer than 2 axes
 */
export function xavierNormal(gain = 1): Initializer {
  checkFinite("xavierNormal", { gain });
  return (shape, random) => {
    const { fanIn, fanOut } = fans("xavierNormal", shape);
    const std = gain * Math.sqrt(2 / (fanIn + fanOut));
    return fill(shape, () => std * random.normal());
  };
}

/**
 * Uniform within ±√(6 / ((1 + a²)·fanIn)): He et al., "Delving Deep into Rectifiers", ICCV 2015, as
 * `torch.nn.init.kaiming_uniform_` with mode fan_in and leaky_relu. With a = √5, PyTorch's choice for Linear, the bound
 * is 1/√fanIn.
 *
 * @param a the slope of the rectifier below 0; default 0
 * @throws ShapeError when used on a parameter with fewer than 2 axes
 */
export function kaimingUniform(a = 0): Initializer {
  checkFinite("kaimingUniform", { a });
  return (shape, random) => {
    const { fanIn } = fans("kaimingUniform", shape);
    const bound = Math.sqrt(6 / ((1 + a * a) * fanIn));
    return fill(shape, () => bound * (2 * random.next() - 1));
  };
}

/**
 * gain times a matrix with orthonormal rows (or columns, whichever are fewer): Saxe et al., "Exact solutions to the
 * nonlinear dynamics of learning in deep linear neural networks", ICLR 2014, as `torch.nn.init.orthogonal_`. Axes after
 * the first count as one. It is the Q of a normal matrix whose R has a positive diagonal, which is uniform over all such
 * matrices (Mezzadri, "How to generate random matrices from the classical compact groups", 2007).
 * @throws ShapeError when used on a parameter with fewer than 2 axes
 */
export function orthogonal(gain = 1): Initializer {
  checkFinite("orthogonal", { gain });
  return (shape, random) => {
    fans("orthogonal", shape);
    const values = new Float32Array(sizeOf(shape));
    if (values.length === 0) return values;
    const rows = shape[0] as number;
    const columns = values.length / rows;
    // The longer side is the length of the vectors, and vector j is column j of the tall matrix.
    const tall = rows >= columns;
    const vectors = Array.from({ length: Math.min(rows, columns) }, () => new Float64Array(Math.max(rows, columns)));
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        if (tall) (vectors[c] as Float64Array)[r] = random.normal();
        else (vectors[r] as Float64Array)[c] = random.normal();
      }
    }
    orthonormalize(vectors);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const q = tall ? vectors[c]?.[r] : vectors[r]?.[c];
        values[r * columns + c] = gain * (q as number);
      }
    }
    return values;
  };
}

/** Gram-Schmidt, each vector twice: once leaves a remainder when vectors are nearly parallel (Kahan's "twice is enough"). */
function orthonormalize(vectors: readonly Float64Array[]): void {
  for (const [j, v] of vectors.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (const u of vectors.slice(0, j)) {
        const along = dot(u, v);
        for (let i = 0; i < v.length; i++) v[i] = (v[i] as number) - along * (u[i] as number);
      }
    }
    const length = Math.sqrt(dot(v, v));
    for (let i = 0; i < v.length; i++) v[i] = (v[i] as number) / length;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function fill(shape: readonly number[], draw: () => number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

/** How many inputs one output has, and how many outputs one input: `[out, in, …]`, as PyTorch counts them. */
function fans(what: string, shape: readonly number[]): { fanIn: number; fanOut: number } {
  const [outputs, inputs, ...rest] = shape;
  if (outputs === undefined || inputs === undefined) {
    throw new ShapeError(
      `${what}: the parameter has shape ${showShape(shape)}, expected at least 2 axes [out, in]; use uniform, normal or zeros`,
    );
  }
  const field = sizeOf(rest);
  return { fanIn: inputs * field, fanOut: outputs * field };
}

function checkFinite(what: string, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isFinite(value)) throw new OptionError(`${what}: ${name} is ${value}, expected a finite number`);
  }
}
