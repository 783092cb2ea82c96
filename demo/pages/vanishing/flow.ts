/**
 * How a gradient goes back through one layer, step by step, in plain numbers: fast enough to follow a slider. The page's test holds it
 * against `gradientFlow` of the library.
 */
import { RandomStream } from "webgpu-rnn";

export const kinds = ["sigmoid", "tanh", "relu", "orthogonal", "lstm", "gru"] as const;
/** RNN with an activation, RNN with tanh and an orthogonal W, LSTM, GRU. */
export type Kind = (typeof kinds)[number];

/** Numbers that come in at each step, and units. */
export const [I, H] = [2, 16];

export interface Start {
  readonly seed: number;
  /** The spectral radius of W, and of each gate's part of it: the largest |eigenvalue|. */
  readonly radius: number;
  /** The standard deviation of U. */
  readonly scale: number;
  /** The bias of the gate that keeps the state: LSTM's f, GRU's z. */
  readonly forget: number;
}

/** Row by row, gate after gate as in PyTorch: LSTM i, f, g, o; GRU r, z, n. */
export interface Layer {
  readonly kind: Kind;
  readonly U: Float64Array;
  readonly W: Float64Array;
  readonly b: Float64Array;
  /** What the output reads of h. */
  readonly V: Float64Array;
}

const normals = (random: RandomStream, count: number, deviation = 1) =>
  Float64Array.from({ length: count }, () => deviation * random.normal());

/** Rows that are orthogonal to each other and of length 1, by Gram and Schmidt. */
function orthogonal(random: RandomStream): Float64Array {
  const Q = normals(random, H * H);
  for (let i = 0; i < H; i++) {
    const row = Q.subarray(i * H, i * H + H);
    for (let k = 0; k < i; k++) {
      const other = Q.subarray(k * H, k * H + H);
      const along = row.reduce((sum, one, j) => sum + one * other[j]!, 0);
      for (let j = 0; j < H; j++) row[j]! -= along * other[j]!;
    }
    const length = Math.hypot(...row);
    for (let j = 0; j < H; j++) row[j]! /= length;
  }
  return Q;
}

/** The spectral radius of `[H,H]`, by Gelfand's formula: ‖A^n‖^(1/n), n being a power of two. */
export function spectralRadius(A: Float64Array): number {
  let power = A;
  let exponent = 0;
  const squarings = 12;
  for (let n = 0; n <= squarings; n++) {
    const size = Math.hypot(...power);
    if (size === 0) return 0;
    exponent += Math.log(size) / 2 ** n;
    const unit = power.map((one) => one / size);
    power = new Float64Array(H * H);
    for (let i = 0; i < H; i++)
      for (let k = 0; k < H; k++) for (let j = 0; j < H; j++) power[i * H + j]! += unit[i * H + k]! * unit[k * H + j]!;
  }
  return Math.exp(exponent);
}

/** A layer as it begins. */
export function layerOf(kind: Kind, { seed, radius, scale, forget }: Start): Layer {
  const gates = { lstm: 4, gru: 3 }[kind as string] ?? 1;
  const draw = (name: string) => new RandomStream(seed, name);
  const W = new Float64Array(gates * H * H);
  for (let g = 0; g < gates; g++) {
    const random = draw(`W ${g}`);
    const part = kind === "orthogonal" ? orthogonal(random) : normals(random, H * H);
    const size = kind === "orthogonal" ? 1 : spectralRadius(part);
    W.set(
      part.map((one) => (one * radius) / size),
      g * H * H,
    );
  }
  const b = new Float64Array(gates * H);
  // The gate that keeps the state is the second one of both.
  if (gates > 1) b.fill(forget, H, 2 * H);
  return { kind, U: normals(draw("U"), gates * H * I, scale), W, b, V: normals(draw("V"), H, 1 / Math.sqrt(H)) };
}

/** Made-up inputs `[T,I]`: a first step that counts, and others with numbers a tenth as large. */
export const inputs = (T: number, seed: number): Float64Array =>
  normals(new RandomStream(seed, "x"), T * I).map((one, i) => (i < I ? one : 0.1 * one));

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));
/** An activation, and its derivative told from its value. */
const activations = {
  tanh: [Math.tanh, (y: number) => 1 - y * y],
  sigmoid: [sigmoid, (y: number) => y * (1 - y)],
  relu: [(a: number) => Math.max(0, a), (y: number) => Number(y > 0)],
} as const;

/** What one step keeps for the way back. */
interface Step {
  readonly before: Float64Array;
  readonly after: Float64Array;
  /** Values of the gates, one after the other. */
  readonly gates: Float64Array;
  /** LSTM: c before and after. GRU: W_n·h. */
  readonly extra: Float64Array;
  readonly cell: Float64Array;
}

