import type { Tensor } from "../graph/tensor.ts";

import type { GraphWriter } from "./export-graph.ts";
import type { TracedNode } from "./export-trace.ts";

// Products with weights, embeddings, normalisation and softmax.

/** `x [..., I]` times `weight [O,I]` transposed, plus `bias [O]`. */
export function writeLinear(g: GraphWriter, { node }: TracedNode): void {
  const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
  const [y] = node.outputs as [Tensor];
  const w = g.value(weight);
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
  const ones = () => g.constant(`ones.${C}`, [C], new Float32Array(C).fill(1));
  g.node("LayerNormalization", [g.value(x), weight ? g.value(weight) : ones(), bias && g.value(bias)], {
    attributes: { axis: { int: -1 }, epsilon: { float: eps } },
    to: node.outputs[0],
  });
}

export function writeSoftmax(g: GraphWriter, { node }: TracedNode): void {
  g.node("Softmax", [g.value(node.inputs[0]!)], { attributes: { axis: { int: -1 } }, to: node.outputs[0] });
}

/** `a [Z,M,K]` (turned: `[Z,K,M]`) times `b [Z,K,N]`. */
export function writeMatmul(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const [{ turned }] = attributes as readonly [{ readonly turned: boolean }];
  const left = turned ? g.transposed(g.value(a), [0, 2, 1], node.label) : g.value(a);
  g.node("MatMul", [left, g.value(b)], { to: node.outputs[0] });
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
