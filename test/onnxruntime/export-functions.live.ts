/** Functions of tensors, exported to ONNX, as ONNX Runtime computes them. */
import { describe, test } from "vitest";
import { functional as F, type Tensor } from "../../src/index.ts";
import { compare, Of } from "./export-compared.ts";

const sizes = [
  { T: 5, B: 2 },
  { T: 2, B: 3 },
  { T: 9, B: 1 },
];
const whole = { shape: ["T", "B"], dtype: "i32" as const };
/** Functions of a [T,B,4] and b [T,B,4], i [T,B] below 4, n [B] below 3. */
const open = {
  inputs: { a: ["T", "B", 4], b: ["T", "B", 4], i: whole, n: { shape: ["B"], dtype: "i32" as const } },
  dynamic: ["T", "B"],
  sizes,
  below: { i: 4, n: 3 },
};
type Case = (inputs: { a: Tensor; b: Tensor; i: Tensor; n: Tensor }) => Record<string, Tensor>;

const functions: Readonly<Record<string, Case>> = {
  arithmetic: ({ a, b }) => ({
    add: a.add(b),
    sub: a.sub(1.5),
    mul: a.mul(b),
    div: a.div(b.abs().add(1)),
    from: F.sub(1, a),
    under: F.div(2, b.pow(2).add(1)),
  }),
  "with whole numbers": ({ a, i }) => ({
    add: i.add(1),
    mul: i.mul(i),
    sub: i.sub(i.mul(2)),
    neg: i.neg().abs(),
    div: i.div(3),
    mixed: a.mul(i.unsqueeze(2)),
    sign: i.sub(1).sign(),
    max: i.maximum(2),
    clamp: i.clamp({ min: 1, max: 2 }),
    half: i.add(0.5),
    int: a.mul(3).toInt(),
    float: i.toFloat(),
  }),
  "of one number": ({ a }) => ({
    neg: a.neg(),
    abs: a.abs(),
    sign: a.sign(),
    floor: a.floor(),
    sqrt: a.abs().sqrt(),
    exp: a.exp(),
    log: a.abs().add(0.1).log(),
    sin: a.sin(),
    cos: a.cos(),
    sigmoid: a.sigmoid(),
    tanh: a.tanh(),
    relu: a.relu(),
    gelu: a.gelu(),
    silu: a.silu(),
    softplus: a.mul(10).softplus(),
    pow: a.abs().pow(1.7),
    square: a.pow(2),
    cube: a.pow(3),
    inverse: a.abs().add(1).pow(-1),
    detach: a.detach(),
  }),
  limits: ({ a, b }) => ({
    max: a.maximum(b),
    min: a.minimum(0.2),
    low: a.clamp({ min: -0.5 }),
    high: a.clamp({ max: 0.5 }),
    both: a.clamp({ min: -0.1, max: 0.3 }),
  }),
  comparisons: ({ a, b, i }) => ({
    eq: i.eq(2),
    ne: i.ne(2),
    lt: a.lt(b),
    le: i.le(i.mul(2).sub(2)),
    gt: a.gt(0),
    ge: a.ge(b),
    and: a.gt(0).logicalAnd(b.gt(0)),
    or: a.gt(0).logicalOr(b.gt(0)),
    not: i.logicalNot(),
    where: F.where(a.gt(b), a, b),
    number: F.where(i.unsqueeze(2), a, -1),
    sum: a.gt(0).sum(0),
    counted: a.gt(0).add(1),
  }),
  sums: ({ a }) => ({
    all: a.sum(),
    first: a.sum(0),
    two: a.sum([0, 2]),
    kept: a.sum(1, { keepdim: true }),
    mean: a.mean(),
    meanT: a.mean(0),
    meanC: a.mean(-1, { keepdim: true }),
    variance: a.variance(-1),
    population: a.variance(-1, { correction: 0 }),
    populationT: a.variance(0, { correction: 0 }),
  }),
  "largest and smallest": ({ a }) => ({
    max: a.max(0),
    min: a.min(2, { keepdim: true }),
    all: a.max(),
    argmax: a.argmax(-1),
    argmin: a.argmin(0),
    two: a.max([0, 2]),
    top: a.topK(3).values,
    where: a.topK(2).indices,
    low: a.topK(2, { largest: false }).values,
    logSumExp: a.logSumExp(-1),
    total: a.logSumExp(),
  }),
  softmax: ({ a }) => ({ last: a.softmax(), first: a.softmax(0), log: a.logSoftmax(), logT: a.logSoftmax(0) }),
  layout: ({ a, i }) => ({
    reshape: a.reshape([a.shape[0]! * a.shape[1]!, 4]),
    pieces: a.reshape([a.shape[0]!, a.shape[1]!, 2, 2]),
    flat: a.reshape([-1]),
    scalar: a.sum().reshape([1, 1]),
    squeeze: a.unsqueeze(1).squeeze(1),
    permute: a.permute([2, 0, 1]),
    transpose: a.transpose(0, 1),
    mT: a.transpose(),
    flip: a.flip(0),
    flips: a.flip([1, 2]),
    whole: i.flip(1),
    expand: a.unsqueeze(0).expand([3, -1, -1, -1]),
    pad: a.pad(
      [
        [1, 2],
        [0, 0],
        [2, 1],
      ],
      { value: 0.5 },
    ),
    padWhole: i.pad(
      [
        [0, 1],
        [1, 0],
      ],
      { value: 7 },
    ),
  }),
  pieces: ({ a, b }) => ({
    slice: a.slice(1, 2),
    every: a.slice(0, 2, 2, 2),
    first: a.select(0),
    last: a.select(-1),
    most: a.slice(0, a.shape[0]! - 1, 0),
    rest: a.slice(1, a.shape[0]! - 1, 0),
    channel: a.select(2, -1),
    concat: F.concat([a, b]),
    concatT: F.concat([a, b], 0),
    stack: F.stack([a, b]),
    stackT: F.stack([a, b], 1),
    split: a.split(3)[0]!,
    splitRest: a.split(3)[1]!,
    pairs: a.slice(0, a.shape[0]!, 0).sub(b),
  }),
  "by index": ({ a, i, n }) => ({
    gather: a.gather(i.unsqueeze(2)),
    select: a.indexSelect(n, 2),
    oneHot: i.oneHot(4),
    numbers: n.oneHot(3),
    cumSum: a.cumSum(0),
    cumSumC: a.cumSum(),
  }),
  products: ({ a, b }) => ({
    matmul: a.matmul(b.transpose()),
    vector: a.matmul(F.constant([1, 2, 3, 4])),
    einsum: F.einsum("tbh,sbh->bts", a, b),
    sum: F.einsum("tbh,tbh->bh", a, b),
    constant: a.mul(F.constant([1, -1, 2, 0.5])),
    rows: a.matmul(F.constant([1, 2, 3, 4, 5, 6, 7, 8], { shape: [4, 2] })),
  }),
};

describe("functions", () => {
  test.each(Object.entries(functions))("%s", async (_, of) => {
    await compare(new Of(of as never), open);
    const [bound] = sizes;
    await compare(new Of(of as never), { ...open, inputs: fixed(open.inputs, bound!), dynamic: [], sizes: [{}] });
  });
});

/** Shapes with numbers in place of names. */
function fixed(inputs: typeof open.inputs, bound: Readonly<Record<string, number>>) {
  const of = (shape: readonly (string | number)[]) =>
    shape.map((axis) => (typeof axis === "string" ? bound[axis]! : axis));
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      Array.isArray(input) ? of(input) : { ...input, shape: of((input as { shape: string[] }).shape) },
    ]),
  ) as never;
}
