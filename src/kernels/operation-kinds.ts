// What the functions of tensors must know of operations: little, because a tensor's methods bring it into every bundle. How they are
// computed stands in operations.ts, which comes with the commands that need it.

/** What an expression may apply. */
export type OperationName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "max"
  | "min"
  | "clamp"
  | "pow"
  | "sqrt"
  | "exp"
  | "log"
  | "sin"
  | "cos"
  | "sigmoid"
  | "tanh"
  | "relu"
  | "gelu"
  | "geluSlope"
  | "erf"
  | "silu"
  | "softplus"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "where"
  | "float"
  | "int"
  | "expand"
  | "detach";

export interface OperationKind {
  readonly operands: 1 | 2 | 3;
  /** It is known for whole numbers; elsewhere they are turned into f32 first. */
  readonly whole?: true;
  /** What comes out, where that is not what went in. */
  readonly gives?: "i32" | "f32";
  /** The first operand is a condition, i32, which holds where it is not 0. */
  readonly condition?: true;
  readonly differentiable?: true;
}

const ONE: OperationKind = { operands: 1, differentiable: true };
const EXACT_ONE: OperationKind = { operands: 1, whole: true, differentiable: true };
const EXACT_TWO: OperationKind = { operands: 2, whole: true, differentiable: true };
const COMPARISON: OperationKind = { operands: 2, whole: true, gives: "i32" };

export const operationKinds: Readonly<Record<OperationName, OperationKind>> = {
  add: EXACT_TWO,
  sub: EXACT_TWO,
  mul: EXACT_TWO,
  div: { operands: 2, differentiable: true },
  neg: EXACT_ONE,
  abs: EXACT_ONE,
  sign: { operands: 1, whole: true },
  floor: { operands: 1 },
  max: EXACT_TWO,
  min: EXACT_TWO,
  clamp: { operands: 3, whole: true, differentiable: true },
  pow: { operands: 2, differentiable: true },
  sqrt: ONE,
  exp: ONE,
  log: ONE,
  sin: ONE,
  cos: ONE,
  sigmoid: ONE,
  tanh: ONE,
  relu: ONE,
  gelu: ONE,
  geluSlope: { operands: 1 },
  erf: ONE,
  silu: ONE,
  softplus: ONE,
  eq: COMPARISON,
  ne: COMPARISON,
  lt: COMPARISON,
  le: COMPARISON,
  gt: COMPARISON,
  ge: COMPARISON,
  where: { operands: 3, whole: true, condition: true, differentiable: true },
  float: { operands: 1, whole: true, gives: "f32" },
  int: { operands: 1, whole: true, gives: "i32" },
  expand: EXACT_ONE,
  detach: { operands: 1, whole: true },
};
