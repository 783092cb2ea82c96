import { checkNumber, LEAST, OptionError, shown } from "../errors.ts";

/** 1 / (1 + exp(-x)), in the form that does not overflow on either side. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** A parameter's default, which is ONNX's if it has one, and its least value here. */
interface Range {
  readonly default?: number;
  readonly least?: number;
}

interface Formula {
  /** Name of its function in shaders/lib/activations.wgsl; the derivative's ends in `Derivative`. */
  readonly wgsl: string;
  readonly f: (x: number, alpha: number, beta: number) => number;
  /** The parameters that it takes. */
  readonly alpha?: Range;
  readonly beta?: Range;
}

/** Activations by ONNX's names (operator specification of LSTM, attribute `activations`). */
export type ActivationName =
  | "Sigmoid"
  | "Tanh"
  | "Relu"
  | "LeakyRelu"
  | "ThresholdedRelu"
  | "ScaledTanh"
  | "HardSigmoid"
  | "Elu"
  | "Softsign"
  | "Softplus"
  | "Affine";

const formulas: Readonly<Record<ActivationName, Formula>> = {
  Sigmoid: { wgsl: "sigmoid", f: sigmoid },
  Tanh: { wgsl: "hyperbolicTangent", f: Math.tanh },
  Relu: { wgsl: "relu", f: (x) => Math.max(x, 0) },
  LeakyRelu: {
    wgsl: "leakyRelu",
    f: (x, alpha) => (x >= 0 ? x : alpha * x),
    alpha: { default: 0.01, least: 0 },
  },
  ThresholdedRelu: {
    wgsl: "thresholdedRelu",
    f: (x, alpha) => (x <= alpha ? 0 : x),
    alpha: { default: 1, least: 0 },
  },
  ScaledTanh: {
    wgsl: "scaledTanh",
    f: (x, alpha, beta) => alpha * Math.tanh(beta * x),
    alpha: { least: LEAST },
    beta: {},
  },
  HardSigmoid: {
    wgsl: "hardSigmoid",
    f: (x, alpha, beta) => Math.max(0, Math.min(1, alpha * x + beta)),
    alpha: { default: 0.2 },
    beta: { default: 0.5 },
  },
  Elu: {
    wgsl: "elu",
    f: (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x)),
    alpha: { default: 1, least: 0 },
  },
  Softsign: { wgsl: "softsign", f: (x) => x / (1 + Math.abs(x)) },
  Softplus: {
    wgsl: "softplus",
    f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  },
  Affine: {
    wgsl: "affine",
    f: (x, alpha, beta) => alpha * x + beta,
    alpha: { default: 1 },
    beta: { default: 0 },
  },
};

export const activationNames = Object.keys(formulas) as readonly ActivationName[];

/**
 * An activation function: a name, or a name with the parameters that it takes. Formulas and defaults are ONNX's:
 * `LeakyRelu` (alpha 0.01), `ThresholdedRelu` (alpha 1), `ScaledTanh` alpha·tanh(beta·x) (both needed), `HardSigmoid`
 * min(max(alpha·x + beta, 0), 1) (0.2, 0.5), `Elu` (alpha 1), `Affine` alpha·x + beta (1, 0); `Sigmoid`, `Tanh`, `Relu`,
 * `Softsign` and `Softplus` take none.
 */
export type Activation =
  | ActivationName
  | { readonly name: ActivationName; readonly alpha?: number; readonly beta?: number };

/** One activation, or one for each of the two directions. */
export type Activations = Activation | readonly [forward: Activation, backward: Activation];

/** An activation as the cells use it: two functions and how they are written in WGSL. */
export interface ActivationFunction {
  /** `LeakyRelu(0.01)`: tells activations apart. */
  readonly key: string;
  readonly name: ActivationName;
  readonly alpha: number;
  readonly beta: number;
  /** Where `clip` did not cut the input, y lies between these. */
  readonly within?: readonly [from: number, to: number];
  f(x: number): number;
  /** WGSL of `f(x)` and of `derivative(y)`, with literals for the parameters. */
  readonly wgsl: { readonly f: string; readonly derivative: string };
}

/** A number that f32 can hold, as a WGSL literal. */
export const literal = (value: number): string => `f32(${Math.fround(value).toExponential()})`;

/**
 * Checks an activation and limits its input to ±`clip`.
 * @throws OptionError naming the activation, its parameters and what is allowed
 */
