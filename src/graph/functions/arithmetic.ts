import { checkNumber, OptionError, shown } from "../../errors.ts";
import type { OperationName } from "../../kernels/operation-kinds.ts";
import { type DType, isWhole, LEAST_WHOLE, MOST_WHOLE } from "../../tensor-data.ts";
import { type Operand, pointwise } from "../ops/pointwise.ts";
import { Tensor } from "../tensor.ts";
import { expectAny, expectOperand } from "./checks.ts";

// Functions of every number by itself. Operands are tensors or plain numbers and are broadcast as in NumPy: counted from the last
// axis, lengths are equal, or one of them is 1 or missing, and is then repeated. A result that only another of these functions
// reads is computed there: a chain is one dispatch. Whole numbers (i32) stay whole where an operation is known for them (add, sub,
// mul, neg, abs, sign, maximum, minimum, clamp, where, comparisons), and become f32 elsewhere and where they meet f32, or a plain
// number that i32 does not have.

const one = (name: OperationName, x: Tensor): Tensor => pointwise(name, name, [expectAny(`${name}: x`, x)]);

function two(what: string, name: OperationName, a: Operand, b: Operand): Tensor {
  const operands = [expectOperand(`${what}: a`, a), expectOperand(`${what}: b`, b)];
  if (!operands.some((x) => x instanceof Tensor))
    throw new OptionError(`${what}: a and b are ${shown(a)} and ${shown(b)}, expected at least one symbolic tensor`);
  return pointwise(what, name, operands);
}

/**
 * `a + b`, as [torch.add](https://docs.pytorch.org/docs/stable/generated/torch.add.html).
 * @throws ShapeError for shapes that cannot be broadcast
 */
export const add = (a: Operand, b: Operand): Tensor => two("add", "add", a, b);

/**
 * `a - b`, as [torch.sub](https://docs.pytorch.org/docs/stable/generated/torch.sub.html).
 * @throws ShapeError for shapes that cannot be broadcast
 */
export const sub = (a: Operand, b: Operand): Tensor => two("sub", "sub", a, b);

/**
 * `a · b`, as [torch.mul](https://docs.pytorch.org/docs/stable/generated/torch.mul.html).
 * @throws ShapeError for shapes that cannot be broadcast
 */
export const mul = (a: Operand, b: Operand): Tensor => two("mul", "mul", a, b);

/**
 * `a / b`; always f32, as true division, as [torch.div](https://docs.pytorch.org/docs/stable/generated/torch.div.html).
 * @throws ShapeError for shapes that cannot be broadcast
 */
export const div = (a: Operand, b: Operand): Tensor => two("div", "div", a, b);

/**
 * The larger of a and b; equal ones share the gradient, NaN stays NaN, as [torch.maximum](https://docs.pytorch.org/docs/stable/generated/torch.maximum.html).
 * @throws ShapeError for shapes that cannot be broadcast
 */
export const maximum = (a: Operand, b: Operand): Tensor => two("maximum", "max", a, b);

/**
 * The smaller of a and b; equal ones share the gradient, NaN stays NaN, as [torch.minimum](https://docs.pytorch.org/docs/stable/generated/torch.minimum.html).
 * @throws ShapeError for shapes that cannot be broadcast
 */
export const minimum = (a: Operand, b: Operand): Tensor => two("minimum", "min", a, b);

/** 1 where `a = b`, else 0, i32: a mask, as [torch.eq](https://docs.pytorch.org/docs/stable/generated/torch.eq.html). @throws ShapeError for shapes that cannot be broadcast */
export const eq = (a: Operand, b: Operand): Tensor => two("eq", "eq", a, b);

/** 1 where `a ≠ b`, else 0, i32: a mask, as [torch.ne](https://docs.pytorch.org/docs/stable/generated/torch.ne.html). @throws ShapeError for shapes that cannot be broadcast */
export const ne = (a: Operand, b: Operand): Tensor => two("ne", "ne", a, b);

