import { sigmoid } from "../cells/activations.ts";
import { activationsWgsl } from "../shaders/lib/activations.generated.ts";
import { exponentialWgsl } from "../shaders/lib/exponential.generated.ts";
import { finiteWgsl } from "../shaders/lib/finite.generated.ts";
import { normalWgsl } from "../shaders/lib/normal.generated.ts";
import { trigonometryWgsl } from "../shaders/lib/trigonometry.generated.ts";
import type { Shader } from "../shaders/shader.ts";
import { LEAST_WHOLE, MOST_WHOLE } from "../tensor-data.ts";
import type { OperationName } from "./operation-kinds.ts";
import type { Term, Terms } from "./terms.ts";

// The operations of pointwise expressions. How each is computed stands here: its WGSL, its float64 twin, its derivative.

type Numbers = (a: number, b: number, c: number) => number;

/** How an operation is computed for one element type. */
export interface Maths {
  /** WGSL of the operands a, b and c. */
  readonly wgsl: string;
  /** The files of shaders/lib that it needs. */
  readonly includes?: readonly Shader[];
  readonly f: Numbers;
}

/** The terms that a derivative may use: the operands, and the result. */
interface Known {
  readonly a: Term;
  readonly b: Term;
  readonly c: Term;
  readonly y: Term;
}

export interface Operation extends Maths {
  /** What it is on whole numbers; absent: they are turned into f32 first. */
  readonly integer?: Maths;
  /** The gradient by each operand, from the gradient `g` by the result; absent where there is none. */
  readonly gradient?: (terms: Terms, g: Term, known: Known) => readonly (Term | undefined)[];
}

/** What the normal distribution has between 0 and x, by Marsaglia's series, "Evaluating the Normal Distribution", J. Stat. Software 11(4), 2004. */
function normalFrom0(x: number): number {
  if (!(Math.abs(x) <= 9)) return 0.5 * Math.sign(x);
  let sum = 0;
  let term = x;
  for (let n = 3; sum + term !== sum; n += 2) {
    sum += term;
    term *= (x * x) / n;
  }
  return sum * normalDensity(x);
}
const normalBelow = (x: number): number => 0.5 + normalFrom0(x);
const normalDensity = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

const activations = [activationsWgsl];
const exponential = [exponentialWgsl];
const finite = [finiteWgsl];

/** A comparison, which is 1 where it holds and 0 elsewhere. */
function comparison(sign: string, f: (a: number, b: number) => boolean): Operation {
  const maths = { wgsl: `select(0i, 1i, a ${sign} b)`, f: (a: number, b: number) => Number(f(a, b)) };
  return { ...maths, integer: maths };
}

/** The larger or the smaller of two. As in torch.maximum, equal ones share the gradient, and NaN stays NaN. */
function extreme(name: "max" | "min", first: "gt" | "lt"): Operation {
  const f = name === "max" ? Math.max : Math.min;
  return {
    wgsl: `orNaN(a, orNaN(b, ${name}(a, b)))`,
    f: (a, b) => f(a, b),
    integer: { wgsl: `${name}(a, b)`, f: (a, b) => f(a, b) },
    includes: activations,
    gradient: (t, g, { a, b }) => {
      const half = t.apply("mul", g, 0.5);
      const share = (one: Term, other: Term) =>
        t.apply("where", t.apply("eq", one, other), half, t.apply("where", t.apply(first, one, other), g, 0));
      return [share(a, b), share(b, a)];
    },
  };
}

