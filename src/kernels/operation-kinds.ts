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

export const operationKinds: Readonly<Record<OperationName, OperationKind>> = {
  add: { operands: 2, whole: true, differentiable: true },
  sub: { operands: 2, whole: true, differentiable: true },
  mul: { operands: 2, whole: true, differentiable: true },
  div: { operands: 2, differentiable: true },
  neg: { operands: 1, whole: true, differentiable: true },
  abs: { operands: 1, whole: true, differentiable: true },
  sign: { operands: 1, whole: true },
  floor: { operands: 1 },
  max: { operands: 2, whole: true, differentiable: true },
  min: { operands: 2, whole: true, differentiable: true },
  clamp: { operands: 3, whole: true, differentiable: true },
  pow: { operands: 2, differentiable: true },
  sqrt: { operands: 1, differentiable: true },
  exp: { operands: 1, differentiable: true },
  log: { operands: 1, differentiable: true },
  sin: { operands: 1, differentiable: true },
  cos: { operands: 1, differentiable: true },
  sigmoid: { operands: 1, differentiable: true },
  tanh: { operands: 1, differentiable: true },
  relu: { operands: 1, differentiable: true },
  gelu: { operands: 1, differentiable: true },
  geluSlope: { operands: 1 },
  silu: { operands: 1, differentiable: true },
  softplus: { operands: 1, differentiable: true },
  eq: { operands: 2, whole: true, gives: "i32" },
  ne: { operands: 2, whole: true, gives: "i32" },
  lt: { operands: 2, whole: true, gives: "i32" },
  le: { operands: 2, whole: true, gives: "i32" },
  gt: { operands: 2, whole: true, gives: "i32" },
  ge: { operands: 2, whole: true, gives: "i32" },
  where: { operands: 3, whole: true, condition: true, differentiable: true },
  float: { operands: 1, whole: true, gives: "f32" },
  int: { operands: 1, whole: true, gives: "i32" },
  expand: { operands: 1, whole: true, differentiable: true },
  detach: { operands: 1, whole: true },
};