/** 1 where `a < b`, else 0, i32: a mask, as [torch.lt](https://docs.pytorch.org/docs/stable/generated/torch.lt.html). @throws ShapeError for shapes that cannot be broadcast */
export const lt = (a: Operand, b: Operand): Tensor => two("lt", "lt", a, b);

/** 1 where `a ≤ b`, else 0, i32: a mask, as [torch.le](https://docs.pytorch.org/docs/stable/generated/torch.le.html). @throws ShapeError for shapes that cannot be broadcast */
export const le = (a: Operand, b: Operand): Tensor => two("le", "le", a, b);

/** 1 where `a > b`, else 0, i32: a mask, as [torch.gt](https://docs.pytorch.org/docs/stable/generated/torch.gt.html). @throws ShapeError for shapes that cannot be broadcast */
export const gt = (a: Operand, b: Operand): Tensor => two("gt", "gt", a, b);

/** 1 where `a ≥ b`, else 0, i32: a mask, as [torch.ge](https://docs.pytorch.org/docs/stable/generated/torch.ge.html). @throws ShapeError for shapes that cannot be broadcast */
export const ge = (a: Operand, b: Operand): Tensor => two("ge", "ge", a, b);

/** 1 where both are not 0, i32, as [torch.logical_and](https://docs.pytorch.org/docs/stable/generated/torch.logical_and.html). @throws ShapeError for shapes that cannot be broadcast */
export const logicalAnd = (a: Operand, b: Operand): Tensor => mul(ne(a, 0), ne(b, 0));

/** 1 where one of them is not 0, i32, as [torch.logical_or](https://docs.pytorch.org/docs/stable/generated/torch.logical_or.html). @throws ShapeError for shapes that cannot be broadcast */
export const logicalOr = (a: Operand, b: Operand): Tensor => maximum(ne(a, 0), ne(b, 0));

/** 1 where x is 0, i32, as [torch.logical_not](https://docs.pytorch.org/docs/stable/generated/torch.logical_not.html). @throws ShapeError for anything but a tensor */
export const logicalNot = (x: Tensor): Tensor => eq(expectAny("logicalNot: x", x), 0);

/**
 * `a` where the condition is not 0, `b` elsewhere, as [torch.where](https://docs.pytorch.org/docs/stable/generated/torch.where.html): the other one's gradient is 0 there, whatever it is.
 * @throws ShapeError for shapes that cannot be broadcast
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const mask = expectAny("where: condition", condition);
  return pointwise("where", "where", [mask, expectOperand("where: a", a), expectOperand("where: b", b)]);
}

/**
 * `x`, cut to at least `min` and at most `max`, as [torch.clamp](https://docs.pytorch.org/docs/stable/generated/torch.clamp.html); the gradient is 0 where it was cut.
 * @param options.min default no limit
 * @param options.max default no limit
 * @throws OptionError when there is neither limit, or one is no number; ShapeError
 */
export function clamp(x: Tensor, options: { readonly min?: number; readonly max?: number }): Tensor {
  const { min, max } = options ?? {};
  if (min === undefined && max === undefined)
    throw new OptionError(`clamp: the limits are ${shown(options)}, expected { min, max }, or one of them`);
  for (const [name, limit] of Object.entries({ min, max })) if (limit !== undefined) checkNumber("clamp", name, limit);
  return pointwise("clamp", "clamp", [expectAny("clamp: x", x), min ?? LEAST[x.dtype], max ?? MOST[x.dtype]]);
}

/** What nothing is smaller or larger than. */
const LEAST: Readonly<Record<DType, number>> = { f32: Number.NEGATIVE_INFINITY, i32: LEAST_WHOLE };
const MOST: Readonly<Record<DType, number>> = { f32: Number.POSITIVE_INFINITY, i32: MOST_WHOLE };

/**
 * `a` to the power of `b`, as [torch.pow](https://docs.pytorch.org/docs/stable/generated/torch.pow.html). Of a negative number only whole powers exist; others are NaN.
 * @throws ShapeError for shapes that cannot be broadcast
 */
