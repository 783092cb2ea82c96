import type { Graph, GraphNode, Operand } from "./graph.ts";

// Functions of f32 as operations on four lanes, to about 1e-7 of their value. NaN stays NaN.

/** log(2) as a sum whose first part has few digits, so that whole numbers times it are exact. */
const [LOG_2_HIGH, LOG_2_LOW] = [0.693359375, -2.1219444005469057e-4];
/** Added to t, it leaves n + 127 in the last bits, where n is the nearest whole number. */
const ROUNDS = 1.5 * 2 ** 23 + 127;
/** (2^f - 1) / f for f in ±1/2, to 2e-8: through its values at the Chebyshev points. */
const POWER = [
  0.6931471824645996, 0.24022650718688965, 0.055503569543361664, 0.009618083015084267, 0.0013390863314270973,
  0.00015453163359779865,
];

/** c[0] + x·(c[1] + x·(…)) */
function polynomial(g: Graph, x: GraphNode, coefficients: readonly number[]): GraphNode {
  return coefficients
    .slice(0, -1)
    .reduceRight<GraphNode>((sum, c) => g.add(g.mul(sum, x), c), g.operand(coefficients.at(-1)!));
}

/** t = n + f with n whole and f in ±1/2: 2^f - 1, and n + 127 in the last bits of an integer. |t| is less than 2^22. */
function split(g: Graph, t: GraphNode): { power: GraphNode; integer: GraphNode } {
  const shifted = g.add(t, ROUNDS);
  const f = g.sub(t, g.sub(shifted, ROUNDS));
  return { power: g.mul(f, polynomial(g, f, POWER)), integer: g.cast("i32", shifted) };
}

/** 2^n, for n from -126 to 127 and n + 127 in the last bits. */
const twoToThe = (g: Graph, integer: GraphNode): GraphNode => g.cast("f32", g.make("i32x4.shl", "i32", [integer], 23));

/** x times 2^n in two factors, because one alone would overflow, or be too small, before the result is. */
function timesTwoToThe(g: Graph, x: GraphNode, integer: GraphNode): GraphNode {
  const i32 = (op: string, a: GraphNode, b: number) => g.make(`i32x4.${op}`, "i32", [a, g.constant("i32", b)]);
  const shifted = (op: string, a: GraphNode, by: number) => g.make(`i32x4.${op}`, "i32", [a], by);
  // The bits in front of n are those of ROUNDS, which a shift to the left and back takes off.
  const n = i32("sub", shifted("shr_s", shifted("shl", integer, 16), 16), 127);
  const half = shifted("shr_s", n, 1);
  const rest = g.make("i32x4.sub", "i32", [n, half]);
  return g.mul(g.mul(x, twoToThe(g, i32("add", half, 127))), twoToThe(g, i32("add", rest, 127)));
}

function exp2(g: Graph, x: GraphNode): GraphNode {
  const { power, integer } = split(g, g.within(x, -152, 129));
  return timesTwoToThe(g, g.add(power, 1), integer);
}

/** exp(x) = 2^n·2^f, with f·log(2) = x - n·log(2) told from x, not from x·log2(e), whose rounding would show. */
function exp(g: Graph, x: GraphNode): GraphNode {
  const cut = g.within(x, -104, 89);
  const shifted = g.add(g.mul(cut, Math.LOG2E), ROUNDS);
  const n = g.sub(shifted, ROUNDS);
  const f = g.mul(g.sub(g.sub(cut, g.mul(n, LOG_2_HIGH)), g.mul(n, LOG_2_LOW)), Math.LOG2E);
  const power = g.mul(f, polynomial(g, f, POWER));
  return timesTwoToThe(g, g.add(power, 1), g.cast("i32", shifted));
}

/** x = 2^k·m with m from sqrt(1/2) to sqrt(2), and log(m) = 2·artanh(s) with s = (m - 1) / (m + 1), by its series. */
function log(g: Graph, x: GraphNode): GraphNode {
  const isTiny = g.compare("lt", x, 2 ** -126);
  const bits = g.cast("i32", g.select(x, g.mul(x, 2 ** 23), isTiny));
  const exponent = g.make(
    "i32x4.shr_s",
    "i32",
    [g.make("i32x4.sub", "i32", [bits, g.constant("i32", 0x3f3504f3)])],
    23,
  );
  const m = g.cast("f32", g.make("i32x4.sub", "i32", [bits, g.make("i32x4.shl", "i32", [exponent], 23)]));
  const k = g.sub(g.make("f32x4.convert_i32x4_s", "f32", [exponent]), g.select(0, 23, isTiny));
  const s = g.div(g.sub(m, 1), g.add(m, 1));
  const q = g.mul(s, s);
  const l = g.mul(s, polynomial(g, q, [2, 2 / 3, 2 / 5, 2 / 7, 2 / 9]));
  const y = g.add(g.mul(k, LOG_2_HIGH), g.add(l, g.mul(k, LOG_2_LOW)));
  const ofZero = g.select(Number.NaN, Number.NEGATIVE_INFINITY, g.compare("eq", x, 0));
  const isPositive = g.compare("gt", x, 0);
  // Of infinity and of NaN it is what it is given.
  const isLess = g.compare("lt", x, Number.POSITIVE_INFINITY);
  return g.select(g.select(x, ofZero, g.compare("le", x, 0)), y, g.make("v128.and", "bool", [isPositive, isLess]));
}