export const operations: Readonly<Record<OperationName, Operation>> = {
  add: {
    wgsl: "(a + b)",
    f: (a, b) => a + b,
    integer: { wgsl: "(a + b)", f: (a, b) => (a + b) | 0 },
    gradient: (_, g) => [g, g],
  },
  sub: {
    wgsl: "(a - b)",
    f: (a, b) => a - b,
    integer: { wgsl: "(a - b)", f: (a, b) => (a - b) | 0 },
    gradient: (t, g) => [g, t.apply("neg", g)],
  },
  mul: {
    wgsl: "(a * b)",
    f: (a, b) => a * b,
    integer: { wgsl: "(a * b)", f: (a, b) => Math.imul(a, b) },
    gradient: (t, g, { a, b }) => [t.apply("mul", g, b), t.apply("mul", g, a)],
  },
  div: {
    wgsl: "(a / b)",
    f: (a, b) => a / b,
    gradient: (t, g, { b, y }) => {
      const byA = t.apply("div", g, b);
      return [byA, t.apply("neg", t.apply("mul", byA, y))];
    },
  },
  neg: {
    wgsl: "(-a)",
    f: (a) => -a,
    integer: { wgsl: "(-a)", f: (a) => -a | 0 },
    gradient: (t, g) => [t.apply("neg", g)],
  },
  abs: {
    wgsl: "abs(a)",
    f: Math.abs,
    integer: { wgsl: "abs(a)", f: (a) => Math.abs(a) | 0 },
    gradient: (t, g, { a }) => [t.apply("mul", g, t.apply("sign", a))],
  },
  sign: {
    wgsl: "orNaN(a, sign(a))",
    f: Math.sign,
    integer: { wgsl: "sign(a)", f: Math.sign },
    includes: activations,
  },
  floor: { wgsl: "floor(a)", f: Math.floor },
  max: extreme("max", "gt"),
  min: extreme("min", "lt"),
  clamp: {
    wgsl: "orNaN(a, min(max(a, b), c))",
    f: (a, b, c) => Math.min(Math.max(a, b), c),
    integer: { wgsl: "min(max(a, b), c)", f: (a, b, c) => Math.min(Math.max(a, b), c) },
    includes: activations,
    gradient: (t, g, { a, b, c }) => {
      const inside = t.apply("mul", t.apply("ge", a, b), t.apply("le", a, c));
      return [t.apply("where", inside, g, 0), undefined, undefined];
    },
  },
  pow: {
    wgsl: "power(a, b)",
    f: (a, b) => a ** b,
    includes: exponential,
    gradient: (t, g, { a, b, y }) => [
      // The power of 0 does not change with a; the formula has 0 times infinity for it where a is 0.
      t.apply(
        "where",
        t.apply("eq", b, 0),
        0,
        t.apply("mul", g, t.apply("mul", b, t.apply("pow", a, t.apply("sub", b, 1)))),
      ),
      // 0 to the power of b does not change with b.
      t.apply("where", t.apply("eq", a, 0), 0, t.apply("mul", g, t.apply("mul", y, t.apply("log", a)))),
    ],
  },
  sqrt: {
    wgsl: "squareRoot(a)",
    f: Math.sqrt,
    includes: exponential,
    gradient: (t, g, { y }) => [t.apply("div", t.apply("mul", g, 0.5), y)],
  },
  exp: {
    wgsl: "exponential(a)",
    f: Math.exp,
    includes: exponential,
    gradient: (t, g, { y }) => [t.apply("mul", g, y)],
  },
  log: {
    wgsl: "logarithm(a)",
    f: Math.log,
    includes: exponential,
    gradient: (t, g, { a }) => [t.apply("div", g, a)],
  },
  sin: {
    wgsl: "sine(a)",
    f: Math.sin,
    includes: [trigonometryWgsl],
    gradient: (t, g, { a }) => [t.apply("mul", g, t.apply("cos", a))],
  },
  cos: {
    wgsl: "cosine(a)",
    f: Math.cos,
    includes: [trigonometryWgsl],
    gradient: (t, g, { a }) => [t.apply("neg", t.apply("mul", g, t.apply("sin", a)))],
  },
  sigmoid: {
    wgsl: "sigmoid(a)",
    f: (a) => sigmoid(a),
    includes: activations,
    gradient: (t, g, { y }) => [t.apply("mul", g, t.apply("mul", y, t.apply("sub", 1, y)))],
  },
  tanh: {
    wgsl: "hyperbolicTangent(a)",
    f: Math.tanh,
    includes: activations,
    gradient: (t, g, { y }) => [t.apply("mul", g, t.apply("sub", 1, t.apply("mul", y, y)))],
  },
  relu: {
    wgsl: "relu(a)",
    f: (a) => Math.max(a, 0),
    includes: activations,
    gradient: (t, g, { y }) => [t.apply("where", t.apply("gt", y, 0), g, 0)],
  },
  gelu: {
    wgsl: "(a * normalBelow(a))",
    f: (a) => a * normalBelow(a),
    includes: [normalWgsl],
    gradient: (t, g, { a }) => [t.apply("mul", g, t.apply("geluSlope", a))],
  },
  /** The derivative of gelu. */
  geluSlope: {
    wgsl: "(normalBelow(a) + a * normalDensity(a))",
    f: (a) => normalBelow(a) + a * normalDensity(a),
    includes: [normalWgsl],
  },
  erf: {
    wgsl: "orNaN(a, errorFunction(a))",
    f: (a) => 2 * normalFrom0(a * Math.SQRT2),
    includes: [activationsWgsl, normalWgsl],
    gradient: (t, g, { a }) => {
      const bell = t.apply("exp", t.apply("neg", t.apply("mul", a, a)));
      return [t.apply("mul", g, t.apply("mul", 2 / Math.sqrt(Math.PI), bell))];
    },
  },
  silu: {
    // Not by sigmoid, which goes no further than 1e-35 down: the product with a large number is not 0 then.
    wgsl: "(a / (1.0 + exponential(-a)))",
    f: (a) => a * sigmoid(a),
    includes: exponential,
    gradient: (t, g, { a, y }) => {
      const s = t.apply("sigmoid", a);
      return [t.apply("mul", g, t.apply("add", s, t.apply("mul", y, t.apply("sub", 1, s))))];
    },
  },
  softplus: {
    wgsl: "softplus(a)",
    f: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
    includes: activations,
    gradient: (t, g, { a }) => [t.apply("mul", g, t.apply("sigmoid", a))],
  },
  eq: comparison("==", (a, b) => a === b),
  ne: {
    ...comparison("!=", (a, b) => a !== b),
    // By the bits, because a compiler may assume that there is no NaN.
    wgsl: "select(0i, 1i, a != b || isNaN(a) || isNaN(b))",
    includes: finite,
  },
  lt: comparison("<", (a, b) => a < b),
  le: comparison("<=", (a, b) => a <= b),
  gt: comparison(">", (a, b) => a > b),
  ge: comparison(">=", (a, b) => a >= b),
  where: {
    wgsl: "select(c, b, a != 0)",
    f: (a, b, c) => (a !== 0 ? b : c),
    integer: { wgsl: "select(c, b, a != 0)", f: (a, b, c) => (a !== 0 ? b : c) },
    gradient: (t, g, { a }) => [undefined, t.apply("where", a, g, 0), t.apply("where", a, 0, g)],
  },
  /** Whole numbers as f32. */
  float: { wgsl: "a", f: (a) => a, integer: { wgsl: "f32(a)", f: (a) => a } },
  /** f32 as whole numbers, cut towards 0; WGSL leaves open what becomes of those beyond i32, and of NaN. */
  int: {
    wgsl: `select(select(i32(a), ${MOST_WHOLE}i, a >= ${MOST_WHOLE + 1}.0), 0i, isNaN(a))`,
    includes: finite,
    f: (a) => (Number.isNaN(a) ? 0 : Math.max(LEAST_WHOLE, Math.min(Math.trunc(a), MOST_WHOLE))),
    integer: { wgsl: "a", f: (a) => a },
  },
  /** The number itself, in another shape. */
  expand: { wgsl: "a", f: (a) => a, integer: { wgsl: "a", f: (a) => a }, gradient: (_, g) => [g] },
  /** The number itself, without a gradient. */
  detach: { wgsl: "a", f: (a) => a, integer: { wgsl: "a", f: (a) => a } },
};