export function pow(a: Operand, b: Operand): Tensor {
  if (a instanceof Tensor) {
    if (b === 1) return a.dtype === "f32" ? a : toFloat(a);
    if (b === 2) return mul(toFloat(a), toFloat(a));
    if (b === 3) return mul(mul(toFloat(a), toFloat(a)), toFloat(a));
    if (b === 0.5) return sqrt(a);
    if (b === -1) return div(1, a);
  }
  return two("pow", "pow", a, b);
}

/** `-x`; as [torch.neg](https://docs.pytorch.org/docs/stable/generated/torch.neg.html). @throws ShapeError for anything but a tensor */
export const neg = (x: Tensor): Tensor => one("neg", x);

/** `|x|`; its gradient at 0 is 0; as [torch.abs](https://docs.pytorch.org/docs/stable/generated/torch.abs.html). @throws ShapeError for anything but a tensor */
export const abs = (x: Tensor): Tensor => one("abs", x);

/** -1, 0 or 1; without gradient; as [torch.sign](https://docs.pytorch.org/docs/stable/generated/torch.sign.html). @throws ShapeError for anything but a tensor */
export const sign = (x: Tensor): Tensor => one("sign", x);

/** The largest whole number that is not above x, as f32; without gradient; as [torch.floor](https://docs.pytorch.org/docs/stable/generated/torch.floor.html). @throws ShapeError for anything but a tensor */
export const floor = (x: Tensor): Tensor => one("floor", x);

/** The smallest whole number that is not below x, as f32; without gradient; as [torch.ceil](https://docs.pytorch.org/docs/stable/generated/torch.ceil.html). @throws ShapeError for anything but a tensor */
export const ceil = (x: Tensor): Tensor => neg(floor(neg(expectAny("ceil: x", x))));

/** Without what stands behind the point, as f32; without gradient; as [torch.trunc](https://docs.pytorch.org/docs/stable/generated/torch.trunc.html). @throws ShapeError for anything but a tensor */
export const trunc = (x: Tensor): Tensor => mul(sign(expectAny("trunc: x", x)), floor(abs(x)));

/** The nearest whole number, the even one of two that are as near, as f32; without gradient; as [torch.round](https://docs.pytorch.org/docs/stable/generated/torch.round.html). @throws ShapeError for anything but a tensor */
export function round(x: Tensor): Tensor {
  const below = floor(expectAny("round: x", x));
  const rest = sub(x, below);
  const isOdd = sub(below, mul(2, floor(mul(below, 0.5))));
  // The comparisons are 1 or 0: what is added to the number below.
  return add(below, where(eq(rest, 0.5), isOdd, gt(rest, 0.5)));
}

/** `1 / x`; as [torch.reciprocal](https://docs.pytorch.org/docs/stable/generated/torch.reciprocal.html). @throws ShapeError for anything but a tensor */
export const reciprocal = (x: Tensor): Tensor => div(1, expectAny("reciprocal: x", x));

/**
 * What is left of `a` after a division by `b`, with the sign of `b`, as [torch.remainder](https://docs.pytorch.org/docs/stable/generated/torch.remainder.html):
 * `a - b · floor(a / b)`. Of whole numbers exact, and i32; those divided by 0 are no numbers that one may rely on.
 * @throws ShapeError for shapes that cannot be broadcast
 */
export function remainder(a: Operand, b: Operand): Tensor {
  const isWholeNumber = (x: Operand) => (x instanceof Tensor ? x.dtype === "i32" : isWhole(x));
  const areWhole = isWholeNumber(a) && isWholeNumber(b);
  const cut = (x: Operand): Tensor => {
    const quotient = floor(two("remainder", "div", x, b));
    return sub(x, mul(b, areWhole ? toInt(quotient) : quotient));
  };
  // f32 has 24 bits of a quotient: what the first one leaves of i32 is small enough for a second one.
  const rest = areWhole ? cut(cut(a)) : cut(a);
  // A quotient that was rounded leaves one b too much or too little.
  const ofB = (f: (x: Tensor) => Tensor, plain: (x: number) => number) => (b instanceof Tensor ? f(b) : plain(b));
  const low = where(lt(mul(sign(rest), ofB(sign, Math.sign)), 0), add(rest, b), rest);
  return where(ge(abs(low), ofB(abs, Math.abs)), sub(low, b), low);
}