const times = ({ W }: Layer, g: number, h: Float64Array, i: number) => {
  let sum = 0;
  for (let j = 0; j < H; j++) sum += W[(g * H + i) * H + j]! * h[j]!;
  return sum;
};

function forward(layer: Layer, x: Float64Array, before: Float64Array, cell: Float64Array): Step {
  const { kind, U, b } = layer;
  const count = b.length / H;
  const [gates, after, extra] = [new Float64Array(count * H), new Float64Array(H), new Float64Array(H)];
  const into = (g: number, i: number) => {
    let sum = b[g * H + i]!;
    for (let j = 0; j < I; j++) sum += U[(g * H + i) * I + j]! * x[j]!;
    return sum;
  };
  for (let i = 0; i < H; i++) {
    const gate = (g: number) => into(g, i) + times(layer, g, before, i);
    if (kind === "lstm") {
      const [a, f, u, o] = [sigmoid(gate(0)), sigmoid(gate(1)), Math.tanh(gate(2)), sigmoid(gate(3))];
      extra[i] = f * cell[i]! + a * u;
      after[i] = o * Math.tanh(extra[i]!);
      for (const [g, value] of [a, f, u, o].entries()) gates[g * H + i] = value;
    } else if (kind === "gru") {
      const [r, z] = [sigmoid(gate(0)), sigmoid(gate(1))];
      extra[i] = times(layer, 2, before, i);
      const n = Math.tanh(into(2, i) + r * extra[i]!);
      after[i] = (1 - z) * n + z * before[i]!;
      for (const [g, value] of [r, z, n].entries()) gates[g * H + i] = value;
    } else after[i] = gates[i] = activations[kind === "orthogonal" ? "tanh" : kind][0](gate(0));
  }
  return { before, after, gates, extra, cell };
}

/** From the gradients by h and c after a step to those before it. @param byC of an LSTM: by the c that the next step reads */
function backward(layer: Layer, { before, gates, extra, cell }: Step, byH: Float64Array, byC: Float64Array) {
  const { kind, W, b } = layer;
  const count = b.length / H;
  /** By what goes into each gate, before its activation; of GRU's n, by W_n·h. */
  const byA = new Float64Array(count * H);
  const [nextH, nextC] = [new Float64Array(H), new Float64Array(H)];
  for (let i = 0; i < H; i++) {
    const [p, q, r, s] = [gates[i]!, gates[H + i]!, gates[2 * H + i]!, gates[3 * H + i]!];
    const dh = byH[i]!;
    if (kind === "lstm") {
      const out = Math.tanh(extra[i]!);
      const dc = byC[i]! + dh * s * (1 - out * out);
      byA[i] = dc * r * p * (1 - p);
      byA[H + i] = dc * cell[i]! * q * (1 - q);
      byA[2 * H + i] = dc * p * (1 - r * r);
      byA[3 * H + i] = dh * out * s * (1 - s);
      nextC[i] = dc * q;
    } else if (kind === "gru") {
      const dn = dh * (1 - q) * (1 - r * r);
      byA[i] = dn * extra[i]! * p * (1 - p);
      byA[H + i] = dh * (before[i]! - r) * q * (1 - q);
      byA[2 * H + i] = dn * p;
      nextH[i] = dh * q;
    } else byA[i] = dh * activations[kind === "orthogonal" ? "tanh" : kind][1](p);
  }
  for (let row = 0; row < count * H; row++) for (let j = 0; j < H; j++) nextH[j]! += W[row * H + j]! * byA[row]!;
  return { byH: nextH, byC: nextC };
}

/**
 * The norm of the gradient of the last step's output by the state of each step: of an LSTM by h and c together. From the last step
 * back, as shares of the last one's.
 */
export function shares(layer: Layer, x: Float64Array): number[] {
  const T = x.length / I;
  const steps: Step[] = [];
  let h: Float64Array = new Float64Array(H);
  let c: Float64Array = new Float64Array(H);
  for (let t = 0; t < T; t++) {
    const step = forward(layer, x.subarray(t * I, t * I + I), h, c);
    steps.push(step);
    h = step.after;
    if (layer.kind === "lstm") c = step.extra;
  }
  let byH = layer.V;
  let byC: Float64Array = new Float64Array(H);
  const norms = [Math.hypot(...byH)];
  for (const step of steps.slice(1).reverse()) {
    ({ byH, byC } = backward(layer, step, byH, byC));
    norms.push(Math.hypot(...byH, ...byC));
  }
  return norms.map((one) => one / norms[0]!);
}

/** (γ_W·γ_φ)^(s-t): no RNN's share is larger. @param norm the largest singular value of W */
export const boundOf = (kind: Kind, norm: number, T: number): number[] =>
  Array.from({ length: T }, (_, n) => (norm * (kind === "sigmoid" ? 0.25 : 1)) ** n);
