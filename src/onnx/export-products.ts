import type { Tensor } from "../graph/tensor.ts";

import { type GraphWriter, isFixed } from "./export-graph.ts";
import type { TracedNode } from "./export-trace.ts";

// Products with weights, embeddings, normalisation and softmax.

/** `[O,I]` from weights of two axes or more. */
function matrix(g: GraphWriter, weight: Tensor): string {
  const [O] = weight.shape as [number];
  const flat = [[O], [weight.size / O]];
  return weight.shape.length === 2
    ? g.value(weight)
    : g.reshape(
        g.value(weight),
        weight.shape.map((n) => [n]),
        flat,
      );
}

/** `x [..., I]` times `weight [O,I]` transposed, plus `bias [O]`. */
export function writeLinear(g: GraphWriter, { node }: TracedNode): void {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
  const [y] = node.outputs as [Tensor];
  const w = matrix(g, weight);
  if (x.shape.length === 2) {
    g.node("Gemm", [g.value(x), w, bias && g.value(bias)], { attributes: { transB: { int: 1 } }, to: y });
    return;
  }
  const turned = g.transposed(w, [1, 0], node.label);
  addBias(g, node.label, bias, y, (to) => g.node("MatMul", [g.value(x), turned], { to, label: node.label }));
}

function addBias(
  g: GraphWriter,
  label: string,
  bias: Tensor | undefined,
  y: Tensor,
  product: (to: Tensor | undefined) => string,
): void {
  if (bias) g.node("Add", [product(undefined), g.value(bias)], { to: y, label });
  else product(y);
}

/** Columns of `weight [M,V]` by tokens, plus `bias [M]`. */
export function writeLinearTokens(g: GraphWriter, { node }: TracedNode): void {
  const [tokens, weight, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
  const turned = g.transposed(g.value(weight), [1, 0], node.label);
  addBias(g, node.label, bias, node.outputs[0]!, (to) =>
    g.node("Gather", [turned, g.value(tokens)], { attributes: { axis: { int: 0 } }, to, label: node.label }),
  );
}

export function writeEmbedding(g: GraphWriter, { node }: TracedNode): void {
  const [tokens, table] = node.inputs as [Tensor, Tensor];
  g.node("Gather", [g.value(table), g.value(tokens)], { attributes: { axis: { int: 0 } }, to: node.outputs[0] });
}

export function writeLayerNorm(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor | undefined, Tensor | undefined];
  const [{ C, eps }] = attributes as readonly [{ readonly C: number; readonly eps: number }];
  const ones = () => g.initializer(`constant.ones.${C}`, [C], new Float32Array(C).fill(1));
  g.node("LayerNormalization", [g.value(x), weight ? g.value(weight) : ones(), bias && g.value(bias)], {
    attributes: { axis: { int: -1 }, epsilon: { float: eps } },
    to: node.outputs[0],
  });
}

export function writeSoftmax(g: GraphWriter, { node }: TracedNode): void {
  g.node("Softmax", [g.value(node.inputs[0]!)], { attributes: { axis: { int: -1 } }, to: node.outputs[0] });
}

/** `a [Z,M,K]` times `b [Z,K,N]`. */
export function writeMatmul(g: GraphWriter, { node }: TracedNode): void {
  g.node(
    "MatMul",
    node.inputs.map((x) => g.value(x!)),
    { to: node.outputs[0] },
  );
}

/** `x [M,B,K]` and `y [K,B,N]` (transposed: `[N,B,K]`), the batch in the middle: `[M,B,N]`. */
export function writeBatchProduct(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x, y] = node.inputs as [Tensor, Tensor];
  const [{ transposed }] = attributes as readonly [{ readonly transposed: boolean }];
  const a = g.transposed(g.value(x), [1, 0, 2], node.label);
  const b = g.transposed(g.value(y), transposed ? [1, 2, 0] : [1, 0, 2], node.label);
  const product = g.node("MatMul", [a, b], { label: node.label });
  g.node("Transpose", [product], { attributes: { perm: { ints: [1, 0, 2] } }, to: node.outputs[0] });
}

interface WindowSizes {
  readonly T: number;
  readonly K: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

/** Windows of `K` steps of `x [S,B,C]`: `[T,B,C,K]`, of which each of K slices is one entry of the last axis. */
export function writeWindows(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const all = attributes as readonly WindowSizes[];
  const [{ K, stride, dilation, padding }] = all as [WindowSizes];
  const { label } = node;
  // As many zeros behind as the last window reaches beyond x, at most.
  const behind = all.map(({ T }, k) => (T - 1) * stride + (K - 1) * dilation + 1 - g.lengths(x)[0]![k]! - padding);
  const pads = [padding, 0, 0, Math.max(0, ...behind), 0, 0];
  const padded = pads.some((n) => n > 0) ? g.node("Pad", [g.value(x), g.ints(pads)], { label }) : g.value(x);
  const T = g.lengths(y)[0]!;
  const fixed = isFixed(T);
  const last = fixed
    ? undefined
    : g.node("Mul", [g.node("Sub", [g.length(T), g.ints([1])], { label }), g.ints([stride])], { label });
  const slices = Array.from({ length: K }, (_, i) => {
    const start = i * dilation;
    const end =
      last === undefined
        ? g.ints([start + (T[0]! - 1) * stride + 1])
        : g.node("Add", [last, g.ints([start + 1])], { label });
    const steps = g.node("Slice", [padded, g.ints([start]), end, g.ints([0]), g.ints([stride])], { label });
    return g.node("Unsqueeze", [steps, g.ints([3])], { label });
  });
  if (K === 1) g.define(y, slices[0]!);
  else g.node("Concat", slices, { attributes: { axis: { int: 3 } }, to: y });
}