/** The error function, 2 / √π times the integral of exp(-t²) from 0 to x; as [torch.erf](https://docs.pytorch.org/docs/stable/generated/torch.erf.html). @throws ShapeError for anything but a tensor */
export const erf = (x: Tensor): Tensor => one("erf", x);

/** The square root, NaN for negative numbers; as [torch.sqrt](https://docs.pytorch.org/docs/stable/generated/torch.sqrt.html). @throws ShapeError for anything but a tensor */
export const sqrt = (x: Tensor): Tensor => one("sqrt", x);

/** E to the power of x; as [torch.exp](https://docs.pytorch.org/docs/stable/generated/torch.exp.html). @throws ShapeError for anything but a tensor */
export const exp = (x: Tensor): Tensor => one("exp", x);

/** The natural logarithm: -Infinity at 0, NaN for negative numbers; as [torch.log](https://docs.pytorch.org/docs/stable/generated/torch.log.html). @throws ShapeError for anything but a tensor */
export const log = (x: Tensor): Tensor => one("log", x);

/** The sine of x in radians, exact to about 1e-7 for |x| up to 8000 and to 1e-6 up to 1e5, NaN beyond (the CPU knows it); as [torch.sin](https://docs.pytorch.org/docs/stable/generated/torch.sin.html). @throws ShapeError for anything but a tensor */
export const sin = (x: Tensor): Tensor => one("sin", x);

/** The cosine of x in radians, exact to about 1e-7 for |x| up to 8000 and to 1e-6 up to 1e5, NaN beyond (the CPU knows it); as [torch.cos](https://docs.pytorch.org/docs/stable/generated/torch.cos.html). @throws ShapeError for anything but a tensor */
export const cos = (x: Tensor): Tensor => one("cos", x);

/** `1 / (1 + exp(-x))`; as [torch.sigmoid](https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html). @throws ShapeError for anything but a tensor */
export const sigmoid = (x: Tensor): Tensor => one("sigmoid", x);

/** The hyperbolic tangent; as [torch.tanh](https://docs.pytorch.org/docs/stable/generated/torch.tanh.html). @throws ShapeError for anything but a tensor */
export const tanh = (x: Tensor): Tensor => one("tanh", x);

/** `max(x, 0)`; its gradient at 0 is 0; as [torch.nn.functional.relu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html). @throws ShapeError for anything but a tensor */
export const relu = (x: Tensor): Tensor => one("relu", x);

/** `x · sigmoid(x)`; as [torch.nn.functional.silu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.silu.html). @throws ShapeError for anything but a tensor */
export const silu = (x: Tensor): Tensor => one("silu", x);

/** `log(1 + exp(x))`, without overflow; as [torch.nn.functional.softplus](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softplus.html). @throws ShapeError for anything but a tensor */
export const softplus = (x: Tensor): Tensor => one("softplus", x);

/**
 * `x · Φ(x)`, Φ the normal distribution function: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)",
 * [arXiv 1606.08415](https://arxiv.org/abs/1606.08415). The exact form, `x · (1 + erf(x / √2)) / 2`, which is the default of
 * [torch.nn.functional.gelu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html), not its approximation
 * by tanh.
 * @throws ShapeError for anything but a tensor
 */
export const gelu = (x: Tensor): Tensor => one("gelu", x);

/** The same numbers, which no gradient goes back through, as [Tensor.detach](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html). */
export const detach = (x: Tensor): Tensor => one("detach", x);

/** Whole numbers as f32, as [Tensor.float](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.float.html); f32 as they are. */
export const toFloat = (x: Tensor): Tensor => (expectAny("toFloat: x", x).dtype === "f32" ? x : one("float", x));

/** Numbers as i32, cut towards 0, those beyond i32 to its ends, NaN to 0, as [Tensor.int](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.int.html); without gradient. */
export const toInt = (x: Tensor): Tensor => (expectAny("toInt: x", x).dtype === "i32" ? x : one("int", x));