function single(what: string, given: unknown, clip: number | undefined): ActivationFunction {
  const { name, ...parameters } =
    typeof given === "object" && given !== null
      ? (given as { name: unknown; alpha?: unknown; beta?: unknown })
      : { name: given };
  if (typeof name !== "string" || !Object.hasOwn(formulas, name)) {
    throw new OptionError(`${what} is ${shown(given)}, expected one of ${activationNames.join(", ")}`);
  }
  const formula = formulas[name as ActivationName];
  const takes = [...(formula.alpha ? ["alpha"] : []), ...(formula.beta ? ["beta"] : [])];
  for (const parameter of Object.keys(parameters)) {
    if (takes.includes(parameter)) continue;
    throw new OptionError(
      `${what}: ${name} takes ${takes.join(" and ") || "no parameters"}, not "${parameter}"; leave it out`,
    );
  }
  const { alpha: alphaOf, beta: betaOf } = formula;
  const number = (parameter: "alpha" | "beta", { default: byDefault, least }: Range): number => {
    const { [parameter]: value = byDefault } = parameters;
    if (value === undefined) {
      const needed = takes.map((one) => `${one}: …`).join(", ");
      throw new OptionError(
        `${what}: ${name} without ${parameter}, for which there is no default; give { name: "${name}", ${needed} }`,
      );
    }
    return checkNumber(`${what}: ${name}`, parameter, value, least);
  };
  const alpha = alphaOf ? number("alpha", alphaOf) : 0;
  const beta = betaOf ? number("beta", betaOf) : 0;
  const values = [...(alphaOf ? [alpha] : []), ...(betaOf ? [beta] : [])];
  const call = (fn: string, x: string) => `${fn}(${[x, ...values.map(literal)].join(", ")})`;
  const key = `${name}${values.length ? `(${values.join(",")})` : ""}`;
  const plain = {
    key,
    name: name as ActivationName,
    alpha,
    beta,
    f: (x: number) => formula.f(x, alpha, beta),
    wgsl: { f: call(formula.wgsl, "x"), derivative: call(`${formula.wgsl}Derivative`, "y") },
  };
  if (clip === undefined) return plain;
  // All formulas are monotone: where the input was cut, y lies at an end of what [-clip, clip] is turned into. The ends are
  // narrowed by rounding's width, because two kernels may round them differently.
  const [low, high] = [plain.f(-clip), plain.f(clip)].sort((a, b) => a - b) as [number, number];
  const narrow = (end: number) => 1e-6 * Math.min(high - low, Math.abs(end));
  const [from, to] = [low + narrow(low), high - narrow(high)];
  const c = literal(clip);
  return {
    ...plain,
    key: `${key}|${clip}|`,
    within: [from, to],
    f: (x) => plain.f(Math.max(-clip, Math.min(clip, x))),
    wgsl: {
      f: call(formula.wgsl, `cut(x, ${c})`),
      derivative: `select(Real(0.0), ${plain.wgsl.derivative}, (y > Real(${literal(from)})) & (y < Real(${literal(to)})))`,
    },
  };
}

/** An activation for each direction; most have the same in both. */
export interface CellActivation {
  readonly key: string;
  of(direction: number): ActivationFunction;
  f(x: number, direction: number): number;
  /** The two functions in WGSL under this name: `<name>(x)` and `<name>Derivative(y)`. */
  wgsl(name: string): string;
}

/**
 * Makes what a cell uses of an activation option.
 * @param what names the option in messages
 * @param clip what goes in is cut to ±clip first (ONNX's `clip`); undefined: no limit
 */
export function cellActivation(what: string, given: Activations, clip?: number): CellActivation {
  const pair = Array.isArray(given);
  if (pair && given.length !== 2)
    throw new OptionError(
      `${what} is ${shown(given)}, a list of ${given.length}; expected one activation, or a pair for the two directions`,
    );
  const both = pair
    ? [single(`${what}[0]`, given[0], clip), single(`${what}[1]`, given[1], clip)]
    : [single(what, given, clip)];
  const [first, second = first] = both as [ActivationFunction, ActivationFunction?];
  const same = first.key === second.key;
  const of = (direction: number) => (direction === 1 ? second : first);
  const body = (kind: "f" | "derivative") =>
    same
      ? `return ${first.wgsl[kind]};`
      : `if (cellDirection == 1u) { return ${second.wgsl[kind]}; } return ${first.wgsl[kind]};`;
  return {
    key: same ? first.key : `${first.key}/${second.key}`,
    of,
    f: (x, direction) => of(direction).f(x),
    wgsl: (name) =>
      `fn ${name}(x: Real) -> Real { ${body("f")} }\nfn ${name}Derivative(y: Real) -> Real { ${body("derivative")} }`,
  };
}