/** 1 / (1 + 2^t), where the limits keep 2^t finite and NaN goes through all of it. */
function sigmoid(g: Graph, x: GraphNode): GraphNode {
  const { power, integer } = split(g, g.within(g.mul(x, -Math.LOG2E), -126, 126));
  return g.div(1, g.add(g.mul(g.add(power, 1), twoToThe(g, integer)), 1));
}

/** E / (E + 2) with E = exp(2x) - 1 = (2^f - 1)·2^n + (2^n - 1), which loses no digits near 0. */
function tanh(g: Graph, x: GraphNode): GraphNode {
  const { power, integer } = split(g, g.within(g.mul(x, 2 * Math.LOG2E), -30, 30));
  const scale = twoToThe(g, integer);
  const e = g.add(g.mul(power, scale), g.sub(scale, 1));
  return g.div(e, g.add(e, 2));
}

/** x, with the sign of another number. */
const copySign = (g: Graph, x: Operand, from: GraphNode): GraphNode =>
  g.make("v128.bitselect", "f32", [from, g.operand(x), g.constant("i32", -0x8000_0000)]);

/** sinh or cosh of |x|: exp(|x|) and its inverse, both by half, from exp(|x| / 2), which is not yet too large. */
function hyperbolic(g: Graph, x: GraphNode, sign: 1 | -1): GraphNode {
  const root = exp(g, g.mul(g.abs(x), 0.5));
  const half = g.mul(g.mul(root, 0.5), root);
  return g.add(half, g.div(sign * 0.25, half));
}

function sinh(g: Graph, x: GraphNode): GraphNode {
  const q = g.mul(x, x);
  const near = g.mul(x, polynomial(g, q, [1, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880]));
  return g.select(copySign(g, hyperbolic(g, x, -1), x), near, g.compare("lt", g.abs(x), 1));
}

/** As C's pow for x >= 0; NaN below. */
function pow(g: Graph, x: GraphNode, y: GraphNode): GraphNode {
  return g.select(exp(g, g.mul(y, log(g, x))), 1, g.compare("eq", y, 0));
}

type Builtin = (g: Graph, a: GraphNode, b: GraphNode, c: GraphNode) => GraphNode;

/** WGSL's own functions of floats, by name, with how many arguments they take. */
export const builtins: Readonly<Record<string, readonly [count: number, make: Builtin]>> = {
  abs: [1, (g, x) => g.abs(x)],
  ceil: [1, (g, x) => g.ceil(x)],
  clamp: [3, (g, x, low, high) => g.min(g.max(x, low), high)],
  cosh: [1, (g, x) => hyperbolic(g, x, 1)],
  exp: [1, exp],
  exp2: [1, exp2],
  floor: [1, (g, x) => g.floor(x)],
  fma: [3, (g, a, b, c) => g.add(g.mul(a, b), c)],
  fract: [1, (g, x) => g.sub(x, g.floor(x))],
  inverseSqrt: [1, (g, x) => g.div(1, g.sqrt(x))],
  log: [1, log],
  log2: [1, (g, x) => g.mul(log(g, x), Math.LOG2E)],
  max: [2, (g, a, b) => g.max(a, b)],
  min: [2, (g, a, b) => g.min(a, b)],
  mix: [3, (g, a, b, t) => g.add(g.mul(a, g.sub(1, t)), g.mul(b, t))],
  pow: [2, pow],
  round: [1, (g, x) => g.round(x)],
  saturate: [1, (g, x) => g.min(g.max(x, 0), 1)],
  // Of 0 and of NaN it is what it is given.
  sign: [1, (g, x) => g.select(copySign(g, 1, x), x, g.not(g.compare("gt", g.abs(x), 0)))],
  sinh: [1, sinh],
  smoothstep: [
    3,
    (g, low, high, x) => {
      const t = g.min(g.max(g.div(g.sub(x, low), g.sub(high, low)), 0), 1);
      return g.mul(g.mul(t, t), g.sub(3, g.mul(2, t)));
    },
  ],
  sqrt: [1, (g, x) => g.sqrt(x)],
  step: [2, (g, edge, x) => g.select(0, 1, g.compare("ge", x, edge))],
  tanh: [1, tanh],
  trunc: [1, (g, x) => g.trunc(x)],
};

/** Functions of shaders/lib/activations.wgsl that take fewer operations here than by their WGSL. */
export const activations: Readonly<Record<string, readonly [count: number, make: Builtin]>> = {
  sigmoid: [1, sigmoid],
  hyperbolicTangent: [1, tanh],
  orNaN: [2, (g, x, y) => g.select(x, y, g.compare("eq", x, x))],
};
